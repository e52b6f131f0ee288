"""Which concepts each token keeps, without the pre-gate activations of a batch ever existing.

The encoder's product runs over tiles of tokens into one buffer that is used again, and each tile is
gated while it lies in cache: a fresh ``[tokens, concepts]`` costs a third of the product's time in
page faults alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.sae.code import largest, largest_entries
from usae_viz.sae.sparse import Support, Tokens, dots, tiles

TILE = 4 << 20
"""Bytes of the buffer for pre-gate activations, about."""

Visit = Callable[[int, Tensor, Tensor, Tensor], None]
"""Called with the first token of a tile, its pre-gate activations ``[rows, concepts]``, the kept
indices and their activations ``[rows, k]``."""


class Encoder(NamedTuple):
    """A linear encoder as it is used in a step."""

    weight: Tensor
    """``[concepts, dim]``."""
    bias: Tensor
    """``[concepts]``."""


class Selection(NamedTuple):
    """What `select` chose."""

    indices: Tensor
    """``[n, k]``."""
    known: list[Tensor] | None
    """Pre-gate activations of the chosen ``[n, k]``, any sign, of each encoder, where they fell out
    of choosing."""


def screens(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether candidates are better found in bfloat16 first: where it multiplies faster.

    By what the processor can do, not by timing: a choice that changed between runs would change
    their bytes.
    """
    if dtype != torch.float32:
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and any(
        bool(getattr(torch.cpu, name, bool)())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


@torch.no_grad()
def select(
    encoders: Sequence[Encoder],
    tokens: Sequence[Tokens],
    k: int,
    visit: Visit | None = None,
    *,
    screen: bool = False,
    shortlist: int = 0,
) -> Selection:
    """Choose the k concepts of largest pre-gate activation, summed over the encoders given.

    Args:
        encoders: one, or several that choose together.
        tokens: of each encoder's backbone; row r is the same pixels everywhere.
        k: concepts kept per token.
        visit: sees each tile's activations before the buffer is used again, in bfloat16 where
            that screens.
        screen: find a quarter as many candidates again as are kept by a product in bfloat16, and
            choose among those in full precision. A concept is missed only if rounding moves it by
            more than `k` // 4 places, at least 8, which is far beyond its errors.
        shortlist: choose among this many concepts only, the strongest of the first encoder (which
            screening finds in bfloat16); at least `k`, or 0 for all. The other encoders then need
            no product with all concepts.
    """
    weight = encoders[0].weight
    n, concepts = len(tokens[0].raw), len(weight)
    dtype = torch.bfloat16 if screen else weight.dtype
    # Of one size: a last tile of a few tokens costs as much besides its product as a whole one.
    size = max(1, math.ceil(n / max(1, round(n * concepts * dtype.itemsize / TILE))))
    buffer = weight.new_empty(size, concepts, dtype=dtype)
    listed = shortlist > 0 and len(encoders) > 1
    finding = encoders[:1] if listed else encoders
    factors = [encoder.weight.to(dtype).T for encoder in finding]
    bias = torch.stack([encoder.bias for encoder in finding]).sum(0).to(dtype)
    width = shortlist if listed else k + max(8, k // 4) if screen else k
    width = min(concepts, width)
    again = screen or listed
    indices = torch.empty(n, k, dtype=torch.int64, device=weight.device)
    known = [weight.new_empty(n, k) for _ in encoders] if again or len(encoders) == 1 else None
    for start, stop in tiles(n, size):
        tile = buffer[: stop - start]
        rows = [own.rows(start, stop) for own in tokens]
        for number, (factor, own) in enumerate(zip(factors, rows, strict=False)):
            torch.addmm(tile if number else bias, own.to(dtype), factor, out=tile)
        kept = largest(tile, width)
        if again:
            support = Support(kept, concepts)
            each = [
                dots(own, encoder.weight, support).add_(encoder.bias[kept])
                for encoder, own in zip(encoders, rows, strict=True)
            ]
            best = largest_entries(torch.stack(each).sum(0), k)
            kept = kept.gather(1, best)
            found = [own.gather(1, best) for own in each]
        else:
            found = [tile.gather(1, kept)]
        indices[start:stop] = kept
        for own, values in zip(known or (), found, strict=False):
            own[start:stop] = values
        if visit:
            visit(start, tile, kept, found[0])
    return Selection(indices, known)
