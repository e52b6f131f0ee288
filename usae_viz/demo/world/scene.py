"""What is in each image, before a pixel is drawn: all draws of the world happen here."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.demo.world.draws import uniforms
from usae_viz.demo.world.vocabulary import (
    BG_TEXTURES,
    COMPOSITIONS,
    HUES,
    OBJ_TEXTURES,
    SHAPES,
    chroma_directions,
)

SLOTS = 3
"""Most objects in one image."""

_CANDIDATES = 12
_PER_SLOT = 12 + 2 * _CANDIDATES
_GLOBAL = 48
_MARGIN = 0.04  # luma kept free at both ends of the gamut, for noise
DARK, LIGHT = 0.10, 0.90  # luma of the neutral paints
# Object radius (canvas spans -1..1) by number of objects.
_RADII = torch.tensor([[0.40, 0.56], [0.34, 0.46], [0.28, 0.37]])


class Scene(NamedTuple):
    """Parameters of ``n`` images; lengths are in canvas units (the side spans -1..1)."""

    bg_texture: Tensor  # [n] index into BG_TEXTURES
    bg_angle: Tensor  # [n] radians
    bg_period: Tensor  # [n] length of one repeat
    bg_random: Tensor  # [n, 24] uniforms for the texture's own use
    bg_luma: Tensor  # [n, 2] darkest and lightest luma
    bg_chroma: Tensor  # [n] multiple of the hue's chroma direction
    bg_hue: Tensor  # [n] index into HUES
    obj_hue: Tensor  # [n] index into HUES, shared by all objects of the image
    light: Tensor  # [n, 2] direction the light comes from, unit length
    noise: Tensor  # [n, 3] amplitude, and offset into the noise tile as two uniforms
    objects: Tensor  # [n] objects, 1..SLOTS
    kind: Tensor  # [n, SLOTS] index into SHAPES + COMPOSITIONS
    texture: Tensor  # [n, SLOTS] index into OBJ_TEXTURES (shapes only)
    centre: Tensor  # [n, SLOTS, 2]
    radius: Tensor  # [n, SLOTS]
    angle: Tensor  # [n, SLOTS] radians
    flip: Tensor  # [n, SLOTS] -1 or 1: mirrored left to right
    texture_angle: Tensor  # [n, SLOTS] radians
    luma: Tensor  # [n, SLOTS, 2] of shapes: dark and light tone; of compositions: main and accent
    chroma: Tensor  # [n, SLOTS] multiple of the hue's chroma direction


def _pick(u: Tensor, options: int) -> Tensor:
    return (u * options).to(torch.int64)


def _between(u: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * u


def _chroma_scale(direction: Tensor, luma: Tensor) -> Tensor:
    """Largest multiple of ``direction [..., 3]`` that stays in gamut for ``luma [..., 2]``."""
    low, high = luma.amin(-1, keepdim=True), luma.amax(-1, keepdim=True)
    up = (1 - _MARGIN - high) / direction.clamp_min(1e-6)
    down = (low - _MARGIN) / (-direction).clamp_min(1e-6)
    return torch.where(direction > 0, up, down).amin(-1)


def _place(u: Tensor, radius: Tensor) -> Tensor:
    """Centres ``[n, SLOTS, 2]``: of several candidates the one farthest from earlier objects."""
    candidates = (2 * u - 1) * (1 - 0.85 * radius)[..., None, None]
    centres = [candidates[:, 0, 0]]
    for slot in range(1, SLOTS):
        gaps = torch.stack(
            [
                (candidates[:, slot] - centre[:, None]).norm(dim=-1) - radius[:, [earlier]]
                for earlier, centre in enumerate(centres)
            ]
        ).amin(0)
        best = gaps.argmax(1)
        centres.append(candidates[torch.arange(len(u)), slot, best])
    return torch.stack(centres, 1)


def draw_scene(seed: int, indices: Tensor) -> Scene:
    """The scenes of images ``indices [n]`` of world ``seed``; each row depends on its index only.

    Luma, texture and layout are drawn independently of the two hues, and every image has exactly
    one background hue and one object hue, so that nothing but chroma tells them.
    """
    u = uniforms(seed, indices, _GLOBAL + SLOTS * _PER_SLOT)
    g, s = u[:, :_GLOBAL], u[:, _GLOBAL:].view(len(u), SLOTS, _PER_SLOT)
    directions = chroma_directions()

    bg_hue = _pick(g[:, 0], len(HUES))
    obj_hue = (bg_hue + 1 + _pick(g[:, 1], len(HUES) - 1)) % len(HUES)
    dark_ground = g[:, 2] < 0.5
    ground = torch.where(dark_ground, _between(g[:, 3], 0.38, 0.44), _between(g[:, 3], 0.57, 0.66))
    half = _between(g[:, 4], 0.10, 0.15)
    bg_luma = torch.stack([ground - half, ground + half], 1)
    light_angle = _between(g[:, 5], -math.pi, 0.0)
    objects = 1 + (g[:, 6] > 0.35).to(torch.int64) + (g[:, 6] > 0.75).to(torch.int64)
    saturation = _between(g[:, 11:13], 0.85, 1.0)
    bg_chroma = _chroma_scale(directions[bg_hue], bg_luma) * saturation[:, 0]

    composed = s[..., 0] < 0.46
    shape = _pick(s[..., 1], len(SHAPES))
    composition = len(SHAPES) + _pick(s[..., 1], len(COMPOSITIONS))
    tone = torch.where(
        dark_ground[:, None], _between(s[..., 2], 0.64, 0.72), _between(s[..., 2], 0.32, 0.40)
    )
    contrast = _between(s[..., 3], 0.12, 0.16)
    accent = torch.where(tone > 0.5, tone - 0.26, tone + 0.26)
    luma = torch.where(
        composed[..., None],
        torch.stack([tone, accent], -1),
        torch.stack([tone - contrast, tone + contrast], -1),
    )
    chroma = _chroma_scale(directions[obj_hue][:, None].expand(-1, SLOTS, -1), luma)
    limits = _RADII[objects - 1]
    radius = limits[:, :1] + (limits[:, 1:] - limits[:, :1]) * s[..., 4]
    turn = 2 * s[..., 5] - 1
    return Scene(
        bg_texture=_pick(g[:, 7], len(BG_TEXTURES)),
        bg_angle=_between(g[:, 8], 0.0, 2 * math.pi),
        bg_period=_between(g[:, 9], 0.20, 0.36),
        bg_random=g[:, 24:48],
        bg_luma=bg_luma,
        bg_chroma=bg_chroma,
        bg_hue=bg_hue,
        obj_hue=obj_hue,
        light=torch.stack([light_angle.cos(), light_angle.sin()], 1),
        noise=torch.stack([_between(g[:, 10], 0.005, 0.02), g[:, 13], g[:, 14]], 1),
        objects=objects,
        kind=torch.where(composed, composition, shape),
        texture=_pick(s[..., 6], len(OBJ_TEXTURES)),
        centre=_place(s[..., 12:].reshape(len(u), SLOTS, _CANDIDATES, 2), radius),
        radius=radius,
        # Compositions stay roughly upright, as things do.
        angle=turn * torch.where(composed, 0.4, math.pi),
        flip=torch.where(s[..., 7] < 0.5, -1.0, 1.0),
        texture_angle=_between(s[..., 8], 0.0, 2 * math.pi),
        luma=luma,
        chroma=chroma * saturation[:, 1:],
    )
