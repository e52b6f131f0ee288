"""The sparse code: values and indices, never densified on a hot path."""

from __future__ import annotations

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


def top_k(pre_gate: Tensor, k: int) -> SparseCode:
    """Keep the k largest pre-gate activations of each row ``[n, concepts]``, negative ones as 0."""
    values, indices = pre_gate.topk(k, dim=1, sorted=False)
    return SparseCode(values.relu(), indices)


def weighted_rows(code: SparseCode, rows: Tensor) -> Tensor:
    """Return the code times a dictionary, ``[n, dim]``, by gathering rows ``[concepts, dim]``."""
    return F.embedding_bag(code.indices, rows, per_sample_weights=code.values, mode="sum")


def densify(code: SparseCode, concepts: int) -> Tensor:
    """Return the dense code ``[n, concepts]``; for small batches in evaluation only."""
    dense = torch.zeros(len(code.values), concepts, dtype=code.values.dtype)
    return dense.to(code.values.device).scatter_(1, code.indices, code.values)
