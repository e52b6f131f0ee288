"""Where an attribution starts from: what stands for 'nothing to see' in an image."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from usae_viz.errors import UsageError

Baseline = Literal["black", "blur", "mean"]

BLUR = 1 / 16
"""Standard deviation of the blurred baseline, as a share of the image's shorter side."""


def baseline_images(images: Tensor, baseline: Baseline | Tensor) -> Tensor:
    """Return the baselines of images ``[batch, 3, height, width]`` in [0, 1] sRGB.

    Args:
        images: the images.
        baseline: ``black``; ``blur``, the image blurred by `BLUR`; ``mean``, its mean colour; or
            images of one's own, ``[3, height, width]`` or one for each.

    Raises:
        UsageError: the name is unknown, or the tensor does not fit the images.
    """
    if isinstance(baseline, Tensor):
        own = baseline.to(images).expand_as(images) if _fits(baseline, images) else None
        if own is None or not own.isfinite().all() or own.min() < 0 or own.max() > 1:
            raise UsageError(
                "a baseline does not fit the images",
                expected=f"values in [0, 1], {list(images.shape)} or {list(images.shape[1:])}",
                got=str(list(baseline.shape)),
            )
        return own
    if baseline == "black":
        return torch.zeros_like(images)
    if baseline == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if baseline == "blur":
        return blurred(images)
    raise UsageError(
        f"baseline {baseline!r} is not known",
        expected=" or ".join(get_args(Baseline)) + ", or a tensor",
    )


def blurred(images: Tensor) -> Tensor:
    """Return images blurred by a Gaussian of `BLUR` of their shorter side."""
    sigma = max(1.0, BLUR * min(images.shape[-2:]))
    # Reflection at the border needs an image larger than the kernel's half.
    half = min(math.ceil(3 * sigma), min(images.shape[-2:]) - 1)
    result: Tensor = gaussian_blur(images, [2 * half + 1] * 2, [sigma, sigma])
    return result


def _fits(baseline: Tensor, images: Tensor) -> bool:
    return baseline.shape in (images.shape, images.shape[1:])
