"""What can be told from a picture's pixels alone: its spectrum and its corners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Floats = NDArray[np.float64]

BANDS = 8
"""Bands of equal width in log frequency that a radial spectrum is summed up in."""
SPECTRUM_SIDE = 96
"""Side in pixels that images are brought to before their spectra are compared."""
HIGHEST = 0.35
"""Highest frequency compared, in cycles per pixel of that size: what resampling hardly touches."""
CORNER = 1 / 7
"""Side of a corner as share of the image's: 32 pixels of 224."""


def radial_spectrum(images: Tensor) -> Floats:
    """Return the mean power of images by frequency, up to a factor.

    Args:
        images: ``[n, 3, height, width]`` uint8 or floats of any range.

    Returns:
        ``[n, bands]``, log₁₀ of the mean power of luminance in bands of equal width in log
        frequency, minus its mean over the bands: its shape, whatever the contrast.
    """
    grey = images.float().mean(1, keepdim=True)
    grey = F.interpolate(grey, (SPECTRUM_SIDE, SPECTRUM_SIDE), mode="bilinear", antialias=True)
    # A Hann window, since the edges of a picture don't fit together.
    window = torch.hann_window(SPECTRUM_SIDE, periodic=False)
    grey = (grey - grey.mean((2, 3), keepdim=True)) * window[:, None] * window
    power = torch.fft.rfft2(grey[:, 0]).abs().square()
    fy = torch.fft.fftfreq(SPECTRUM_SIDE)[:, None]
    fx = torch.fft.rfftfreq(SPECTRUM_SIDE)
    frequency = torch.hypot(fx, fy)
    edges = torch.logspace(np.log10(1.5 / SPECTRUM_SIDE), np.log10(HIGHEST), BANDS + 1)
    band = torch.bucketize(frequency, edges) - 1
    bands = torch.stack([power[:, band == i].mean(1) for i in range(BANDS)], dim=1)
    levels = bands.clamp_min(1e-12).log10().double()
    shaped: Floats = (levels - levels.mean(1, keepdim=True)).numpy()
    return shaped


def power_law() -> Floats:
    """Return the `radial_spectrum` of power ∝ 1/f²: natural images' (Field 1987), ``[bands]``."""
    edges = np.linspace(np.log10(1.5 / SPECTRUM_SIDE), np.log10(HIGHEST), BANDS + 1)
    law = -(edges[1:] + edges[:-1])
    shaped: Floats = law - law.mean()
    return shaped


def spectral_distance(spectrum: Floats, reference: Floats) -> Floats:
    """Return the root mean squared difference over bands in decades of power: 0 is alike."""
    distance: Floats = np.sqrt(((spectrum - reference) ** 2).mean(-1))
    return distance


def corner_energy(images: Tensor) -> Floats:
    """Return how much the busiest corner of each image holds beyond its share of the area.

    A phase-only canvas that starts badly keeps a bright spot in a corner: 30 % of the energy in
    2 % of the area.

    Args:
        images: ``[n, 3, height, width]``.

    Returns:
        ``[n]``: share of the squared deviation from the mean colour that lies in the corner of
        1/7 × 1/7 with the most, divided by the corner's share of the area; 1 is even.
    """
    pixels = images.double()
    energy = (pixels - pixels.mean((2, 3), keepdim=True)).square().sum(1)
    height, width = energy.shape[1:]
    h, w = max(1, round(CORNER * height)), max(1, round(CORNER * width))
    corners = torch.stack(
        [
            energy[:, rows, columns].sum((1, 2))
            for rows in (slice(None, h), slice(height - h, None))
            for columns in (slice(None, w), slice(width - w, None))
        ]
    )
    share = corners.amax(0) / energy.sum((1, 2)).clamp_min(1e-12)
    ratio: Floats = (share / (h * w / (height * width))).numpy()
    return ratio


def natural_spectra(images: Sequence[NDArray[np.uint8]]) -> Floats:
    """Return the radial spectra ``[n, bands]`` of natural images ``[height, width, 3]``."""
    return np.concatenate(
        [radial_spectrum(torch.from_numpy(image).permute(2, 0, 1)[None]) for image in images]
    )
