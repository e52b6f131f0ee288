"""Two views of each image for self-supervision, and where the same place lies in both."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from usae_viz.demo.world import to_luma

POINTS = 24
"""Places compared in each image."""


class Views(NamedTuple):
    """Both views of ``n`` images."""

    images: Tensor  # [2, n, 3, size, size] in [0, 1]
    places: Tensor  # [2, n, POINTS, 2]: x, y in -1..1 of the same places in each view
    inside: Tensor  # [n, POINTS] bool: the place lies inside both views


def _crops(n: int, generator: torch.Generator) -> Tensor:
    """Random similarity transforms ``[n, 2, 3]`` from view to image: crop, turn and mirror."""
    r = torch.rand(n, 5, generator=generator)
    scale = 0.65 + 0.35 * r[:, 0]
    angle = 0.35 * (2 * r[:, 1] - 1)
    mirror = torch.where(r[:, 2] < 0.5, -1.0, 1.0)
    shift = (2 * r[:, 3:] - 1) * (1 - scale)[:, None]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    return torch.stack(
        [
            torch.stack([cos * mirror, -sin, shift[:, 0]], 1),
            torch.stack([sin * mirror, cos, shift[:, 1]], 1),
        ],
        1,
    )


def _recolour(images: Tensor, strong: Tensor, generator: torch.Generator) -> Tensor:
    """Change light everywhere a little, and, where ``strong [n]``, hue and saturation at will."""
    n = len(images)
    r = torch.rand(n, 6, generator=generator)
    luma = to_luma(images)
    blue, red = images[:, 2:] - luma, images[:, :1] - luma  # the chroma axes of YUV, unscaled
    hard = strong[:, None, None, None].float()

    def column(i: int) -> Tensor:
        return r[:, i, None, None, None]

    turn = (2 * column(0) - 1) * (0.03 + hard * (math.pi - 0.03))
    saturation = 1 + (column(1) - 1) * (0.15 + 0.85 * hard)
    cos, sin = saturation * turn.cos(), saturation * turn.sin()
    blue, red = 0.493 * blue, 0.877 * red
    blue, red = blue * cos - red * sin, blue * sin + red * cos
    gain = 1 + (2 * column(2) - 1) * (0.1 + 0.25 * hard)
    lift = (2 * column(3) - 1) * (0.03 + 0.09 * hard)
    luma = (luma - 0.5) * gain + 0.5 + lift
    red, blue = luma + red / 0.877, luma + blue / 0.493
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    out = torch.cat([red, green, blue], 1)
    noise = torch.randn(images.shape, generator=generator)
    return (out + 0.03 * column(4) * noise).clamp(0, 1)


def _draw_places(images: Tensor, generator: torch.Generator) -> Tensor:
    """Places ``[n, POINTS, 2]`` in the image, -1..1: half anywhere, half where it stands out.

    What stands out is what differs from the image's mean colour at a coarse scale; no label is
    used.
    """
    n = len(images)
    coarse = avg_pool2d(images, 8)
    odd = (coarse - coarse.mean((2, 3), keepdim=True)).norm(dim=1).flatten(1).square() + 1e-4
    side = coarse.shape[-1]
    cells = torch.multinomial(odd, POINTS // 2, replacement=True, generator=generator)
    corner = torch.stack([cells % side, cells // side], -1).float()
    jitter = torch.rand(n, POINTS // 2, 2, generator=generator)
    salient = (corner + jitter) / side * 2 - 1
    anywhere = torch.rand(n, POINTS - POINTS // 2, 2, generator=generator) * 2 - 1
    return torch.cat([salient, anywhere], 1)


def two_views(images: Tensor, strong: Tensor, generator: torch.Generator) -> Views:
    """Two random views of ``images [n, 3, size, size]`` and matching places.

    Args:
        images: sRGB in [0, 1].
        strong: ``[n]`` bool, images whose colours are changed at will between the views.
        generator: source of all randomness.
    """
    n = len(images)
    places = _draw_places(images, generator)
    pixels, where = [], []
    for _ in range(2):
        crop = _crops(n, generator)
        grid = affine_grid(crop, list(images.shape), align_corners=False)
        view = grid_sample(
            images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
        pixels.append(_recolour(view, strong, generator))
        linear, shift = crop[:, :, :2], crop[:, :, 2]
        where.append((places - shift[:, None]) @ torch.linalg.inv(linear).mT)
    positions = torch.stack(where)
    inside = (positions.abs() < 0.95).all(-1).all(0)
    return Views(torch.stack(pixels), positions, inside)
