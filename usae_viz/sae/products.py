"""The three products with a sparse code, behind one interface: torch's own, or Triton's on CUDA.

Both are the same sums over kept pairs; on CUDA the faster one is chosen by timing when a training
starts (`fastest`), at the sizes it will have.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.sae.code import SparseCode, weighted_rows

TRIALS = 5
"""Timed calls of each implementation; the shortest counts."""


class Products(Protocol):
    """Sums over the pairs (token, concept) that a support keeps.

    ``indices`` are ``[n, k]`` int64 and ``rows`` ``[concepts, dim]``.
    """

    def decode(self, values: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """Return Σ over a token's concepts of value times row, ``[n, dim]``."""

    def dots(self, tokens: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """Return the product of each token ``[n, dim]`` with each row it keeps, ``[n, k]``."""

    def transposed(self, weights: Tensor, token: Tensor, starts: Tensor, tokens: Tensor) -> Tensor:
        """Return Σ over a concept's tokens of weight times token, ``[concepts, dim]``.

        Args:
            weights: of the pairs, sorted by concept ``[pairs]``.
            token: which token each pair is of, ``[pairs]``.
            starts: where each concept's pairs start, ``[concepts]``.
            tokens: ``[n, dim]``.
        """


class Gathered:
    """By torch's own sums over rows: on every device, in every type."""

    def decode(self, values: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """See `Products`."""
        return weighted_rows(SparseCode(values, indices), rows)

    def dots(self, tokens: Tensor, indices: Tensor, rows: Tensor) -> Tensor:
        """See `Products`."""
        n, k = indices.shape
        number = torch.arange(n + 1, device=indices.device) * k
        if tokens.device.type == "cpu" and tokens.dtype in (torch.float32, torch.float64):
            return _sampled(number, indices, tokens, rows)
        # What autograd calls for an embedding_bag's weights; called straight, it spares the
        # forward.
        bag = torch.arange(n, device=indices.device).repeat_interleave(k)
        found: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            tokens, rows, indices.reshape(-1), number[:-1], bag, 0, -1
        )
        return found.view(n, k)

    def transposed(self, weights: Tensor, token: Tensor, starts: Tensor, tokens: Tensor) -> Tensor:
        """See `Products`."""
        return F.embedding_bag(token, tokens, starts, per_sample_weights=weights, mode="sum")


GATHERED = Gathered()


def _sampled(starts: Tensor, indices: Tensor, tokens: Tensor, rows: Tensor) -> Tensor:
    """Return tokens times rows at the kept places: two thirds of a bag's time on a CPU."""
    _announce()
    # Zeros: what is sampled is added to 0 times these.
    places = torch.sparse_csr_tensor(
        starts,
        indices.reshape(-1),
        tokens.new_zeros(indices.numel()),
        (len(tokens), len(rows)),
        check_invariants=False,
    )
    torch.sparse.sampled_addmm(places, tokens, rows.T, beta=0.0, out=places)
    return places.values().view(indices.shape)


@cache
def _announce() -> None:
    """Let torch say once, to nobody, that its sparse matrices are in beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        torch.sparse_csr_tensor([0, 0], [], [], (1, 1), check_invariants=False)


def fastest(
    device: torch.device, dtype: torch.dtype, *, n: int, k: int, concepts: int, dim: int
) -> Products:
    """Return the implementation that takes a training step's products in the least time.

    Off CUDA, and where Triton is not installed, there is one only.

    Args:
        device: where the training runs.
        dtype: of its tokens.
        n: tokens of a batch.
        k: concepts kept per token.
        concepts: width of the code.
        dim: channels of a backbone.
    """
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return GATHERED
    from usae_viz.sae.kernels import Kernels

    generator = torch.Generator(device).manual_seed(0)
    scores = torch.rand(n, concepts, generator=generator, device=device)
    indices = scores.topk(k, dim=1).indices
    values = torch.ones(n, k, device=device, dtype=dtype)
    rows = torch.ones(concepts, dim, device=device, dtype=dtype)
    order = indices.reshape(-1).argsort()
    counts = torch.bincount(indices.reshape(-1), minlength=concepts)

    def step(products: Products) -> Callable[[], None]:
        def work() -> None:
            tokens = products.decode(values, indices, rows)
            weights = products.dots(tokens, indices, rows).reshape(-1)[order]
            products.transposed(weights, order // k, counts.cumsum(0) - counts, tokens)

        return work

    def seconds(work: Callable[[], None]) -> float:
        taken = []
        for _ in range(TRIALS + 1):
            torch.cuda.synchronize(device)
            started = time.perf_counter()
            work()
            torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - started)
        # The first one compiles.
        return min(taken[1:])

    choices: tuple[Products, ...] = (GATHERED, Kernels())
    return min(choices, key=lambda products: seconds(step(products)))
