"""The products of `products.py` as Triton kernels: rows are gathered into registers, once.

Sums are taken in float32 (in float64 for float64), whatever the type of the rows.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

WIDTH = 128
"""Channels that one program sums at a time."""


@triton.jit
def _decode(values, indices, rows, out, dim, k, width: tl.constexpr, sums: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * width + tl.arange(0, width)
    inside = channel < dim
    total = tl.zeros([width], sums)
    for kept in range(k):
        concept = tl.load(indices + token * k + kept)
        value = tl.load(values + token * k + kept).to(sums)
        total += value * tl.load(rows + concept * dim + channel, mask=inside, other=0).to(sums)
    tl.store(out + token * dim + channel, total, mask=inside)


@triton.jit
def _dots(tokens, indices, rows, out, dim, k, width: tl.constexpr, sums: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    pair = token * k + tl.program_id(1)
    concept = tl.load(indices + pair)
    total = tl.zeros([width], sums)
    for first in range(0, dim, width):
        channel = first + tl.arange(0, width)
        inside = channel < dim
        own = tl.load(tokens + token * dim + channel, mask=inside, other=0).to(sums)
        total += own * tl.load(rows + concept * dim + channel, mask=inside, other=0).to(sums)
    tl.store(out + pair, tl.sum(total, 0))


@triton.jit
def _transposed(
    weights, token, starts, ends, tokens, out, dim, width: tl.constexpr, sums: tl.constexpr
):
    concept = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * width + tl.arange(0, width)
    inside = channel < dim
    total = tl.zeros([width], sums)
    for pair in range(tl.load(starts + concept), tl.load(ends + concept)):
        weight = tl.load(weights + pair).to(sums)
        row = tl.load(token + pair) * dim
        total += weight * tl.load(tokens + row + channel, mask=inside, other=0).to(sums)
    tl.store(out + concept * dim + channel, total, mask=inside)


class Kernels:
    """`products.Products` in Triton, for CUDA."""

    def decode(self, values: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """See `Products`."""
        (n, k), dim = indices.shape, rows.shape[1]
        out = rows.new_empty(n, dim)
        grid = (n, triton.cdiv(dim, WIDTH))
        _launch(_decode, grid, rows, values, indices, rows, out, dim, k)
        return out

    def dots(self, tokens: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """See `Products`."""
        n, k = indices.shape
        out = rows.new_empty(n, k)
        _launch(_dots, (n, k), rows, tokens, indices, rows, out, rows.shape[1], k)
        return out

    def transposed(self, weights: Tensor, token: Tensor, starts: Tensor, tokens: Tensor) -> Tensor:
        """See `Products`."""
        dim = tokens.shape[1]
        ends = torch.cat([starts[1:], starts.new_tensor([len(token)])])
        out = tokens.new_empty(len(starts), dim)
        grid = (len(starts), triton.cdiv(dim, WIDTH))
        _launch(_transposed, grid, tokens, weights, token, starts, ends, tokens, out, dim)
        return out


def _launch(kernel: Any, grid: tuple[int, int], summed: Tensor, *arguments: Tensor | int) -> None:
    """Run a kernel that sums rows of `summed`, on the GPU that holds them.

    Triton by itself launches on the current GPU, whichever that is.
    """
    dense = (a.contiguous() if isinstance(a, Tensor) else a for a in arguments)
    sums = tl.float64 if summed.dtype == torch.float64 else tl.float32
    with torch.cuda.device_of(summed):
        kernel[grid](*dense, width=WIDTH, sums=sums)
