"""Things made of parts: each a stack of painted outlines, the first one lowest.

Coordinates are as in :mod:`usae_viz.demo.world.shapes`. Paints: the image's object hue in the
object's main or accent luma, or a neutral dark or light.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import torch
from torch import Tensor

from usae_viz.demo.world.shapes import box, disc, petals, spokes, wedge


class Paint(IntEnum):
    """What a part is painted with; the value is the column of the paint's luma."""

    MAIN = 0
    ACCENT = 1
    DARK = 2
    LIGHT = 3


Part = tuple[Paint, Tensor]
Composition = Callable[[Tensor, Tensor], list[Part]]


def face(x: Tensor, y: Tensor) -> list[Part]:
    """A round head, two eyes and a smiling mouth."""
    side = x.abs() - 0.36
    mouth = torch.maximum((torch.hypot(x, y - 0.02) - 0.52).abs() - 0.09, 0.22 - y)
    return [
        (Paint.MAIN, disc(x, y, 0.94)),
        (Paint.LIGHT, disc(side, y + 0.24, 0.24)),
        (Paint.DARK, disc(side, y + 0.22, 0.13)),
        (Paint.DARK, mouth),
    ]


def wheel(x: Tensor, y: Tensor) -> list[Part]:
    """A rim, eight spokes and a hub; the ground shows through."""
    return [
        (Paint.ACCENT, spokes(x, y, 8, 0.8, 0.055)),
        (Paint.MAIN, (torch.hypot(x, y) - 0.8).abs() - 0.15),
        (Paint.DARK, disc(x, y, 0.24)),
    ]


def flower(x: Tensor, y: Tensor) -> list[Part]:
    """Six petals around a light heart."""
    return [
        (Paint.MAIN, petals(x, y, 6, 0.6, 0.34)),
        (Paint.LIGHT, disc(x, y, 0.36)),
        (Paint.DARK, disc(x, y, 0.16)),
    ]


def house(x: Tensor, y: Tensor) -> list[Part]:
    """Walls, a roof, a door and a window."""
    return [
        (Paint.MAIN, box(x, y - 0.4, 0.66, 0.5)),
        (Paint.ACCENT, wedge(x, y + 0.95, 0.92, 0.88)),
        (Paint.DARK, box(x + 0.26, y - 0.58, 0.17, 0.32)),
        (Paint.LIGHT, box(x - 0.28, y - 0.34, 0.18, 0.18)),
    ]


def tree(x: Tensor, y: Tensor) -> list[Part]:
    """A fir of three tiers on a trunk."""
    return [
        (Paint.DARK, box(x, y - 0.76, 0.13, 0.22)),
        (Paint.ACCENT, wedge(x, y + 0.28, 0.8, 0.88)),
        (Paint.MAIN, wedge(x, y + 0.66, 0.66, 0.8)),
        (Paint.ACCENT, wedge(x, y + 0.98, 0.48, 0.66)),
    ]


def fish(x: Tensor, y: Tensor) -> list[Part]:
    """A lens-shaped body, a tail, a stripe and an eye."""
    body = torch.maximum(disc(x + 0.2, y - 0.52, 0.92), disc(x + 0.2, y + 0.52, 0.92))
    stripe = torch.maximum(body, (torch.hypot(x + 0.9, y) - 0.86).abs() - 0.07)
    return [
        (Paint.ACCENT, wedge(y, x - 0.36, 0.5, 0.58)),
        (Paint.MAIN, body),
        (Paint.LIGHT, stripe),
        (Paint.LIGHT, disc(x + 0.55, y + 0.08, 0.15)),
        (Paint.DARK, disc(x + 0.57, y + 0.08, 0.085)),
    ]


def mushroom(x: Tensor, y: Tensor) -> list[Part]:
    """A spotted cap on a light stem."""
    cap = torch.maximum(torch.hypot(x, (y - 0.08) * 0.95) - 0.9, y - 0.14)
    spots = torch.minimum(disc(x, y + 0.52, 0.17), disc(x.abs() - 0.5, y + 0.14, 0.14))
    return [
        (Paint.LIGHT, box(x, y - 0.5, 0.27, 0.44)),
        (Paint.MAIN, cap),
        (Paint.LIGHT, spots),
    ]


def boat(x: Tensor, y: Tensor) -> list[Part]:
    """A hull under a mast with two sails."""
    hull = torch.maximum(wedge(x, 1.6 - y, 1.3, 2.0), 0.42 - y)
    hull = torch.maximum(hull, y - 0.86)
    mast = box(x, y + 0.25, 0.05, 0.7)
    right = torch.maximum(wedge(x, y + 0.95, 0.7, 1.2), 0.1 - x)
    left = torch.maximum(wedge(x, y + 0.7, 0.62, 0.95), x + 0.1)
    return [
        (Paint.DARK, mast),
        (Paint.ACCENT, right),
        (Paint.LIGHT, left),
        (Paint.MAIN, hull),
    ]


DRAWINGS: dict[str, Composition] = {
    "face": face, "wheel": wheel, "flower": flower, "house": house,
    "tree": tree, "fish": fish, "mushroom": mushroom, "boat": boat,
}  # fmt: skip
