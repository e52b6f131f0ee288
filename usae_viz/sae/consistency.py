"""Whether two dictionaries hold the same rows: the best one-to-one matching by cosine."""

from __future__ import annotations

from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

ALIKE = 0.5
"""Matched rows count as the same from this cosine on (paper, sec. 4.4)."""


def consistency(one: Tensor, other: Tensor) -> dict[str, Any]:
    """Match two dictionaries of one backbone (Hungarian algorithm, as in the paper).

    Args:
        one: ``[n, dim]``.
        other: ``[m, dim]``.

    Returns:
        ``share`` of matches with a cosine of at least `ALIKE`, and their ``mean`` cosine, over
        min(n, m) matches.
    """
    cosine = F.normalize(one.float(), dim=1) @ F.normalize(other.float(), dim=1).T
    rows, columns = linear_sum_assignment(cosine.numpy(), maximize=True)
    matched = cosine[torch.from_numpy(rows), torch.from_numpy(columns)]
    return {"share": float((matched >= ALIKE).double().mean()), "mean": float(matched.mean())}


def gaussian_like(rows: Tensor, *, seed: int) -> Tensor:
    """Return random rows with the mean and variance of a dictionary's: what chance would match."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(rows.shape, generator=generator)
    return rows.mean(0) + noise * rows.std(0)
