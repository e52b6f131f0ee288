"""A universal dictionary beside independent ones: which concepts do both hold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from usae_viz.sae.consistency import ALIKE, Floats, correlations, cosines, match

ALIKE_FIRING = 0.5
"""Two concepts fire alike from this correlation over tokens on."""
FEWEST = 10
"""Concepts that fire in fewer of the compared tokens are left out: chance says too much."""


class Dictionary(NamedTuple):
    """What one SAE makes of one backbone.

    Attributes:
        rows: its dictionary ``[N, dim]``.
        fires: sparse ``[tokens, N]``, 1 where a concept fires; the same tokens for all dictionaries
            that are compared.
    """

    rows: Tensor
    fires: csr_matrix

    def living(self) -> NDArray[np.int64]:
        """Return the concepts that fire in at least `FEWEST` of the tokens."""
        return np.flatnonzero(np.asarray(self.fires.sum(0)).ravel() >= FEWEST)


class Nearest(NamedTuple):
    """How near any concept of another dictionary comes to each of N; NaN for those left out.

    Attributes:
        cosine: ``[N]`` largest cosine of rows.
        firing: ``[N]`` largest correlation of firing over tokens.
    """

    cosine: Floats
    firing: Floats

    def lone(self) -> NDArray[np.bool_]:
        """Return ``[N]``: no concept comes within `ALIKE` by row or `ALIKE_FIRING` by firing."""
        alone: NDArray[np.bool_] = (self.cosine < ALIKE) & (self.firing < ALIKE_FIRING)
        return alone


class Agreement(NamedTuple):
    """How much of one dictionary another one holds.

    Attributes:
        figures: ``concepts`` that are compared; ``rows`` and ``firing``: matched one to one by
            cosine of rows, or by correlation of firing, the ``share`` of concepts whose partner is
            alike (`ALIKE`, `ALIKE_FIRING`), the ``mean`` over the pairs, and the mean of the other
            measure over the same pairs (``firing``, ``cosine``); ``lone``: share of concepts that
            come near no concept of the other, matched or not.
        nearest: of each concept.
    """

    figures: dict[str, Any]
    nearest: Nearest


def agreement(one: Dictionary, other: Dictionary) -> Agreement:
    """Compare a dictionary with another one of the same backbone and tokens."""
    mine, theirs = one.living(), other.living()
    count = len(one.rows)
    nearest = Nearest(*(np.full(count, np.nan, np.float32) for _ in range(2)))
    if not mine.size or not theirs.size:
        nearest.cosine[mine] = nearest.firing[mine] = 0
        none = {"share": 0.0, "mean": 0.0}
        return Agreement(
            {"concepts": len(mine), "rows": {**none, "firing": 0.0},
             "firing": {**none, "cosine": 0.0}, "lone": 1.0 if mine.size else 0.0},
            nearest,
        )  # fmt: skip
    cosine = cosines(one.rows[torch.from_numpy(mine)], other.rows[torch.from_numpy(theirs)])
    firing = correlations(one.fires[:, mine], other.fires[:, theirs])
    nearest.cosine[mine], nearest.firing[mine] = cosine.max(1), firing.max(1)
    by_row, by_firing = match(cosine), match(firing)
    return Agreement(
        {
            "concepts": len(mine),
            "rows": {
                "share": float((cosine[by_row] >= ALIKE).sum() / len(mine)),
                "mean": float(cosine[by_row].mean()),
                "firing": float(firing[by_row].mean()),
            },
            "firing": {
                "share": float((firing[by_firing] >= ALIKE_FIRING).sum() / len(mine)),
                "mean": float(firing[by_firing].mean()),
                "cosine": float(cosine[by_firing].mean()),
            },
            "lone": float(nearest.lone().sum() / len(mine)),
        },
        nearest,
    )


def mean_figures(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means of the figures of several agreements, key by key."""
    return {
        key: mean_figures([each[key] for each in found])
        if isinstance(value, Mapping)
        else sum(each[key] for each in found) / len(found)
        for key, value in found[0].items()
    }


def best_of(found: Sequence[Nearest]) -> Nearest:
    """Return how near any concept of several dictionaries comes."""
    return Nearest(
        np.maximum.reduce([each.cosine for each in found]),
        np.maximum.reduce([each.firing for each in found]),
    )


def without_counterpart(
    nearest: Mapping[str, Nearest], chosen: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Return the chosen concepts that have a counterpart in no backbone, the loneliest first.

    Args:
        nearest: by backbone how near any independent SAE comes.
        chosen: ``[N]`` which concepts are asked for.

    Returns:
        For each ``id``, and by backbone ``cosine`` and ``firing`` of the nearest concept (None
        where it fires too rarely to be compared). Concepts that are compared in no backbone are
        left out.
    """
    compared = np.stack([~np.isnan(each.cosine) for each in nearest.values()])
    lone = np.stack([each.lone() for each in nearest.values()])
    ids = np.flatnonzero(chosen & compared.any(0) & (lone | ~compared).all(0))
    rows = [
        {
            "id": int(k),
            "cosine": {name: _number(each.cosine[k]) for name, each in nearest.items()},
            "firing": {name: _number(each.firing[k]) for name, each in nearest.items()},
        }
        for k in ids
    ]
    return sorted(rows, key=lambda row: max(filter(None, row["firing"].values()), default=0.0))


def _number(value: np.float32) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
