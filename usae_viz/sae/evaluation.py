"""How good a universal SAE is on held-out tokens: R² across backbones and universality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from usae_viz.errors import StoreError
from usae_viz.sae.statistics import CodeStatistics
from usae_viz.sae.universal import UniversalSAE

ENTROPY_EDGES = [round(0.1 * i, 1) for i in range(11)]


@torch.no_grad()
def evaluate_usae(
    usae: UniversalSAE, batches: Iterable[Mapping[str, Tensor]]
) -> tuple[dict[str, Any], CodeStatistics]:
    """Evaluate on paired held-out tokens.

    Args:
        usae: the model.
        batches: per backbone ``[n, dim]`` raw tokens; row r is the same pixels everywhere.

    Returns:
        The part of the ``evaluate`` JSON contract that needs tokens only, and the statistics it
        was made from. R² matrices have rows *encoded from* and columns *decoded to*: ``channel``
        measures against each channel's mean, ``scalar`` against one mean over all channels (the
        paper's eq. 10 as its code computes it, which credits the channel means).

    Raises:
        StoreError: there is no token.
    """
    m = len(usae.names)
    error = torch.zeros(m, m, dtype=torch.float64)
    total = {name: torch.zeros(usae.dims[name], dtype=torch.float64) for name in usae.names}
    square = {name: torch.zeros(usae.dims[name], dtype=torch.float64) for name in usae.names}
    statistics = CodeStatistics(usae)
    for batch in batches:
        codes = {name: usae.encode(name, batch[name]) for name in usae.names}
        for j, name in enumerate(usae.names):
            exact = batch[name].double()
            total[name] += exact.sum(0)
            square[name] += exact.square().sum(0)
            for i, source in enumerate(usae.names):
                difference = batch[name] - usae.decode(name, codes[source])
                error[i, j] += difference.square().sum(dtype=torch.float64)
        statistics.add(codes)
    if not statistics.tokens:
        raise StoreError("there are no held-out tokens", hint="raise images.validation")
    count = statistics.tokens
    channel, scalar = [], []
    for name in usae.names:
        squares = float(square[name].sum())
        channel.append(squares - float((total[name] ** 2).sum()) / count)
        scalar.append(squares - float(total[name].sum()) ** 2 / (count * usae.dims[name]))
    r2 = {
        "channel": _matrix(1 - error / torch.tensor(channel, dtype=torch.float64)),
        "scalar": _matrix(1 - error / torch.tensor(scalar, dtype=torch.float64)),
    }
    return {"tokens": count, "r2": r2, **universality(usae, statistics)}, statistics


def universality(usae: UniversalSAE, statistics: CodeStatistics) -> dict[str, Any]:
    """Return the universality part of the ``evaluate`` JSON contract; dead concepts are apart.

    ``cofire.pairs`` is the mean over living concepts of the tokens in which both fire over those
    of the more frequent one; ``correlation`` the mean Pearson correlation of values over tokens (0
    where a backbone never uses the concept); ``lift`` the median co-firing over chance.
    """
    dead = statistics.dead()
    living = ~dead
    names = usae.names
    entropy = statistics.entropy()[living]
    cofire = statistics.cofire()[:, living]
    pair = statistics.pair_share()[:, :, living]
    correlation = statistics.correlation()[:, :, living]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    energy = statistics.energy(usae).mean(0)[living]
    together = statistics.all_fire.numpy()[living]
    return {
        "concepts": usae.concepts,
        "dead": int(dead.sum()),
        "entropy": {
            "above_0.9": int((entropy > 0.9).sum()),
            "edges": ENTROPY_EDGES,
            "counts": np.histogram(entropy, ENTROPY_EDGES)[0].tolist(),
        },
        "cofire": {
            "proportion": {name: _mean(cofire[i]) for i, name in enumerate(names)},
            "pairs": {f"{names[i]}|{names[j]}": _mean(pair[i, j]) for i, j in pairs},
            "energy_r": _log_correlation(energy, together),
            "lift": float(np.median(statistics.lift()[living])) if living.any() else 0.0,
        },
        "correlation": {f"{names[i]}|{names[j]}": _mean(correlation[i, j]) for i, j in pairs},
    }


def _mean(values: np.ndarray[Any, Any]) -> float:
    return float(values.mean()) if values.size else 0.0


def _matrix(values: Tensor) -> list[list[float]]:
    return [[float(x) for x in row] for row in values]


def _log_correlation(energy: np.ndarray[Any, Any], together: np.ndarray[Any, Any]) -> float:
    """Pearson r of log energy and log co-fires over the concepts that co-fire (paper, fig. 5)."""
    use = (together > 0) & (energy > 0)
    if use.sum() < 3:
        return 0.0
    return float(np.corrcoef(np.log(energy[use]), np.log(together[use]))[0, 1])
