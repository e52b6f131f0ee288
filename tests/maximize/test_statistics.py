from __future__ import annotations

import numpy as np
import torch

from usae_viz.maximize.statistics import (
    corner_energy,
    power_law,
    radial_spectrum,
    spectral_distance,
)


def _noise(exponent: float, side: int, count: int = 6) -> torch.Tensor:
    """Return images whose power falls off with frequency to the `exponent`."""
    generator = torch.Generator().manual_seed(0)
    white = torch.randn(count, 3, side, side, generator=generator)
    frequency = torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side))
    scale = frequency.clamp_min(1 / side) ** (-exponent / 2)
    return torch.fft.irfft2(torch.fft.rfft2(white) * scale, s=(side, side))


def test_a_spectrum_is_told_from_its_slope() -> None:
    natural, white = radial_spectrum(_noise(2, 96)), radial_spectrum(_noise(0, 96))
    assert spectral_distance(natural, power_law()).max() < 0.3
    assert spectral_distance(white, power_law()).min() > 0.6
    doubled = radial_spectrum(100 + 7 * _noise(2, 96))
    np.testing.assert_allclose(doubled, natural, atol=1e-4)


def test_the_size_of_an_image_hardly_matters() -> None:
    small, large = radial_spectrum(_noise(2, 96)), radial_spectrum(_noise(2, 224))
    assert spectral_distance(small.mean(0), large.mean(0)) < 0.25


def test_corner_energy() -> None:
    even = torch.rand(2, 3, 70, 70, generator=torch.Generator().manual_seed(0))
    assert (np.abs(corner_energy(even) - 1) < 0.2).all()
    bright = torch.full((1, 3, 70, 70), 0.5) + 0.01 * even[:1]
    bright[:, :, -3:, :3] = 1.0
    assert corner_energy(bright)[0] > 20
