"""Textures: a tone in [0, 1] at every pixel, 0 the dark and 1 the light end.

Functions take coordinates ``[n, height, width]`` in units of one repeat of the pattern, and
``blur``, the width of a pixel in the same units (``[n, 1, 1]``), over which edges are softened.
"""

# Every texture takes all four arguments, so that one can stand in for another.
# ruff: noqa: ARG001

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Texture = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""``(u, v, blur, random [n, 24]) → tone``."""


def _edge(distance: Tensor, blur: Tensor) -> Tensor:
    """1 where ``distance`` (in repeats) is positive, with an edge one pixel wide."""
    return (0.5 + distance / blur).clamp(0, 1)


def _fold(u: Tensor) -> Tensor:
    """Distance from the nearest whole number, in [0, 0.5]."""
    return (u - u.round()).abs()


def plain(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """The same middle tone everywhere."""
    return torch.full_like(u, 0.5)


def stripes(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Straight bars, half dark and half light."""
    return _edge(_fold(u) - 0.25, blur)


def checker(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """A chess board of squares half a repeat wide."""
    first, second = _edge(_fold(u) - 0.25, blur), _edge(_fold(v) - 0.25, blur)
    return first + second - 2 * first * second


def dots(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Discs on a square lattice."""
    return _edge(0.3 - torch.hypot(u - u.round(), v - v.round()), blur)


def waves(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Bars that swing like a sine."""
    return _edge(_fold(u + 0.36 * torch.sin(v * (0.75 * math.pi))) - 0.25, blur * 1.3)


def zigzag(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Bars that turn sharply, a repeat and a half in height."""
    return _edge(_fold(u + 1.5 * _fold(v / 1.6)) - 0.25, blur * 1.4)


def grid(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Thin light lines both ways."""
    return _edge(0.11 - torch.minimum(_fold(u), _fold(v)), blur)


def bricks(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Light bricks twice as long as high, each course shifted by half, dark mortar."""
    course = (v * 1.25).floor()
    along = u * 0.625 + 0.5 * (course % 2)
    joint = torch.minimum((0.5 - (v * 1.25 - course - 0.5).abs()) / 1.25, _fold(along) / 0.625)
    return _edge(joint - 0.085, blur)


def ripples(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Rings around a point somewhere in the middle of the image."""
    centre = (random[:, :2] - 0.5)[:, :, None, None] * 5
    return _edge(_fold(torch.hypot(u - centre[:, 0], v - centre[:, 1])) - 0.25, blur)


def clouds(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Smooth random patches: waves of several scales whose phases bend each other."""
    r = random[:, :, None, None]
    total = torch.zeros_like(u)
    bend = torch.zeros_like(u)
    for octave in range(5):
        angle = 2 * math.pi * (r[:, 3 * octave] + octave * 0.37)
        frequency = (0.45 + 0.5 * octave) * (0.8 + 0.4 * r[:, 3 * octave + 1])
        phase = 2 * math.pi * r[:, 3 * octave + 2]
        along = u * torch.cos(angle) + v * torch.sin(angle)
        bend = torch.sin(2 * math.pi * frequency * along + phase + 1.8 * bend)
        total = total + bend / (1.0 + 0.6 * octave)
    return torch.sigmoid(1.6 * total)


def gradient(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """A ramp from one side to the other; the repeat is taken as 0.55 of the object's radius."""
    return (0.5 + 0.3 * u).clamp(0, 1)


def rings(u: Tensor, v: Tensor, blur: Tensor, random: Tensor) -> Tensor:
    """Rings around the object's own centre."""
    return _edge(_fold(torch.hypot(u, v)) - 0.25, blur)


BACKGROUND: dict[str, Texture] = {
    "plain": plain, "stripes": stripes, "checker": checker, "dots": dots, "waves": waves,
    "clouds": clouds, "grid": grid, "zigzag": zigzag, "bricks": bricks, "ripples": ripples,
}  # fmt: skip
OBJECT: dict[str, Texture] = {
    "plain": plain, "stripes": stripes, "dots": dots,
    "checker": checker, "gradient": gradient, "rings": rings,
}  # fmt: skip
