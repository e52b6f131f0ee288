"""The losses of a universal SAE, on standardised tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.sae.sparse import ROWS, Support, Tokens, dots, tiles, transposed, with_gradients


def reconstruction_loss(
    values: Tensor,
    support: Support,
    rows: Mapping[str, Tensor],
    tokens: Mapping[str, Tokens],
    *,
    l1: bool,
) -> Tensor:
    """Sum over backbones of the mean error per channel (paper eq. 5–6): one code, every decoder.

    Its gradients are made on the way, tile by tile, while the error is in cache; only rows that
    require a gradient get one.

    Args:
        values: of the code of n tokens, ``[n, k]``.
        support: the code's concepts.
        rows: dictionary of each backbone ``[concepts, dim]``.
        tokens: tokens of each backbone.
        l1: absolute instead of squared error.
    """
    code = values.detach()
    to_values = torch.zeros_like(code) if values.requires_grad else None
    pairs: list[tuple[Tensor, Tensor | None]] = [(values, to_values)]
    total = code.new_zeros(())
    for name, target in tokens.items():
        own = rows[name].detach()
        wanted = rows[name].requires_grad
        n, dim = target.raw.shape
        weight = (1 if l1 else 2) / (n * dim)
        errors = target.raw.new_empty(n if wanted else ROWS, dim)
        shift = target.mean / target.scale
        for start, stop in tiles(n):
            error = errors[start:stop] if wanted else errors[: stop - start]
            torch.add(shift, target.raw[start:stop], alpha=-1 / target.scale, out=error)
            error += support.products.decode(code[start:stop], support.indices[start:stop], own)
            if l1:
                total += torch.linalg.vector_norm(error, 1) / (n * dim)
                error.sign_()
            else:
                total += torch.dot(error.view(-1), error.view(-1)) / (n * dim)
            if to_values is not None:
                to_values[start:stop].add_(dots(error, own, support, start), alpha=weight)
        to_rows = transposed(support, code * weight, errors) if wanted else None
        # The largest tensor of a step: gone before the next backbone's is made.
        del errors, error
        pairs.append((rows[name], to_rows))
    return with_gradients(total, pairs)


def agreement_loss(
    values: Tensor,
    others: Sequence[Tensor],
    *,
    kind: Literal["cosine", "squared"] = "cosine",
    detached: Literal["nothing", "code", "others"] = "nothing",
) -> Tensor:
    """How far the other backbones are from the code, over the concepts that the code keeps.

    ``cosine``: Σ (1 − cosine), mean over tokens. It is scale-free: it cannot be lowered by
    shrinking every code, which costs reconstruction. ``squared``: Σ ‖difference‖² / ‖code‖², each a
    mean over tokens, the denominator a constant.

    Args:
        values: of the code of n tokens from one backbone, ``[n, k]``.
        others: pre-gate activations ``[n, k]`` of the same tokens and concepts in the others.
        kind: which distance.
        detached: the side that gets no gradient.
    """
    code = values.detach() if detached == "code" else values
    total = values.new_zeros(())
    for other in others:
        pre_gate = other.detach() if detached == "others" else other
        if kind == "cosine":
            total = total + (1 - F.cosine_similarity(pre_gate, code, dim=1)).mean()
        else:
            square = values.detach().square().sum().clamp_min(1e-12)
            total = total + (pre_gate - code).square().sum() / square
    return total
