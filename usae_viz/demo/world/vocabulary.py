"""The names of everything that can be present in a world image."""

from __future__ import annotations

import torch
from torch import Tensor

BG_TEXTURES = (
    "plain", "stripes", "checker", "dots", "waves",
    "clouds", "grid", "zigzag", "bricks", "ripples",
)  # fmt: skip
HUES = ("red", "orange", "yellow", "green", "cyan", "blue", "magenta")
SHAPES = (
    "circle", "square", "triangle", "star", "ring",
    "cross", "heart", "crescent", "hexagon", "arrow",
)  # fmt: skip
OBJ_TEXTURES = ("plain", "stripes", "dots", "checker", "gradient", "rings")
COMPOSITIONS = ("face", "wheel", "flower", "house", "tree", "fish", "mushroom", "boat")

_MEMBERS: dict[str, tuple[str, ...]] = {
    "bg-texture": BG_TEXTURES,
    "bg-colour": HUES,
    "obj-shape": SHAPES,
    "obj-colour": HUES,
    "obj-texture": OBJ_TEXTURES,
    "composition": COMPOSITIONS,
}

CONCEPTS: tuple[str, ...] = tuple(
    f"{family}:{member}" for family, members in _MEMBERS.items() for member in members
)
"""Every concept, ``family:member``; the position is the column of labels and masks."""

FAMILIES: dict[str, tuple[int, ...]] = {
    family: tuple(i for i, name in enumerate(CONCEPTS) if name.split(":")[0] == family)
    for family in _MEMBERS
}
"""Family → columns of its concepts in ``CONCEPTS``."""

COLOUR_FAMILIES: tuple[str, ...] = ("bg-colour", "obj-colour")
"""Families that the luma of an image says nothing about."""

# RGB corners (or edges) of the hues; only their direction away from grey is used.
_HUE_RGB = (
    (1.0, 0.0, 0.0), (1.0, 0.5, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0),
    (0.0, 1.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.0, 1.0),
)  # fmt: skip
LUMA_WEIGHTS = (0.299, 0.587, 0.114)


def to_luma(images: Tensor) -> Tensor:
    """Rec. 601 luma of sRGB values: ``[..., 3, height, width]`` → ``[..., 1, height, width]``."""
    red, green, blue = images.unbind(-3)
    return (LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue).unsqueeze(-3)


def chroma_directions() -> Tensor:
    """``[hues, 3]`` RGB offsets with zero luma, one row a hue: what turns a grey into the hue."""
    rgb = torch.tensor(_HUE_RGB)
    return rgb - (rgb * torch.tensor(LUMA_WEIGHTS)).sum(1, keepdim=True)
