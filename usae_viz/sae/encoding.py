"""Which concepts each token keeps, without the pre-gate activations of a batch ever existing.

The encoder's product runs over tiles of tokens into one buffer that is used again, and each tile is
gated while it lies in cache: a fresh ``[tokens, concepts]`` costs a third of the product's time in
page faults alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.sae.code import largest
from usae_viz.sae.sparse import Tokens, tiles

TILE = 1 << 20
"""Pre-gate activations in the buffer: 4 MiB in float32."""

Visit = Callable[[int, Tensor, Tensor], None]
"""Called with the first token, the pre-gate activations and the kept indices of a tile."""


class Encoder(NamedTuple):
    """A linear encoder as it is used in a step."""

    weight: Tensor
    """``[concepts, dim]``."""
    bias: Tensor
    """``[concepts]``."""


@torch.no_grad()
def select(
    encoders: Sequence[Encoder], tokens: Sequence[Tokens], k: int, visit: Visit | None = None
) -> tuple[Tensor, Tensor]:
    """Choose the k concepts of largest pre-gate activation, summed over the encoders given.

    Args:
        encoders: one, or several that choose together.
        tokens: of each encoder's backbone; row r is the same pixels everywhere.
        k: concepts kept per token.
        visit: sees each tile's activations before the buffer is used again.

    Returns:
        The (summed) activations kept, any sign, and their indices: ``[n, k]``, ``[n, k]``.
    """
    weight = encoders[0].weight
    n, concepts = len(tokens[0].raw), len(weight)
    size = max(1, min(n, TILE // concepts))
    bias = torch.stack([encoder.bias for encoder in encoders]).sum(0)
    buffer = weight.new_empty(size, concepts)
    values = weight.new_empty(n, k)
    indices = torch.empty(n, k, dtype=torch.int64, device=weight.device)
    # Made for this call alone: a pool that is kept would not survive a fork.
    shared = weight.device.type == "cpu" and torch.get_num_threads() > 1
    with ThreadPoolExecutor(1) if shared else nullcontext() as pool:
        for start, stop in tiles(n, size):
            tile = buffer[: stop - start]
            for number, (encoder, own) in enumerate(zip(encoders, tokens, strict=True)):
                rows = own.rows(start, stop)
                base = tile if number else bias
                torch.addmm(base, rows, encoder.weight.T, out=tile)
            kept = largest(tile, k, pool)
            indices[start:stop] = kept
            torch.gather(tile, 1, kept, out=values[start:stop])
            if visit:
                visit(start, tile, kept)
    return values, indices
