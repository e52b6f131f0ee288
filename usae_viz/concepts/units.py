"""Units of different networks that fire alike: what single channels share without any dictionary.

After Dravid et al., "Rosetta Neurons: mining the common units in a model zoo" (arXiv 2306.09346):
activation maps of two networks are correlated over all images and places, and two units belong
together if each is the other's nearest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.sae.consistency import Floats

ALIKE_UNITS = 0.5
"""Two units of different networks fire alike from this correlation on."""

Pairs = dict[int, int]
"""Units of one network and the units of another that they belong with."""


class ChannelSums:
    """Sums over paired tokens from which channels of different backbones are correlated.

    Args:
        dims: channels of each backbone.
    """

    def __init__(self, dims: Mapping[str, int]) -> None:
        self.names = tuple(dims)
        self.count = 0
        self.total = {n: torch.zeros(d, dtype=torch.float64) for n, d in dims.items()}
        self.square = {n: torch.zeros(d, dtype=torch.float64) for n, d in dims.items()}
        self.product = {
            (a, b): torch.zeros(dims[a], dims[b], dtype=torch.float64)
            for a, b in combinations(dims, 2)
        }

    def add(self, tokens: Mapping[str, Tensor]) -> None:
        """Add standardised tokens ``[n, dim]``; row r is the same pixels in every backbone."""
        self.count += len(tokens[self.names[0]])
        for name in self.names:
            self.total[name] += tokens[name].sum(0, dtype=torch.float64)
            self.square[name] += tokens[name].square().sum(0, dtype=torch.float64)
        for (a, b), product in self.product.items():
            product += (tokens[a].T @ tokens[b]).double()

    def correlation(self, one: str, other: str) -> Floats:
        """Return ``[dim, dim]``: Pearson correlation over tokens; 0 for constant channels."""
        count = max(self.count, 1)
        mean = {n: self.total[n] / count for n in (one, other)}
        deviation = {
            n: (self.square[n] / count - mean[n].square()).clamp_min(0).sqrt() for n in (one, other)
        }
        covariance = self.product[one, other] / count - torch.outer(mean[one], mean[other])
        scale = torch.outer(deviation[one], deviation[other])
        defined = scale > 1e-12
        found: Floats = torch.where(defined, covariance / scale.clamp_min(1e-12), 0).float().numpy()
        return found


def mutual_nearest(similarity: Floats) -> Pairs:
    """Return the pairs that are each other's nearest, of positive similarity."""
    forth, back = similarity.argmax(1), similarity.argmax(0)
    mutual = (back[forth] == np.arange(len(forth))) & (similarity.max(1) > 0)
    return {int(i): int(forth[i]) for i in np.flatnonzero(mutual)}


def groups(names: Sequence[str], pairs: Mapping[tuple[str, str], Pairs]) -> list[tuple[int, ...]]:
    """Return groups of a unit of every network, each two of which are each other's nearest.

    Args:
        names: the networks.
        pairs: of each two of them, in the order of `names`.
    """
    found: list[tuple[int, ...]] = [(unit,) for unit in pairs[names[0], names[1]]]
    for at, name in enumerate(names[1:], 1):
        mates = [
            (group, {pairs[names[i], name].get(group[i]) for i in range(at)}) for group in found
        ]
        found = [
            (*group, unit) for group, units in mates if len(units) == 1 for unit in units
            if unit is not None
        ]  # fmt: skip
    return found


def shared_units(
    names: Sequence[str],
    similarity: Mapping[tuple[str, str], Floats],
    *,
    by_number: bool = False,
) -> dict[str, Any]:
    """Return how many units two, and all, networks share.

    Args:
        names: the networks, at least two.
        similarity: ``[n, m]`` correlations of the units of each two of them.
        by_number: units of one number belong together, however near others are; of those, the
            ones of positive correlation count.

    Returns:
        ``pairs`` by ``A|B``: ``count``, the ``mean`` correlation (None if there is no pair), how
        many are ``alike`` (`ALIKE_UNITS`), and how many bear the ``same`` number (which means
        something where numbers do). ``all``: ``count`` of groups over all networks, the ``mean`` of
        their smallest correlation, and how many are ``alike`` in every pair.
    """
    pairs = {
        key: {int(k): int(k) for k in np.flatnonzero(np.diagonal(values) > 0)}
        if by_number
        else mutual_nearest(values)
        for key, values in similarity.items()
    }
    smallest = [
        min(
            float(similarity[names[i], names[j]][group[i], group[j]])
            for i, j in combinations(range(len(names)), 2)
        )
        for group in groups(names, pairs)
    ]
    return {
        "pairs": {f"{a}|{b}": _of_pair(similarity[a, b], found) for (a, b), found in pairs.items()},
        "all": _counted(np.array(smallest)),
    }


def _of_pair(similarity: Floats, pairs: Pairs) -> dict[str, Any]:
    values = np.array([similarity[i, j] for i, j in pairs.items()])
    return {**_counted(values), "same": sum(i == j for i, j in pairs.items())}


def _counted(values: NDArray[Any]) -> dict[str, Any]:
    return {
        "count": len(values),
        "mean": float(values.mean()) if values.size else None,
        "alike": int((values >= ALIKE_UNITS).sum()),
    }
