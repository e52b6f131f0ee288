"""How good a universal SAE is on held-out tokens: R² across backbones and universality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from usae_viz.errors import StoreError
from usae_viz.sae.bootstrap import LEVEL, Universality, affordable, ends
from usae_viz.sae.code import SparseCode
from usae_viz.sae.reconstruction import Reconstruction
from usae_viz.sae.relations import log_correlation, relations
from usae_viz.sae.statistics import CodeStatistics
from usae_viz.sae.universal import PIECE, UniversalSAE

ENTROPY_EDGES = [round(0.1 * i, 1) for i in range(11)]


@torch.no_grad()
def evaluate_usae(
    usae: UniversalSAE,
    batches: Iterable[Mapping[str, Tensor]],
    *,
    replicates: int = 0,
    shuffled: bool = False,
    seed: int = 0,
) -> tuple[dict[str, Any], CodeStatistics]:
    """Evaluate on paired held-out tokens.

    Args:
        usae: the model.
        batches: per backbone ``[images, tokens, dim]`` raw tokens, or ``[n, dim]`` where nothing
            is asked of images; the same place is the same pixels everywhere. On the CPU, wherever
            the model is.
        replicates: of the bootstrap over images that gives ``intervals``; 0 leaves them out. Wide
            dictionaries get fewer.
        shuffled: also pair each backbone's tokens with others of the same batch, drawn at random:
            what a figure would be if the backbones saw different things (``controls.shuffled``).
        seed: of replicates and shuffling.

    Returns:
        The part of the ``evaluate`` JSON contract that needs tokens only, and the statistics it
        was made from. Matrices have rows *encoded from* and columns *decoded to*. R² ``channel``
        measures against each channel's mean, ``scalar`` against one mean over all channels (the
        paper's eq. 10 as its code computes it, which credits the channel means); ``mse`` is per
        channel in standardised units.

    Raises:
        StoreError: there is no token.
    """
    generator = torch.Generator().manual_seed(seed)
    replicates = affordable(usae, replicates)
    sums, statistics = Reconstruction(usae, replicates), CodeStatistics(usae)
    chance, chance_statistics = Reconstruction(usae), CodeStatistics(usae)
    drawn = Universality(usae, replicates)
    for batch in batches:
        images = {name: t if t.ndim == 3 else t[None] for name, t in batch.items()}
        count = len(images[usae.names[0]])
        weights = torch.ones(replicates + 1, count, dtype=torch.float64)
        weights[1:] = torch.poisson(torch.ones(replicates, count), generator=generator)
        codes = _encode(usae, images)
        sums.add(images, codes, weights)
        for piece in _pieces(codes, usae.concepts):
            statistics.add({name: _rows(codes[name], piece) for name in usae.names})
        if replicates:
            length = len(codes[usae.names[0]].values) // count
            size = max(1, PIECE // (length * usae.concepts))
            for start in range(0, count, size):
                stop = min(start + size, count)
                piece = slice(start * length, stop * length)
                some = {name: _rows(codes[name], piece) for name in usae.names}
                drawn.add(some, weights[1:, start:stop])
        if shuffled:
            mixed = _mixed(codes, generator)
            chance.add(images, mixed, weights[:1])
            for piece in _pieces(mixed, usae.concepts):
                chance_statistics.add({name: _rows(mixed[name], piece) for name in usae.names})
    if not statistics.tokens:
        raise StoreError("there are no held-out tokens", hint="raise images.validation")
    channel, scalar = sums.r2()
    table: dict[str, Any] = {
        "tokens": statistics.tokens,
        "r2": {"channel": channel[0].tolist(), "scalar": scalar[0].tolist()},
        "mse": sums.mse()[0].tolist(),
        **universality(usae, statistics),
        "relations": relations(usae, statistics),
    }
    if replicates:
        m = range(len(usae.names))
        table["intervals"] = {
            "level": LEVEL,
            "replicates": replicates,
            "r2": {
                kind: [[ends(values[1:, i, j]) for j in m] for i in m]
                for kind, values in (("channel", channel), ("scalar", scalar))
            },
            **drawn.intervals(table),
        }
    if shuffled:
        table["controls"] = {"shuffled": _control(usae, chance, chance_statistics)}
    return table, statistics


def summary(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a control is compared by: R², co-fire, lift, correlation."""
    return {
        "r2": {"channel": table["r2"]["channel"]},
        "dead": table["dead"],
        "cofire": {key: table["cofire"][key] for key in ("proportion", "pairs", "lift")},
        "correlation": table["correlation"],
    }


def _control(
    usae: UniversalSAE, chance: Reconstruction, statistics: CodeStatistics
) -> dict[str, Any]:
    r2 = [[float(x) for x in row] for row in chance.r2()[0][0]]
    return summary({"r2": {"channel": r2}, **universality(usae, statistics)})


def _encode(usae: UniversalSAE, images: Mapping[str, Tensor]) -> dict[str, SparseCode]:
    """Return codes on the CPU, which counts them; a model in training lies where it is trained."""
    device = usae.bias[0].device
    return {
        name: usae.encode(name, images[name].flatten(0, 1).to(device)).to("cpu")
        for name in usae.names
    }


def _pieces(codes: Mapping[str, SparseCode], concepts: int) -> Iterator[slice]:
    size = max(1, PIECE // concepts)
    count = len(next(iter(codes.values())).values)
    for start in range(0, count, size):
        yield slice(start, start + size)


def _rows(code: SparseCode, piece: slice | Tensor) -> SparseCode:
    return SparseCode(code.values[piece], code.indices[piece])


def _mixed(codes: Mapping[str, SparseCode], generator: torch.Generator) -> dict[str, SparseCode]:
    count = len(next(iter(codes.values())).values)
    return {
        name: _rows(code, torch.randperm(count, generator=generator))
        for name, code in codes.items()
    }


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
    together = statistics.all_fire[living]
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
            "energy_r": log_correlation(energy, together) or 0.0,
            "lift": float(np.median(statistics.lift()[living])) if living.any() else 0.0,
        },
        "correlation": {f"{names[i]}|{names[j]}": _mean(correlation[i, j]) for i, j in pairs},
    }


def _mean(values: np.ndarray[Any, Any]) -> float:
    return float(values.mean()) if values.size else 0.0
