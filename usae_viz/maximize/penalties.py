"""What a picture is kept from: other concepts, roughness, leaving its start, being like another."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.sae import UniversalSAE


def total_variation(images: Tensor) -> Tensor:
    """Return the mean absolute step between neighbouring pixels, ``[n]``, of ``[n, 3, h, w]``.

    Anisotropic total variation (Rudin et al. 1992), a mean over pixels and both directions, so that
    its weight holds for any size.
    """
    down = images.diff(dim=2).abs().mean((1, 2, 3))
    across = images.diff(dim=3).abs().mean((1, 2, 3))
    return down + across


def other_concepts(usae: UniversalSAE, name: str, maps: Tensor, own: Tensor) -> Tensor:
    """Return the gated activation of all concepts but each image's own, mean over tokens.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n * views, dim, grid, grid]``, the views of an image side by side.
        own: ``[n, K]``, the concepts of each image that do not count.

    Returns:
        ``[n]`` in standardised units, at least 0: the sum over concepts, mean over tokens and views
        (a token holds at most k of them).
    """
    tokens = maps.flatten(2).transpose(1, 2)
    batch, per_view, dim = tokens.shape
    code = usae.encode(name, tokens.reshape(-1, dim))
    values = code.values.view(batch, per_view, -1)
    indices = code.indices.view(batch, per_view, -1, 1)
    excused = own.repeat_interleave(batch // len(own), dim=0)[:, None, None, :]
    others = torch.where((indices == excused).any(-1), 0, values)
    return others.sum(2).mean(1).view(len(own), -1).mean(1)


def feature_distance(usae: UniversalSAE, name: str, maps: Tensor, start: Tensor) -> Tensor:
    """Return how far token maps have moved from those of the start image.

    Args:
        usae: gives the standardisation.
        name: the backbone that the maps are of.
        maps: ``[n * views, dim, grid, grid]``, the views of an image side by side.
        start: ``[views, dim, grid, grid]``, the start image through the same views.

    Returns:
        ``[n]``: squared distance over tokens and channels, as share of the squared distance of the
        start image from the mean token: 0 is the start, 1 is as far from it as the average is.
    """
    mean = usae.mean(name).view(1, 1, -1, 1, 1)
    now = maps.view(-1, *start.shape)
    moved = (now - start).square().sum((1, 2, 3, 4))
    return moved / (start - mean).square().sum().clamp_min(1e-12)


def descriptor(usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor) -> Tensor:
    """Return what an image looks like to a backbone apart from the concept, ``[n, dim]``.

    The mean standardised token over the image's views, without its part along the concept's encoder
    row, scaled to length 1.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: ``[n * views, dim, grid, grid]``, the views of an image side by side.
        concepts: ``[n]``, the concept of each image.
    """
    n = len(concepts)
    pooled = maps.mean((2, 3)).view(n, -1, maps.shape[1]).mean(1)
    pooled = usae.standardise(name, pooled)
    along = F.normalize(usae.encoder(name)[0][concepts], dim=1)
    return F.normalize(pooled - (pooled * along).sum(1, keepdim=True) * along, dim=1)


def sideways(pull: Tensor, along: Tensor, weight: Tensor) -> Tensor:
    """Return a second gradient at a share of the first one's length, and never against it.

    Args:
        pull: ``[n, ...]``, the second gradient. Where it points against the first, that part is
            left out (Yu et al. 2020, PCGrad).
        along: ``[n, ...]``, the first.
        weight: ``[n]``, length to have over the first one's; below 0 counts as 0.
    """
    flat, first = pull.flatten(1), along.flatten(1)
    square = first.square().sum(1, keepdim=True).clamp_min(1e-30)
    against = (flat * first).sum(1, keepdim=True).clamp_max(0)
    left = flat - against / square * first
    # Where next to nothing is left, rounding is not blown up to full length.
    whole = flat.norm(dim=1, keepdim=True).clamp_min(1e-30)
    length = left.norm(dim=1, keepdim=True).maximum(1e-3 * whole)
    factor = weight.clamp_min(0)[:, None] * first.norm(dim=1, keepdim=True) / length
    pushed: Tensor = (factor * left).view_as(pull)
    return pushed
