"""The canvas: what is optimised, and how its parameters become images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

# √ of ImageNet's colour covariance, as lucid publishes it (lucid/optvis/param/color.py).
COLOUR_CORRELATION_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
SPECTRUM_SD = 0.01
"""Standard deviation of the starting parameters, lucid's."""
SPECTRUM_GAIN = 0.25
"""lucid divides the image of its Fourier canvas by 4."""


class Canvas(Protocol):
    """A batch of images in whatever coordinates they are optimised."""

    def parameters(self) -> list[Tensor]:
        """Return the leaf tensors to optimise; the first axis of each counts the images."""
        ...

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]``, sRGB in [0, 1], differentiably."""
        ...


class FourierCanvas:
    """Images as Fourier spectra in decorrelated colours (Olah et al. 2017; lucid's numbers).

    The spectrum is scaled by 1/max(f, 1/max(width, height)), f in cycles per pixel, so one Adam
    step moves all scales of an image alike; then comes an orthonormal inverse FFT, ÷ 4, the root of
    ImageNet's colour covariance (÷ its largest column norm), and a sigmoid. lucid multiplies the
    scale by √(width·height) because its inverse FFT is not orthonormal; ours is.

    Args:
        starts: one generator per image. Images of equal generators start equal.
        height: pixels, any parity.
        width: pixels, any parity.
        device: where the spectrum lives; the numbers are drawn on the CPU and do not depend on it.
    """

    def __init__(
        self,
        starts: list[torch.Generator],
        height: int,
        width: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size = (height, width)
        shape = (3, height, width // 2 + 1, 2)
        self._spectrum = _draw(starts, shape, device)
        fy = torch.fft.fftfreq(height)[:, None]
        fx = torch.fft.rfftfreq(width)[None, :]
        frequency = (fx**2 + fy**2).sqrt().clamp_min(1 / max(height, width))
        self._scale = (SPECTRUM_GAIN / frequency)[:, :, None].to(device)
        self._colours = _colour_matrix(device)

    def parameters(self) -> list[Tensor]:
        """Return the spectrum ``[n, 3, height, width // 2 + 1, 2]``, real and imaginary parts."""
        return [self._spectrum]

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        spectrum = torch.view_as_complex(self._spectrum * self._scale)
        return _to_rgb(torch.fft.irfft2(spectrum, s=self.size, norm="ortho"), self._colours)


class PixelCanvas:
    """Images as pixels in decorrelated colours, through the same colour matrix and sigmoid.

    Without the spectrum's scale fine detail is as cheap as coarse, so the pictures are noisy: for
    comparison. Arguments as `FourierCanvas`.
    """

    def __init__(
        self,
        starts: list[torch.Generator],
        height: int,
        width: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self._pixels = _draw(starts, (3, height, width), device)
        self._colours = _colour_matrix(device)

    def parameters(self) -> list[Tensor]:
        """Return the pixels ``[n, 3, height, width]`` before colours and sigmoid."""
        return [self._pixels]

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        return _to_rgb(self._pixels, self._colours)


CANVASES: dict[str, Callable[[list[torch.Generator], int, int, torch.device], Canvas]] = {
    "fourier": FourierCanvas,
    "pixel": PixelCanvas,
}
"""The parametrizations by name."""


def _draw(
    starts: list[torch.Generator], shape: tuple[int, ...], device: torch.device | str
) -> Tensor:
    drawn = torch.stack([torch.randn(shape, generator=generator) for generator in starts])
    return (SPECTRUM_SD * drawn).to(device).requires_grad_()


def _colour_matrix(device: torch.device | str) -> Tensor:
    root = torch.tensor(COLOUR_CORRELATION_ROOT, device=device)
    largest: Tensor = root.norm(dim=0).max()
    return root / largest


def _to_rgb(decorrelated: Tensor, colours: Tensor) -> Tensor:
    images: Tensor = torch.einsum("nchw,dc->ndhw", decorrelated, colours)
    return images.sigmoid()
