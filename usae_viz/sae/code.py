"""The sparse code: values and indices, never densified on a hot path."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
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


def largest(scores: Tensor, k: int, pool: ThreadPoolExecutor | None = None) -> Tensor:
    """Return the indices ``[n, k]`` of the k largest of each row ``[n, concepts]``, in any order.

    Exact. On a CPU `torch.topk` is slow where k is small, so the k strided groups of largest
    maximum are found first: the k largest entries lie in them.

    Args:
        scores: any order, no gradient.
        k: at most the number of columns.
        pool: threads to share the rows between; torch's own are used by other operations only.
    """
    n, concepts = scores.shape
    size = 1 << max(0, round(math.log2(max(1.0, concepts / max(k, 1))) / 2))
    fits = size >= 4 and concepts % size == 0 and concepts // size >= 2 * k
    if scores.device.type != "cpu" or scores.dtype not in _PARTITIONED or not fits:
        return scores.topk(k, dim=1, sorted=False).indices
    groups = concepts // size
    best = largest_entries(scores.view(n, size, groups).amax(1), k, pool)
    members = (best[:, :, None] + torch.arange(size) * groups).view(n, k * size)
    return members.gather(1, largest_entries(scores.gather(1, members), k, pool))


_PARTITIONED = (torch.float32, torch.float64)


def largest_entries(scores: Tensor, k: int, pool: ThreadPoolExecutor | None) -> Tensor:
    """As `largest` for narrow rows: numpy's partition is vectorised where `torch.topk` is not."""
    n, width = scores.shape
    if scores.device.type != "cpu" or scores.dtype not in _PARTITIONED or k == width:
        return scores.topk(k, dim=1, sorted=False).indices
    array = scores.numpy()
    if pool is None:
        found = _above_kth(array, k)
    else:
        middle = n // 2
        later = pool.submit(_above_kth, array[middle:], k)
        found = np.concatenate([_above_kth(array[:middle], k), later.result() + middle * width])
    if len(found) != n * k:
        # There is NaN.
        return scores.topk(k, dim=1, sorted=False).indices
    return torch.from_numpy(found).view(n, k).remainder_(width)


def _above_kth(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    edge = scores.shape[1] - k
    kth = np.partition(scores, edge, axis=1)[:, edge]
    found = np.flatnonzero(scores >= kth[:, None])
    if len(found) <= len(scores) * k:
        return found
    # Equal entries at the edge: of each row's, as many as there is room for.
    row = found // scores.shape[1]
    equal = scores.reshape(-1)[found] == kth[row]
    room = k - np.bincount(row[~equal], minlength=len(scores))
    before = np.cumsum(equal)
    first = np.concatenate([[0], before])[np.searchsorted(row, np.arange(len(scores)))]
    chosen: NDArray[np.int64] = found[~equal | (before - first[row] <= room[row])]
    return chosen


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
