"""The objective: how active a concept is before the gate, over the tokens of a view."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from usae_viz.sae import UniversalSAE

TOP_SHARE = 0.1
"""Share of tokens that the objective ``top`` averages over."""


def _mean(activation: Tensor) -> Tensor:
    return activation.mean(1)


def _top(activation: Tensor) -> Tensor:
    kept = max(1, round(TOP_SHARE * activation.shape[1]))
    return activation.topk(kept, dim=1).values.mean(1)


def _peak(activation: Tensor) -> Tensor:
    return activation.amax(1)


OVER_TOKENS: dict[str, Callable[[Tensor], Tensor]] = {"mean": _mean, "top": _top, "peak": _peak}
"""How activations ``[batch, tokens]`` become one number an image, by name."""


def concept_activation(
    usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor, over_tokens: str = "mean"
) -> Tensor:
    """Return the pre-gate activation of another concept for each image.

    Only the encoder rows asked for are computed, and not the gate: TopK gives a concept that is not
    among the k largest no gradient at all, so an optimisation could not start.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n * views, dim, grid, grid]``, the views of an image side by side.
        concepts: ``[n]``, the concept of each image.
        over_tokens: a key of `OVER_TOKENS`; the tokens of each view count by themselves.

    Returns:
        ``[n]``, mean over views, in standardised units, any sign.
    """
    tokens = maps.flatten(2).transpose(1, 2)
    batch, per_view, dim = tokens.shape
    n = len(concepts)
    distinct, column = torch.unique(concepts, return_inverse=True)
    rows = usae.pre_gate(name, tokens.reshape(-1, dim), distinct)
    rows = rows.view(n, batch // n, per_view, len(distinct))
    where = column.view(n, 1, 1, 1).expand(-1, batch // n, per_view, 1)
    own = rows.gather(3, where).view(batch, per_view)
    return OVER_TOKENS[over_tokens](own).view(n, -1).mean(1)


def read_clean(
    usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the code says about whole images: score, peak and mean code.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n, dim, grid, grid]`` of images without views.
        concepts: ``[n]``, the concept of each image.

    Returns:
        ``[n]`` mean over tokens of the concept's gated activation, ``[n]`` its maximum, and
        ``[n, N]`` mean over tokens of every concept's.
    """
    n, dim = maps.shape[:2]
    tokens = maps.flatten(2).transpose(1, 2)
    per_image = tokens.shape[1]
    code = usae.encode(name, tokens.reshape(-1, dim))
    values = code.values.view(n, -1)
    indices = code.indices.view(n, -1)
    mean = torch.zeros(n, usae.concepts, device=maps.device)
    mean.scatter_add_(1, indices, values / per_image)
    own = torch.where(indices == concepts[:, None], values, 0)
    return mean.gather(1, concepts[:, None])[:, 0], own.amax(1), mean
