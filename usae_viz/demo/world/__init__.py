"""The built-in world: procedural images whose concepts are known to the pixel.

An image is a function of (seed, index): asked for alone, in a batch or in another order it has
the same bytes. Hue is drawn independently of luma, texture and layout, so a colour-blind network
cannot know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.demo.world.painter import (
    Objects,
    compose,
    noise_tile,
    paint_background,
    paint_objects,
)
from usae_viz.demo.world.scene import SLOTS, Scene, draw_scene
from usae_viz.demo.world.vocabulary import (
    COLOUR_FAMILIES,
    CONCEPTS,
    FAMILIES,
    SHAPES,
    to_luma,
)

__all__ = [
    "COLOUR_FAMILIES",
    "CONCEPTS",
    "FAMILIES",
    "MIN_AREA",
    "World",
    "WorldBatch",
    "to_luma",
]

MIN_AREA = 0.01
"""A concept counts as present when it covers at least this share of the image."""

_CHUNK = 32 * 96 * 96  # pixels drawn at once: keeps the planes in cache


class WorldBatch(NamedTuple):
    """Rendered images and what is in them."""

    images: Tensor
    """``[n, 3, size, size]`` float32, sRGB in [0, 1], whole 8-bit levels."""
    labels: Tensor
    """``[n, concepts]`` bool; true exactly where the concept's mask is not empty."""
    masks: Tensor | None
    """``[n, concepts, size, size]`` bool, or None when not asked for."""


class World:
    """A world of endless images, numbered from 0.

    Args:
        size: side of the images in pixels, at least 8. The same scene is drawn at any size.
        seed: which world; 0 ≤ seed < 2**63.

    Raises:
        ValueError: if size or seed is out of range.
    """

    def __init__(self, size: int = 96, seed: int = 0) -> None:
        if size < 8:
            raise ValueError(f"size must be at least 8 pixels, got {size}")
        if not 0 <= seed < 1 << 63:
            raise ValueError(f"seed must be in 0 .. 2**63 - 1, got {seed}")
        self.size = size
        self.seed = seed
        self._tile = noise_tile(seed)

    def render(self, indices: Sequence[int] | Tensor, *, masks: bool = True) -> WorldBatch:
        """Draw images ``indices`` (each ≥ 0); see :class:`WorldBatch` for shapes.

        Raises:
            ValueError: if an index is negative or ``indices`` is not one-dimensional.
        """
        wanted = _numbers(indices)
        size, n = self.size, len(wanted)
        images = torch.empty(n, 3, size, size)
        labels = torch.zeros(n, len(CONCEPTS), dtype=torch.bool)
        maps = torch.zeros(n, len(CONCEPTS), size, size, dtype=torch.bool) if masks else None
        for part in self._chunks(n):
            scene = draw_scene(self.seed, wanted[part])
            objects = paint_objects(scene, size)
            images[part] = compose(scene, objects, paint_background(scene, size), self._tile)
            regions, columns = _regions(scene, objects)
            labels[part] = _label(regions, columns)
            if maps is not None:
                _fill(maps[part], regions, columns, labels[part])
        return WorldBatch(images, labels, maps)

    def labels(self, indices: Sequence[int] | Tensor) -> Tensor:
        """Return the labels that `render` gives, without drawing what they do not depend on."""
        wanted = _numbers(indices)
        found = torch.zeros(len(wanted), len(CONCEPTS), dtype=torch.bool)
        for part in self._chunks(len(wanted)):
            scene = draw_scene(self.seed, wanted[part])
            found[part] = _label(*_regions(scene, paint_objects(scene, self.size)))
        return found

    def _chunks(self, count: int) -> Iterator[slice]:
        step = max(1, _CHUNK // self.size**2)
        return (slice(start, start + step) for start in range(0, count, step))


def _numbers(indices: Sequence[int] | Tensor) -> Tensor:
    wanted = torch.as_tensor(indices, dtype=torch.int64)
    if wanted.ndim != 1:
        raise ValueError(f"indices must be one-dimensional, got shape {tuple(wanted.shape)}")
    if len(wanted) and int(wanted.min()) < 0:
        raise ValueError(f"indices must not be negative, got {int(wanted.min())}")
    return wanted


def _regions(scene: Scene, objects: Objects) -> tuple[Tensor, Tensor]:
    """Visible regions ``[n, r, height, width]`` bool and the concept of each ``[n, r]``.

    A region may be of no concept (an object's texture, when it is a composition): column -1.
    """
    solid = objects.cover > 0.5
    above = torch.zeros_like(solid[:, 0])
    visible = torch.empty_like(solid)
    for slot in reversed(range(SLOTS)):
        visible[:, slot] = solid[:, slot] & ~above
        above = above | solid[:, slot]
    coloured = visible & (objects.hue > 0.5)
    ground = ~above
    first = {family: columns[0] for family, columns in FAMILIES.items()}
    is_shape = scene.kind < len(SHAPES)
    thing = torch.where(
        is_shape,
        first["obj-shape"] + scene.kind,
        first["composition"] + scene.kind - len(SHAPES),
    )
    texture = torch.where(is_shape, first["obj-texture"] + scene.texture, -1)
    hue = (first["obj-colour"] + scene.obj_hue)[:, None].expand(-1, SLOTS)
    grounds = torch.stack(
        [first["bg-texture"] + scene.bg_texture, first["bg-colour"] + scene.bg_hue], 1
    )
    regions = torch.cat([ground[:, None], ground[:, None], visible, visible, coloured], 1)
    return regions, torch.cat([grounds, thing, texture, hue], 1)


def _label(regions: Tensor, columns: Tensor) -> Tensor:
    """``[n, concepts]`` bool: concepts whose regions together reach ``MIN_AREA``."""
    area = regions.flatten(2).float().mean(2)
    total = torch.zeros(len(regions), len(CONCEPTS) + 1)
    total.scatter_add_(1, columns % (len(CONCEPTS) + 1), area)
    return total[:, :-1] >= MIN_AREA


def _fill(maps: Tensor, regions: Tensor, columns: Tensor, labels: Tensor) -> None:
    rows = torch.arange(len(maps))
    for region in range(columns.shape[1]):
        column = columns[:, region]
        kept = rows[(column >= 0) & labels[rows, column]]
        maps[kept, column[kept]] |= regions[kept, region]
