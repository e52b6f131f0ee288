"""The sparse code: values and indices, never densified on a hot path."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class SparseCode(NamedTuple):
    """The code of n tokens.

    Attributes:
        values: ``[n, k]``, at least 0, in standardised units.
        indices: ``[n, k]`` int64, which concept each value is of; distinct within a row.
    """

    values: Tensor
    indices: Tensor


def largest(scores: Tensor, k: int) -> Tensor:
    """Return the indices ``[n, k]`` of the k largest of each row ``[n, concepts]``, in any order.

    Exact. On a CPU `torch.topk` is slow where k is small, so it runs on the maxima of strided
    groups first: the k largest entries lie in the k groups of largest maximum.
    """
    n, concepts = scores.shape
    size = 1 << max(0, round(math.log2(max(1.0, concepts / max(k, 1))) / 2))
    if scores.device.type != "cpu" or size < 4 or concepts % size or concepts // size < 2 * k:
        return scores.topk(k, dim=1, sorted=False).indices
    groups = concepts // size
    best = scores.view(n, size, groups).amax(1).topk(k, dim=1, sorted=False).indices
    members = (best[:, :, None] + torch.arange(size) * groups).view(n, k * size)
    among = scores.gather(1, members).topk(k, dim=1, sorted=False).indices
    return members.gather(1, among)


def top_k(pre_gate: Tensor, k: int) -> SparseCode:
    """Keep the k largest pre-gate activations of each row ``[n, concepts]``, negative ones as 0."""
    indices = largest(pre_gate.detach(), k)
    return SparseCode(pre_gate.gather(1, indices).relu(), indices)


def weighted_rows(code: SparseCode, rows: Tensor) -> Tensor:
    """Return the code times a dictionary, ``[n, dim]``, by gathering rows ``[concepts, dim]``."""
    return F.embedding_bag(code.indices, rows, per_sample_weights=code.values, mode="sum")


def densify(code: SparseCode, concepts: int) -> Tensor:
    """Return the dense code ``[n, concepts]``; for small batches in evaluation only."""
    dense = torch.zeros(len(code.values), concepts, dtype=code.values.dtype)
    return dense.to(code.values.device).scatter_(1, code.indices, code.values)
