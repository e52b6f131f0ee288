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

    def to(self, device: torch.device | str) -> SparseCode:
        """Return the code on a device."""
        return SparseCode(self.values.to(device), self.indices.to(device))


def largest(scores: Tensor, k: int) -> Tensor:
    """Return the indices ``[n, k]`` of the k largest of each row ``[n, concepts]``, in any order.

    Exact. On a CPU `torch.topk` is slow where k is small, so the k strided groups of largest
    maximum are found first: the k largest entries lie in them.

    Args:
        scores: any order, no gradient.
        k: at most the number of columns.
    """
    n, concepts = scores.shape
    size = 1 << max(0, round(math.log2(max(1.0, concepts / max(k, 1))) / 2))
    fits = size >= 4 and concepts % size == 0 and concepts // size >= 2 * k
    if not _sorts_as_integers(scores) or not fits:
        return scores.topk(k, dim=1, sorted=False).indices
    groups = concepts // size
    best = largest_entries(scores.view(n, size, groups).amax(1), k)
    members = (best[:, :, None] + torch.arange(size) * groups).view(n, k * size)
    return members.gather(1, largest_entries(scores.gather(1, members), k))


_INTEGERS = {torch.bfloat16: (torch.int16, torch.int32), torch.float32: (torch.int32, torch.int64)}
"""Of a type of scores: an integer as wide, and one twice as wide."""


def _sorts_as_integers(scores: Tensor) -> bool:
    return scores.device.type == "cpu" and scores.dtype in _INTEGERS


def largest_entries(scores: Tensor, k: int) -> Tensor:
    """As `largest` for narrow rows, by one partition of integers that hold score and column.

    numpy's partition is vectorised where `torch.topk` is not, and where the column is part of what
    it orders nothing has to be looked up afterwards and there are no ties.
    """
    width = scores.shape[1]
    if not _sorts_as_integers(scores) or width > 1 << 15 or k == width:
        return scores.topk(k, dim=1, sorted=False).indices
    narrow, wide = _INTEGERS[scores.dtype]
    bits = scores.element_size() * 8
    whole = scores.contiguous().view(narrow)
    # A float's bits order as an integer's once those below the sign of negative ones are turned.
    turned = whole ^ ((whole >> (bits - 1)) & torch.iinfo(narrow).max)
    keys = (turned.to(wide) << bits).add_(torch.arange(width, dtype=wide))
    keys.numpy().partition(width - k, axis=1)
    return (keys[:, width - k :] & (1 << 15) - 1).long()


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
