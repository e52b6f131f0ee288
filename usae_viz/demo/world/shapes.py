"""Signed distances to outlines: negative inside, in units of the object's radius.

Functions take ``x`` (right) and ``y`` (down), any broadcastable shape, and return that shape.
Distances are exact on the sides and near enough elsewhere for edges and soft shadows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Outline = Callable[[Tensor, Tensor], Tensor]


def disc(x: Tensor, y: Tensor, radius: float) -> Tensor:
    """A disc around the origin."""
    return torch.hypot(x, y) - radius


def box(x: Tensor, y: Tensor, half_width: float, half_height: float) -> Tensor:
    """An upright rectangle around the origin."""
    return torch.maximum(x.abs() - half_width, y.abs() - half_height)


def wedge(x: Tensor, y: Tensor, half_width: float, height: float) -> Tensor:
    """An isosceles triangle: tip at the origin, base ``height`` below it."""
    slope = math.hypot(half_width, height)
    side = (x.abs() * height - y * half_width) / slope
    return torch.maximum(side, y - height)


def _sector(x: Tensor, y: Tensor, folds: int) -> tuple[Tensor, Tensor]:
    """Coordinates along and (absolutely) across the nearest of ``folds`` rays; the first is up."""
    angle = torch.atan2(x, -y)
    step = 2 * math.pi / folds
    angle = angle - (angle / step).round() * step
    radius = torch.hypot(x, y)
    return radius * torch.cos(angle), (radius * torch.sin(angle)).abs()


def petals(x: Tensor, y: Tensor, folds: int, distance: float, radius: float) -> Tensor:
    """``folds`` discs around the origin, at ``distance`` from it."""
    along, across = _sector(x, y, folds)
    return torch.hypot(along - distance, across) - radius


def spokes(x: Tensor, y: Tensor, folds: int, length: float, half_width: float) -> Tensor:
    """``folds`` bars from the origin outwards."""
    along, across = _sector(x, y, folds)
    return torch.maximum(across - half_width, along - length)


def circle(x: Tensor, y: Tensor) -> Tensor:
    """A disc."""
    return disc(x, y, 0.88)


def square(x: Tensor, y: Tensor) -> Tensor:
    """A square."""
    return box(x, y, 0.74, 0.74)


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """An equilateral triangle."""
    return wedge(x, y + 0.98, 0.85, 1.47)


def star(x: Tensor, y: Tensor) -> Tensor:
    """A star of five points."""
    along, across = _sector(x, y, 5)
    tip, inner = 1.0, 0.44
    corner_x, corner_y = inner * math.cos(math.pi / 5), inner * math.sin(math.pi / 5)
    run, rise = tip - corner_x, corner_y
    return ((along - tip) * rise + across * run) / math.hypot(run, rise)


def ring(x: Tensor, y: Tensor) -> Tensor:
    """A disc with a hole."""
    return (torch.hypot(x, y) - 0.66).abs() - 0.24


def cross(x: Tensor, y: Tensor) -> Tensor:
    """Two bars across each other."""
    return torch.minimum(box(x, y, 0.95, 0.29), box(x, y, 0.29, 0.95))


def heart(x: Tensor, y: Tensor) -> Tensor:
    """Two discs on the upper sides of a square that stands on its corner."""
    y = y - 0.12
    half = 0.52
    first, second = (x + y) * math.sqrt(0.5), (x - y) * math.sqrt(0.5)
    body = box(first, second, half, half)
    lobes = torch.minimum(disc(first + half, second, half), disc(first, second - half, half))
    return torch.minimum(body, lobes)


def crescent(x: Tensor, y: Tensor) -> Tensor:
    """A disc with a disc bitten off."""
    return torch.maximum(disc(x, y, 0.92), -disc(x - 0.42, y, 0.72))


def hexagon(x: Tensor, y: Tensor) -> Tensor:
    """A regular hexagon."""
    x, y = x.abs(), y.abs()
    return torch.maximum(x, 0.5 * x + math.sqrt(0.75) * y) - 0.8


def arrow(x: Tensor, y: Tensor) -> Tensor:
    """A bar with a wide tip."""
    return torch.minimum(wedge(x, y + 0.98, 0.72, 0.9), box(x, y - 0.42, 0.25, 0.52))


OUTLINES: dict[str, Outline] = {
    "circle": circle, "square": square, "triangle": triangle, "star": star, "ring": ring,
    "cross": cross, "heart": heart, "crescent": crescent, "hexagon": hexagon, "arrow": arrow,
}  # fmt: skip
