"""Whether two dictionaries hold the same concepts: the best one-to-one matching of their rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

Floats = NDArray[np.float32]

ALIKE = 0.5
"""Matched rows count as the same from this cosine on (paper, sec. 4.4)."""


class Matching(NamedTuple):
    """Pairs of a one-to-one matching, min(n, m) of them.

    Attributes:
        rows: places in the first.
        columns: places in the other.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def cosines(one: Tensor, other: Tensor) -> Floats:
    """Return ``[n, m]``: cosines of the rows ``[n, dim]`` and ``[m, dim]``."""
    cosine = F.normalize(one.float(), dim=1) @ F.normalize(other.float(), dim=1).T
    found: Floats = cosine.numpy()
    return found


def correlations(one: csr_matrix, other: csr_matrix) -> Floats:
    """Return ``[n, m]``: Pearson correlation of columns over the rows; 0 where undefined.

    Args:
        one: sparse ``[tokens, n]``: values, or 1 where a concept fires.
        other: sparse ``[tokens, m]``, of the same tokens.
    """
    count = max(one.shape[0], 1)
    (mean, spread), (other_mean, other_spread) = (_moments(each) for each in (one, other))
    found: Floats = (one.T @ other).toarray().astype(np.float32)
    found /= count
    found -= np.outer(mean, other_mean).astype(np.float32)
    found *= np.outer(spread, other_spread).astype(np.float32)
    return found


def _moments(codes: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns' means, and one over their standard deviations (0 for constant ones)."""
    mean = np.asarray(codes.mean(0), np.float64).ravel()
    variance = np.asarray(codes.multiply(codes).mean(0), np.float64).ravel() - mean**2
    varies = variance > 1e-12
    return mean, np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)), 0)


def match(similarity: Floats) -> Matching:
    """Return the one-to-one matching of largest total similarity (Hungarian algorithm)."""
    return Matching(*linear_sum_assignment(similarity, maximize=True))


def consistency(one: Tensor, other: Tensor) -> dict[str, Any]:
    """Match two dictionaries of one backbone (Hungarian algorithm, as in the paper).

    Args:
        one: ``[n, dim]``.
        other: ``[m, dim]``.

    Returns:
        ``share`` of matches with a cosine of at least `ALIKE`, and their ``mean`` cosine, over
        min(n, m) matches.
    """
    cosine = cosines(one, other)
    matched = cosine[match(cosine)]
    return {"share": float((matched >= ALIKE).mean()), "mean": float(matched.mean())}


def gaussian_like(rows: Tensor, *, seed: int) -> Tensor:
    """Return random rows with the mean and variance of a dictionary's: what chance would match."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(rows.shape, generator=generator)
    return rows.mean(0) + noise * rows.std(0)
