"""What is attributed to pixels: a concept's pre-gate activation over some tokens of the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from usae_viz.attribution.maps import check_concepts
from usae_viz.backbones import Backbone
from usae_viz.errors import BackboneError, UsageError
from usae_viz.sae import UniversalSAE

Target = Literal["active", "mean", "peak", "region"]


class ConceptTarget(nn.Module):
    """Images ``[n, 3, H, W]`` and weights ``[n, tokens]`` → pre-gate activation ``[n]``.

    The activation is the weighted sum over tokens: equal weights for a mean, one token for the
    peak, a mask for a region. The weights are an argument of their own so that captum repeats them
    along with the image that they belong to.

    Args:
        usae: the USAE; it must know the backbone.
        backbone: the network that reads the images.
        concept: index of the code.

    Raises:
        ConceptError: the concept lies outside the code.
    """

    def __init__(self, usae: UniversalSAE, backbone: Backbone, concept: int) -> None:
        super().__init__()
        self.usae, self.backbone = usae, backbone
        self.register_buffer("concept", check_concepts(usae, [concept]), persistent=False)

    def tokens(self, images: Tensor) -> Tensor:
        """Return the pre-gate activation of every token, ``[n, tokens]``."""
        maps = self.backbone(images).flatten(2).transpose(1, 2)
        concept = self.get_buffer("concept").to(images.device)
        row = self.usae.pre_gate(self.backbone.name, maps.flatten(0, 1), concept)
        return row.view(len(images), -1)

    def kept(self, images: Tensor) -> Tensor:
        """Return whether a token's code has the concept, ``[n, tokens]`` bool."""
        maps = self.backbone(images).flatten(2).transpose(1, 2)
        concept = self.get_buffer("concept").to(images.device)
        gated = self.usae.gated(self.backbone.name, maps.flatten(0, 1), concept)
        return gated.view(len(images), -1) > 0

    def forward(self, images: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted activation ``[n]``."""
        return (self.tokens(images) * weights).sum(1)

    @torch.no_grad()
    def value(self, images: Tensor, weights: Tensor, batch_size: int) -> Tensor:
        """Return the target ``[n]`` without a graph, `batch_size` images at a time."""
        return torch.cat([self(x, w) for x, w in batches(images, weights, batch_size)])

    def require_gradient(self, image: Tensor, weights: Tensor) -> None:
        """Raise `BackboneError` if no gradient of the target reaches the pixels."""
        pixels = image.detach().clone().requires_grad_()
        activation = self(pixels, weights)
        if activation.requires_grad:
            (gradient,) = torch.autograd.grad(activation.sum(), pixels, allow_unused=True)
            if gradient is not None and gradient.any():
                return
        raise BackboneError(
            f"no gradient of {self.backbone.name}'s layer reaches the pixels",
            expected="a token map that is a differentiable function of the image",
            hint="read another layer; `usae-viz doctor` says which pass a gradient",
        )


@torch.no_grad()
def token_weights(
    function: ConceptTarget,
    images: Tensor,
    target: Target,
    region: Tensor | None,
    batch_size: int,
) -> Tensor:
    """Return the weights ``[n, tokens]`` that a target stands for; each row sums to 1.

    Args:
        function: the concept.
        images: ``[n, 3, H, W]`` in [0, 1].
        target: mean over the tokens whose code has the concept in the unchanged image (over all
            where none has it); over all tokens; the token where it peaks; or over a region.
        region: ``[n, H, W]`` or ``[H, W]``, at least 0: how much each pixel belongs to the region;
            only for that target. A token's weight is the mean over its part of the image.
        batch_size: images at once.

    Raises:
        UsageError: the target is unknown, or the region does not fit it or the images.
    """
    if target not in get_args(Target):
        raise UsageError(f"target {target!r} is not known", expected=" or ".join(get_args(Target)))
    if (region is not None) != (target == "region"):
        raise UsageError(
            "a region and the target do not fit each other",
            expected="target 'region' with a region, or another target without",
            got=f"target {target!r} {'without' if region is None else 'with'} a region",
        )
    grid = function.backbone.grid
    if region is not None:
        return _region_weights(region, images, grid)
    count = grid * grid
    if target == "mean":
        return images.new_full((len(images), count), 1 / count)
    if target == "active":
        kept = torch.cat([function.kept(part) for part in torch.split(images, batch_size)])
        kept = torch.where(kept.any(1, keepdim=True), kept, True).to(images.dtype)
        return kept / kept.sum(1, keepdim=True)
    found = torch.cat([function.tokens(part).argmax(1) for part in torch.split(images, batch_size)])
    return nn.functional.one_hot(found, count).to(images.dtype)


def _region_weights(region: Tensor, images: Tensor, grid: int) -> Tensor:
    masks = region.to(images)
    masks = masks.expand(len(images), -1, -1) if masks.ndim == 2 else masks
    shape = (len(images), *images.shape[-2:])
    if tuple(masks.shape) != shape or not masks.isfinite().all() or masks.min() < 0:
        raise UsageError(
            "a region does not fit the images",
            expected=f"finite values of at least 0, {list(shape)} or {list(shape[1:])}",
            got=str(list(region.shape)),
        )
    weights = nn.functional.adaptive_avg_pool2d(masks[:, None], grid).flatten(1)
    totals = weights.sum(1, keepdim=True)
    if not totals.gt(0).all():
        raise UsageError("a region is empty", expected="at least one pixel above 0 in each image")
    return weights / totals


def batches(images: Tensor, weights: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images and their weights, at most `size` at a time."""
    yield from zip(torch.split(images, size), torch.split(weights, size), strict=True)
