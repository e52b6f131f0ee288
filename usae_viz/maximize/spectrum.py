"""The magnitude spectrum of natural images: what MaCo keeps fixed."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

import torch
from torch import Tensor


def frequencies(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return size and direction of the frequencies of `torch.fft.rfft2`.

    Returns:
        ``[height, width // 2 + 1]`` in cycles per pixel, and the same in radians: 0 for detail that
        varies along x (vertical stripes), ±π/2 along y.
    """
    fy = torch.fft.fftfreq(height)[:, None]
    fx = torch.fft.rfftfreq(width)[None, :]
    return torch.hypot(fx, fy), torch.atan2(fy, fx.expand(height, -1))


def spectrum_terms(frequency: Tensor, direction: Tensor) -> Tensor:
    """Return the terms ``[..., 7]`` that the logarithm of the natural magnitude is a sum of.

    log r = a₀ + a₁ ln f + a₂ ln² f + (b₀ + b₁ ln f) cos 2θ + (c₀ + c₁ ln f) cos 4θ: a power law
    that bends, with more detail along the axes than across (after Torralba & Oliva 2003,
    "Statistics of natural image categories", whose power law depends on the direction). Smooth in f
    and θ, so it serves canvases of any size and holds nothing of any one picture.

    Args:
        frequency: cycles per pixel, > 0.
        direction: radians.
    """
    log = frequency.log()
    two, four = (2 * direction).cos(), (4 * direction).cos()
    terms = [torch.ones_like(log), log, log**2, two, two * log, four, four * log]
    return torch.stack(terms, dim=-1)


def natural_magnitude(height: int, width: int) -> Tensor:
    """Return the mean magnitude of natural images at the frequencies of `torch.fft.rfft2`.

    Of decorrelated colours before the sigmoid (`canvas.colour_matrix`), orthonormal: so a number
    depends on the frequency in cycles per pixel alone and not on the size of the image. It is what
    ``scripts/fit_spectrum.py`` found.

    Returns:
        ``[3, height, width // 2 + 1]``; 0 at frequency 0, where `natural_colour` has its say.
    """
    frequency, direction = frequencies(height, width)
    terms = spectrum_terms(frequency.clamp_min(1e-6), direction)
    magnitude = torch.exp(terms @ torch.tensor(_fitted()["log_magnitude"]).T).permute(2, 0, 1)
    magnitude[:, 0, 0] = 0
    return magnitude


def natural_colour() -> Tensor:
    """Return ``[3]``, the mean of natural images in decorrelated colours before the sigmoid."""
    return torch.tensor(_fitted()["mean"])


@functools.cache
def _fitted() -> dict[str, Any]:
    text = resources.files("usae_viz.maximize").joinpath("spectrum.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
