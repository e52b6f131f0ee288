"""Products with a sparse code, and their gradients: work grows with k, never with concepts.

Autograd's own backward of a gathered product scatters row by row; here both gradients of a product
are gathers too. The gradient to the code's values reads one row per kept concept, and the gradient
to the rows is the product with the transposed code, for which the kept pairs are sorted by concept
once and used for every backbone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from usae_viz.sae.products import GATHERED, Products

ROWS = 512
"""Tokens per tile: errors of a tile stay in a core's cache between the passes over them."""


class Tokens(NamedTuple):
    """Tokens of one backbone and their standardisation, applied tile by tile where they are read.

    A standardised copy of a batch would be the largest tensor of a training step.
    """

    raw: Tensor
    """``[n, dim]`` as the backbone gives them."""
    mean: Tensor
    """``[dim]``."""
    scale: float
    """Above 0."""

    def rows(self, start: int, stop: int) -> Tensor:
        """Return standardised tokens ``[stop - start, dim]``."""
        return torch.add(self.mean / -self.scale, self.raw[start:stop], alpha=1 / self.scale)


class Support:
    """Which concepts each token keeps, and the same pairs sorted by concept.

    Args:
        indices: ``[n, k]`` int64, distinct within a row.
        concepts: width of the code.
        products: what takes the products with it.
    """

    def __init__(self, indices: Tensor, concepts: int, products: Products = GATHERED) -> None:
        self.indices, self.concepts, self.products = indices, concepts, products
        self.flat = indices.reshape(-1)

    @cached_property
    def by_concept(self) -> tuple[Tensor, Tensor, Tensor]:
        """The order that sorts the pairs by concept, their tokens in it, where concepts start."""
        # The narrower the keys, the faster the sort.
        keys = self.flat.to(torch.int16 if self.concepts <= 1 << 15 else torch.int32)
        order = keys.sort(stable=True).indices
        counts = torch.bincount(self.flat, minlength=self.concepts)
        return order, order // self.indices.shape[1], counts.cumsum(0) - counts


def dots(tokens: Tensor, rows: Tensor, support: Support, start: int = 0) -> Tensor:
    """Return the product of each token ``[m, dim]`` with each row it keeps: ``[m, k]``.

    Args:
        tokens: of the support's tokens from `start` on.
        rows: ``[concepts, dim]``.
        support: which rows each token keeps.
        start: the support's token that the first of `tokens` is.
    """
    kept = support.indices[start : start + len(tokens)]
    return support.products.dots(tokens, kept, rows)


def transposed(support: Support, values: Tensor, tokens: Tensor) -> Tensor:
    """Return Σ over tokens of value times token per concept, ``[concepts, dim]``: codeᵀ tokens."""
    order, token, starts = support.by_concept
    weights = values.reshape(-1).index_select(0, order)
    return support.products.transposed(weights, token, starts, tokens)


def totals(support: Support, values: Tensor) -> Tensor:
    """Return the sum of values per concept, ``[concepts]``."""
    return values.new_zeros(support.concepts).scatter_add_(0, support.flat, values.reshape(-1))


def tiles(n: int, size: int = ROWS) -> Iterator[tuple[int, int]]:
    """Yield start and stop of row tiles."""
    for start in range(0, n, size):
        yield start, min(start + size, n)


class _PreGate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weight: Tensor,
        bias: Tensor,
        tokens: Tokens,
        support: Support,
        known: Tensor | None,
    ) -> Tensor:
        ctx.tokens, ctx.support = tokens, support
        if known is not None:
            return known
        n = len(tokens.raw)
        found = [dots(tokens.rows(a, b), weight, support, a) for a, b in tiles(n)]
        return torch.cat(found).add_(bias[support.indices])

    @staticmethod
    def backward(
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        tokens, support = ctx.tokens, ctx.support
        bias = totals(support, gradient)
        weight = None
        if ctx.needs_input_grad[0]:
            weight = transposed(support, gradient, tokens.raw)
            weight.addr_(bias, tokens.mean, alpha=-1).div_(tokens.scale)
        return weight, bias, None, None, None


def pre_gate_at(
    weight: Tensor, bias: Tensor, tokens: Tokens, support: Support, known: Tensor | None = None
) -> Tensor:
    """Return the pre-gate activations ``[n, k]`` of the kept concepts alone.

    Differentiable in weight ``[concepts, dim]`` and bias ``[concepts]``; both gradients are sparse
    products.

    Args:
        weight: of the encoder.
        bias: of the encoder.
        tokens: what is encoded.
        support: the concepts kept.
        known: the result, if it was computed already; then only the backward pass is left.
    """
    found: Tensor = _PreGate.apply(weight, bias, tokens, support, known)
    return found


class _WithGradients(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: tuple[Tensor | None, ...], *_: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        given = tuple(None if g is None else g.mul_(gradient) for g in ctx.gradients)
        del ctx.gradients
        return None, None, *given


def with_gradients(loss: Tensor, pairs: list[tuple[Tensor, Tensor | None]]) -> Tensor:
    """Return `loss` as a function of tensors whose gradients are known already.

    For losses whose gradient falls out of the forward pass. Can be differentiated once.

    Args:
        loss: scalar.
        pairs: each tensor and the loss's gradient with respect to it, or None if not wanted.
    """
    gradients = tuple(gradient for _, gradient in pairs)
    inputs = [tensor for tensor, _ in pairs]
    found: Tensor = _WithGradients.apply(loss, gradients, *inputs)
    return found
