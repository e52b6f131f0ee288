"""How sure figures of universality are: a bootstrap over images that streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from usae_viz.sae.code import SparseCode, densify
from usae_viz.sae.universal import UniversalSAE

LEVEL = 0.95
"""Intervals hold this middle part of the replicates."""
REPLICATES = 200
MEMORY = 2**28
"""Bytes that the sums of all replicates may take; wide dictionaries get fewer replicates."""


class Universality:
    """Weighted counts of firing and of products of values, a row a replicate.

    Poisson bootstrap: in a replicate each image counts Poisson(1) times, so that images can stream
    (Chamandy et al., "Estimating uncertainty for massive data streams", 2012). Images and not
    tokens are drawn, since the tokens of one image are alike.
    """

    def __init__(self, usae: UniversalSAE, replicates: int) -> None:
        self.usae = usae
        m, n, b = len(usae.names), usae.concepts, replicates
        self.pairs = [(i, j) for i in range(m) for j in range(i + 1, m)]
        self.tokens = torch.zeros(b)
        self.fires = torch.zeros(b, m, n)
        self.all_fire = torch.zeros(b, n)
        self.total = torch.zeros(b, m, n)
        self.square = torch.zeros(b, m, n)
        self.product = torch.zeros(b, len(self.pairs), n)

    def add(self, codes: Mapping[str, SparseCode], weights: Tensor) -> None:
        """Add the codes of images, all of as many tokens; `weights` is ``[replicates, images]``."""
        weights = weights.float()
        dense = [
            _by_image(codes[name], self.usae.concepts, weights.shape[1]) for name in self.usae.names
        ]
        fires = [values > self.usae.tau for values in dense]
        self.tokens += weights.sum(1) * dense[0].shape[1]
        self.all_fire += weights @ torch.stack(fires).all(0).sum(1).float()
        for i, values in enumerate(dense):
            self.fires[:, i] += weights @ fires[i].sum(1).float()
            self.total[:, i] += weights @ values.sum(1)
            self.square[:, i] += weights @ values.square().sum(1)
        for place, (i, j) in enumerate(self.pairs):
            self.product[:, place] += weights @ (dense[i] * dense[j]).sum(1)

    def intervals(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``cofire`` by backbone and ``correlation`` by pair: [low, high] of the means.

        Centred on the figures of `table` (an evaluation): a rare concept may not fire at all in a
        replicate, which moves a mean over the living ones to one side.
        """
        names = self.usae.names
        living = (self.fires.sum(1) > 0).float()
        number = living.sum(1).clamp_min(1)
        cofire = self.all_fire[:, None] / self.fires.clamp_min(1)
        count = self.tokens.clamp_min(1)[:, None]
        correlation = {}
        for place, (i, j) in enumerate(self.pairs):
            mean = [self.total[:, at] / count for at in (i, j)]
            spread = [
                (self.square[:, at] / count - own.square()).clamp_min(0)
                for at, own in zip((i, j), mean, strict=True)
            ]
            norm = (spread[0] * spread[1]).sqrt()
            r = (self.product[:, place] / count - mean[0] * mean[1]) / norm.clamp_min(1e-12)
            kept = torch.where(norm > 1e-12, r, 0) * living
            pair = f"{names[i]}|{names[j]}"
            correlation[pair] = _around(table["correlation"][pair], kept.sum(1) / number)
        shares = {
            name: _around(
                table["cofire"]["proportion"][name], (cofire[:, i] * living).sum(1) / number
            )
            for i, name in enumerate(names)
        }
        return {"cofire": shares, "correlation": correlation}


def affordable(usae: UniversalSAE, wanted: int) -> int:
    """Return how many replicates fit into `MEMORY`, at least 20 if any are wanted."""
    m = len(usae.names)
    each = 4 * usae.concepts * (3 * m + 1 + m * (m - 1) // 2)
    return min(wanted, max(20, MEMORY // each))


def ends(replicates: Tensor) -> list[float]:
    """Return the low and high end of the middle `LEVEL` of some values."""
    tail = (1 - LEVEL) / 2
    at = torch.tensor([tail, 1 - tail], dtype=replicates.dtype)
    # Of few images a replicate may draw none, and then has no figure.
    return [float(x) for x in torch.quantile(replicates[replicates.isfinite()], at)]


def _around(figure: float, replicates: Tensor) -> list[float]:
    return ends(replicates - replicates.mean() + figure)


def _by_image(code: SparseCode, concepts: int, images: int) -> Tensor:
    return densify(code, concepts).cpu().view(images, -1, concepts)
