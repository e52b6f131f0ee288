"""Intervals of everything that is a share, by a bootstrap over images that streams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from usae_viz.concepts.chance import Words, mixed, uniforms
from usae_viz.concepts.classes import KINDS, classify
from usae_viz.sae.counts import Array, CodeCounts
from usae_viz.sae.statistics import ImageSums

REPLICATES = 100
LEVEL = 0.95
"""Intervals hold the middle 95 % of the replicates."""


class Bootstrap:
    """The Poisson bootstrap over images: in each replicate an image counts Poisson(1) times.

    Tokens of one image are alike, so images are what is drawn. A weight depends on the image's
    hash and the replicate only: parts counted apart add up to the whole. (Chamandy et al.,
    "Estimating uncertainty for massive data streams", 2012.)

    Attributes:
        tokens: ``[R]`` weighted tokens of each replicate.
        fires: ``[R, M, N]``; `everywhere` ``[R, N]``; `together` ``[R, P, N]``, pairs i < j.
    """

    def __init__(self, names: tuple[str, ...], concepts: int, tau: float) -> None:
        m = len(names)
        self.names, self.concepts, self.tau = names, concepts, tau
        self.tokens: Array = np.zeros(REPLICATES)
        self.fires: Array = np.zeros((REPLICATES, m, concepts))
        self.everywhere: Array = np.zeros((REPLICATES, concepts))
        self.together: Array = np.zeros((REPLICATES, m * (m - 1) // 2, concepts))

    def add(self, words: Words, sums: ImageSums, tokens: int) -> None:
        """Add a batch: the images' hashes, their sums, and tokens per image."""
        weights = image_weights(words)
        self.tokens += weights.sum(1) * tokens
        for store, counts in (
            (self.fires, sums.fires),
            (self.everywhere, sums.everywhere[None]),
            (self.together, sums.together),
        ):
            for i, count in enumerate(counts.float().numpy()):
                # Whole numbers far below 2^24: exact in float32.
                target = store[:, i] if store.ndim == 3 else store
                target += weights @ count

    def merge(self, other: Bootstrap) -> None:
        """Add the weighted counts of other images."""
        for key in ("tokens", "fires", "everywhere", "together"):
            getattr(self, key)[...] += getattr(other, key)

    def replicate(self, number: int) -> CodeCounts:
        """Return the counts of one replicate, as far as shares need them."""
        counts = CodeCounts(self.names, self.concepts, self.tau)
        counts.tokens = int(self.tokens[number])
        counts.fires, counts.all_fire = self.fires[number], self.everywhere[number]
        pairs = iter(self.together[number])
        for i in range(len(self.names)):
            counts.pair_fires[i, i] = counts.fires[i]
            for j in range(i + 1, len(self.names)):
                counts.pair_fires[i, j] = counts.pair_fires[j, i] = next(pairs)
        return counts

    def intervals(self) -> dict[str, NDArray[np.float32]]:
        """Return low and high ends of each concept's shares.

        Returns:
            ``rate`` ``[2, M, N]``, ``entropy`` ``[2, N]``, ``cofire`` ``[2, N]`` (the smallest over
            the backbones) and ``pair`` ``[2, M, M, N]``.
        """
        found: dict[str, list[NDArray[np.float32]]] = {}
        for number in range(REPLICATES):
            counts = self.replicate(number)
            for key, values in (
                ("rate", counts.rate()),
                ("entropy", counts.entropy()),
                ("cofire", counts.cofire().min(0)),
                ("pair", counts.pair_share()),
            ):
                found.setdefault(key, []).append(values.astype(np.float32))
        return {key: _ends(np.stack(values)) for key, values in found.items()}

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Return low and high ends of how many concepts are of each class."""
        counted = np.stack(
            [
                np.bincount(classify(self.replicate(number)), minlength=len(KINDS))
                for number in range(REPLICATES)
            ]
        )
        low, high = _ends(counted)
        return {kind: (int(low[i]), int(high[i])) for i, kind in enumerate(KINDS)}


def image_weights(words: Words) -> NDArray[np.float32]:
    """Return ``[R, images]``: how often each image counts in each replicate."""
    table = poisson.cdf(np.arange(12), 1.0)
    drawn = uniforms(np.stack([mixed(words, 1000 + number) for number in range(REPLICATES)]))
    return np.searchsorted(table, drawn, side="right").astype(np.float32)


def _ends(replicates: NDArray[Any]) -> NDArray[np.float32]:
    tail = (1 - LEVEL) / 2
    ends: NDArray[np.float32] = np.quantile(replicates, [tail, 1 - tail], axis=0).astype(np.float32)
    return ends
