"""Scenes → planes: luma, chroma weights and coverage of every object."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.demo.world import compositions, shapes, textures
from usae_viz.demo.world.scene import DARK, LIGHT, SLOTS, Scene
from usae_viz.demo.world.vocabulary import (
    BG_TEXTURES,
    COMPOSITIONS,
    OBJ_TEXTURES,
    SHAPES,
    chroma_directions,
)

_REPEAT = 0.55  # period of object textures, in object radii
_HALO, _HALO_DEPTH = 0.10, 0.45  # soft shadow around objects: canvas units, share of light taken
_TILE = 256


class Objects(NamedTuple):
    """Every (image, slot) of a batch: planes ``[n, SLOTS, height, width]``."""

    cover: Tensor  # opacity in [0, 1]
    luma: Tensor  # lit luma
    hue: Tensor  # share of the object hue's chroma, 0 for neutral paints
    distance: Tensor  # from the outline, canvas units


def canvas(size: int) -> tuple[Tensor, Tensor]:
    """Pixel centres ``x, y`` of a ``size × size`` image, each ``[size, size]`` in -1..1."""
    axis = (torch.arange(size) * 2 + 1) / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return x, y


def _turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return x * cos + y * sin, y * cos - x * sin


def paint_background(scene: Scene, size: int) -> Tensor:
    """Unlit luma of the bare backgrounds, ``[n, size, size]``."""
    x, y = canvas(size)
    tone = torch.empty(len(scene.objects), size, size)
    for number, name in enumerate(BG_TEXTURES):
        rows = (scene.bg_texture == number).nonzero().flatten()
        if len(rows) == 0:
            continue
        period = scene.bg_period[rows][:, None, None]
        random = scene.bg_random[rows]
        u, v = _turned(x, y, scene.bg_angle[rows])
        shift = random[:, 22:24, None, None]
        blur = 2.0 / size / period
        tone[rows] = textures.BACKGROUND[name](
            u / period + shift[:, 0], v / period + shift[:, 1], blur, random
        )
    low, high = scene.bg_luma[:, :1, None], scene.bg_luma[:, 1:, None]
    return low + (high - low) * tone


def _over(parts: list[compositions.Part], paints: Tensor, sharp: Tensor) -> tuple[Tensor, ...]:
    """Stack painted parts: cover, luma, hue share and distance, each ``[m, height, width]``."""
    first = parts[0][1]
    cover, luma, hue, distance = (torch.zeros_like(first) for _ in range(4))
    distance += 9.0
    for paint, outline in parts:
        opacity = (0.5 - outline * sharp).clamp(0, 1)
        cover = opacity + cover * (1 - opacity)
        share = opacity / cover.clamp_min(1e-6)
        luma = luma + share * (paints[:, paint, None, None] - luma)
        coloured = 1.0 if paint in (compositions.Paint.MAIN, compositions.Paint.ACCENT) else 0.0
        hue = hue + share * (coloured - hue)
        distance = torch.minimum(distance, outline)
    return cover, luma, hue, distance


def paint_objects(scene: Scene, size: int) -> Objects:
    """Draw every object on its own plane; planes of empty slots have no cover."""
    n = len(scene.objects)
    planes = [torch.zeros(n * SLOTS, size, size) for _ in range(4)]
    cover, luma, hue, distance = planes
    distance += 9.0
    present = (torch.arange(SLOTS) < scene.objects[:, None]).flatten()
    kind, texture = scene.kind.flatten(), scene.texture.flatten()
    radius, angle, flip = scene.radius.flatten(), scene.angle.flatten(), scene.flip.flatten()
    centre, tones = scene.centre.flatten(0, 1), scene.luma.flatten(0, 1)
    light = scene.light.repeat_interleave(SLOTS, 0)
    texture_angle = scene.texture_angle.flatten()
    x, y = canvas(size)

    for number, name in enumerate(SHAPES + COMPOSITIONS):
        rows = (present & (kind == number)).nonzero().flatten()
        if len(rows) == 0:
            continue
        scale = radius[rows][:, None, None]
        dx = (x - centre[rows, 0, None, None]) / scale
        dy = (y - centre[rows, 1, None, None]) / scale
        u, v = _turned(dx, dy, angle[rows])
        u = u * flip[rows][:, None, None]
        sharp = scale * size / 2  # pixels in one radius
        if name in COMPOSITIONS:
            neutrals = torch.tensor([DARK, LIGHT]).expand(len(rows), 2)
            paints = torch.cat([tones[rows], neutrals], 1)
            parts = compositions.DRAWINGS[name](u, v)
            cover[rows], luma[rows], hue[rows], reach = _over(parts, paints, sharp)
        else:
            reach = shapes.OUTLINES[name](u, v)
            cover[rows] = (0.5 - reach * sharp).clamp(0, 1)
            hue[rows] = 1.0
            low, high = tones[rows, 0, None, None], tones[rows, 1, None, None]
            a, b = _turned(u, v, texture_angle[rows])
            tone = torch.empty_like(u)
            for each, pattern in enumerate(OBJ_TEXTURES):
                chosen = (texture[rows] == each).nonzero().flatten()
                if len(chosen):
                    blur = 1 / sharp[chosen] / _REPEAT
                    tone[chosen] = textures.OBJECT[pattern](
                        a[chosen] / _REPEAT, b[chosen] / _REPEAT, blur, scene.bg_random[:0]
                    )
            luma[rows] = low + (high - low) * tone
        # Lit from one side: chroma must fade with luma, or the hue's share of it would grow.
        facing = dx * light[rows, 0, None, None] + dy * light[rows, 1, None, None]
        lit = 0.9 + 0.1 * facing.clamp(-1, 1)
        luma[rows] *= lit
        hue[rows] *= lit
        distance[rows] = reach * scale
    return Objects(*(plane.view(n, SLOTS, size, size) for plane in planes))


def compose(scene: Scene, objects: Objects, background: Tensor, tile: Tensor) -> Tensor:
    """Layer objects over the ground and colour them: ``[n, 3, size, size]`` in [0, 1].

    Luma is composed first and alone, then chroma of zero luma is added; gamut fitting in the
    scene makes clipping unnecessary, so luma carries no trace of the hues.
    """
    size = background.shape[-1]
    x, y = canvas(size)
    light = scene.light[:, :, None, None]
    lit = 0.93 + 0.05 * (x * light[:, 0] + y * light[:, 1])
    luma = background * lit
    ground = scene.bg_chroma[:, None, None] * lit
    paint = torch.zeros_like(luma)
    for slot in range(SLOTS):
        cover = objects.cover[:, slot]
        near = (1 - objects.distance[:, slot] / _HALO).clamp(0, 1)
        keep = (1 - cover) * (1 - _HALO_DEPTH * near * near)
        luma = luma * keep + cover * objects.luma[:, slot]
        ground = ground * keep
        strength = scene.chroma[:, slot, None, None] * objects.hue[:, slot]
        paint = paint * keep + cover * strength
    grain = _grain(scene, tile, size)
    directions = chroma_directions()
    first = directions[scene.bg_hue][:, :, None, None]
    second = directions[scene.obj_hue][:, :, None, None]
    image = (luma + grain)[:, None] + ground[:, None] * first + paint[:, None] * second
    # Whole 8-bit levels: a saved PNG is the image, and last-bit differences between vectorised
    # and scalar arithmetic cannot make an image depend on the batch that it came in.
    return (image.clamp(0, 1) * 255).round() / 255


def noise_tile(seed: int) -> Tensor:
    """A tile ``[256, 256]`` of uniform noise in -1..1, from which every image takes its grain."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(_TILE, _TILE, generator=generator) * 2 - 1


def _grain(scene: Scene, tile: Tensor, size: int) -> Tensor:
    steps = torch.arange(size)
    row = ((scene.noise[:, 1] * _TILE).to(torch.int64)[:, None] + steps) % _TILE
    column = ((scene.noise[:, 2] * _TILE).to(torch.int64)[:, None] + steps) % _TILE
    flat = row[:, :, None] * _TILE + column[:, None, :]
    return tile.flatten()[flat] * scene.noise[:, 0, None, None]
