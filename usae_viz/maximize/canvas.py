"""The canvas: what is optimised, and how its parameters become images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from usae_viz.errors import UsageError, did_you_mean
from usae_viz.maximize.spectrum import frequencies, natural_colour, natural_magnitude

# √ of ImageNet's colour covariance, as lucid publishes it (lucid/optvis/param/color.py).
COLOUR_CORRELATION_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
SPECTRUM_SD = 0.01
"""Standard deviation of the starting parameters, lucid's."""
SPECTRUM_GAIN = 0.25
"""lucid divides the image of its Fourier canvas by 4."""
BEYOND = 0.05
"""How far the first image of one's own parametrization may lie outside [0, 1]."""

ParamF = Callable[[], tuple[Sequence[Tensor], Callable[[], Tensor]]]
"""A parametrization of one's own, as lucent has them (`param_f`): called once per picture, returns
the leaf tensors to optimise and a function that makes of them one image ``[1, 3, height, width]``
in [0, 1], differentiably. What it draws from torch's global generator is seeded by the picture's
seed. For example ``lambda: lucent.optvis.param.image(256)``."""


class Canvas(Protocol):
    """A batch of images in whatever coordinates they are optimised."""

    def parameters(self) -> list[Tensor]:
        """Return the leaf tensors to optimise."""
        ...

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]``, sRGB in [0, 1], differentiably."""
        ...


class FourierCanvas:
    """Images as Fourier spectra in decorrelated colours (Olah et al. 2017; lucid's numbers).

    The spectrum is scaled by 1/max(f, 1/max(width, height))^decay, f in cycles per pixel, so one
    Adam step moves all scales of an image alike; then comes an orthonormal inverse FFT, ÷ 4, the
    root of ImageNet's colour covariance (÷ its largest column norm), and a sigmoid. lucid
    multiplies the scale by √(width·height) because its inverse FFT is not orthonormal; ours is.

    Args:
        seeds: one per image. Images of equal seeds start equal, whatever the device.
        height: pixels, any parity.
        width: pixels, any parity.
        device: where the spectrum lives; its numbers are drawn on the CPU.
        decay: how much finer detail is held back; lucid has 1, horama 1.5, xplique 0.85.
    """

    lr: ClassVar[float] = 0.05

    def __init__(
        self,
        seeds: Sequence[int],
        height: int,
        width: int,
        device: torch.device | str = "cpu",
        *,
        decay: float = 1.0,
    ) -> None:
        self.size = (height, width)
        self._spectrum = _normal(seeds, (3, height, width // 2 + 1, 2), device)
        frequency = frequencies(height, width)[0].clamp_min(1 / max(height, width))
        self._scale = (SPECTRUM_GAIN / frequency**decay)[:, :, None].to(device)
        self._colours = colour_matrix(device)

    def parameters(self) -> list[Tensor]:
        """Return the spectrum ``[n, 3, height, width // 2 + 1, 2]``, real and imaginary parts."""
        return [self._spectrum]

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        spectrum = torch.view_as_complex(self._spectrum * self._scale)
        return _to_rgb(torch.fft.irfft2(spectrum, s=self.size, norm="ortho"), self._colours)


class MacoCanvas:
    """Images of a natural magnitude spectrum, of which only the phase is optimised (MaCo).

    Fel et al. 2023, "Unlocking feature visualization for deeper networks with magnitude constrained
    optimization": image = F⁻¹(r·e^{iφ}), r the natural mean (`spectrum`), here of decorrelated
    colours before the sigmoid, at which it was measured. The phases start uniform in [-π, π], so
    that no place is special at the start, and are never standardised: drawn from N(0, 1) instead,
    E[cos φ] = 0.61 adds up to a bright spot in the corner that optimisation keeps.

    The phases of the two columns that hold their own mirror images are kept odd, so the magnitude
    stays the natural one exactly; the mean colour is fixed. Arguments as `FourierCanvas`.
    """

    lr: ClassVar[float] = 0.1

    def __init__(
        self, seeds: Sequence[int], height: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        self.size = (height, width)
        shape = (3, height, width // 2 + 1)
        drawn = torch.stack([torch.rand(shape, generator=_generator(seed)) for seed in seeds])
        self._phase = ((2 * drawn - 1) * torch.pi).to(device).requires_grad_()
        magnitude = natural_magnitude(height, width)
        # Orthonormal: the zero frequency of a channel of mean c is c·√(height·width).
        magnitude[:, 0, 0] = natural_colour() * (height * width) ** 0.5
        self._magnitude = magnitude.to(device)
        self._colours = colour_matrix(device)

    def parameters(self) -> list[Tensor]:
        """Return the phases ``[n, 3, height, width // 2 + 1]``, radians."""
        return [self._phase]

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        own = 2 - self.size[1] % 2  # columns that are their own mirror images: f_x = 0 and 1/2
        columns = [
            _odd(self._phase[..., :1]),
            self._phase[..., 1 : self._phase.shape[-1] - own + 1],
        ]
        if own == 2:
            columns.append(_odd(self._phase[..., -1:]))
        phase = torch.cat(columns, dim=-1)
        spectrum = torch.complex(self._magnitude * phase.cos(), self._magnitude * phase.sin())
        return _to_rgb(torch.fft.irfft2(spectrum, s=self.size, norm="ortho"), self._colours)


class PixelCanvas:
    """Images as pixels in decorrelated colours, through the same colour matrix and sigmoid.

    Without the spectrum's scale fine detail is as cheap as coarse, so the pictures are noisy: for
    comparison. Arguments as `FourierCanvas`.
    """

    lr: ClassVar[float] = 0.03

    def __init__(
        self, seeds: Sequence[int], height: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        self._pixels = _normal(seeds, (3, height, width), device)
        self._colours = colour_matrix(device)

    def parameters(self) -> list[Tensor]:
        """Return the pixels ``[n, 3, height, width]`` before colours and sigmoid."""
        return [self._pixels]

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        return _to_rgb(self._pixels, self._colours)


class OwnCanvas:
    """Images of somebody else's parametrization, for example lucent's.

    Args:
        param_f: called once per seed, see `ParamF`.
        seeds: one per image; torch's global generator is seeded with it for the call.
        device: where the images are wanted; the parameters stay where `param_f` put them.

    Raises:
        UsageError: what `param_f` returns is not what `ParamF` says.
    """

    lr: ClassVar[float] = 0.05

    def __init__(
        self, param_f: ParamF, seeds: Sequence[int], device: torch.device | str = "cpu"
    ) -> None:
        self._device = torch.device(device)
        made = []
        try:
            for seed in seeds:
                with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                    torch.manual_seed(seed)
                    made.append(param_f())
            self._leaves = [leaf for leaves, _ in made for leaf in leaves]
            self._images = [image for _, image in made]
            first = [image().detach() for image in self._images]
            shapes = {tuple(image.shape) for image in first}
        except (TypeError, ValueError, AttributeError) as error:
            raise _not_a_parametrization(str(error)) from error
        shape = shapes.pop()
        if shapes or len(shape) != 4 or shape[:2] != (1, 3):
            raise _not_a_parametrization(f"images {sorted([shape, *shapes])}")
        if not all(leaf.is_leaf and leaf.requires_grad for leaf in self._leaves):
            raise _not_a_parametrization("parameters that are no leaves or need no gradient")
        low, high = (float(end) for end in torch.cat(first).aminmax())
        if low < -BEYOND or high > 1 + BEYOND:
            raise _not_a_parametrization(f"an image with values from {low:.2f} to {high:.2f}")

    def parameters(self) -> list[Tensor]:
        """Return the parameters of all images, in whatever shapes they have."""
        return self._leaves

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]``."""
        return torch.cat([image() for image in self._images]).to(self._device)


CanvasType = type[FourierCanvas] | type[MacoCanvas] | type[PixelCanvas] | type[OwnCanvas]
CANVASES: dict[str, type[FourierCanvas] | type[MacoCanvas] | type[PixelCanvas]] = {
    "fourier": FourierCanvas,
    "maco": MacoCanvas,
    "pixel": PixelCanvas,
}
"""The parametrizations by name. ``fourier:1.5`` is the Fourier one with a decay of 1.5."""


def canvas_type(parametrization: str | ParamF) -> CanvasType:
    """Return the class of a parametrization.

    Raises:
        UsageError: there is none of that name.
    """
    return OwnCanvas if callable(parametrization) else _named(parametrization)[0]


def _named(
    text: str,
) -> tuple[type[FourierCanvas] | type[MacoCanvas] | type[PixelCanvas], dict[str, float]]:
    name, colon, decay = text.partition(":")
    if name not in CANVASES:
        raise UsageError(
            f"there is no parametrization {text!r}",
            expected=f"one of {', '.join(CANVASES)}",
            hint=did_you_mean(name, CANVASES),
        )
    if not colon:
        return CANVASES[name], {}
    try:
        value = float(decay)
    except ValueError:
        value = -1.0
    if name != "fourier" or not 0 <= value <= 10:
        raise UsageError(
            f"the parametrization {text!r} cannot be read",
            expected=f"one of {', '.join(CANVASES)}, or fourier:DECAY, 0 to 10, like fourier:1.5",
        )
    return CANVASES[name], {"decay": value}


def make_canvas(
    parametrization: str | ParamF,
    seeds: Sequence[int],
    height: int,
    width: int,
    device: torch.device | str = "cpu",
) -> Canvas:
    """Make the canvas of a batch of images.

    Args:
        parametrization: a key of `CANVASES`, ``fourier:DECAY``, or one's own.
        seeds: one per image; images of equal seeds start equal.
        height: pixels; one's own parametrization decides for itself.
        width: pixels.
        device: where the images are wanted.

    Raises:
        UsageError: there is no such parametrization, or one's own does not keep to `ParamF`.
    """
    if callable(parametrization):
        return OwnCanvas(parametrization, seeds, device)
    kind, options = _named(parametrization)
    return kind(seeds, height, width, device, **options)


def colour_matrix(device: torch.device | str = "cpu") -> Tensor:
    """Return ``[3, 3]``: from decorrelated colours to RGB before the sigmoid."""
    root = torch.tensor(COLOUR_CORRELATION_ROOT, device=device)
    largest: Tensor = root.norm(dim=0).max()
    return root / largest


def _not_a_parametrization(got: str) -> UsageError:
    return UsageError(
        "that is not a parametrization",
        expected="a callable without arguments that returns (leaf tensors, function that makes "
        "[1, 3, h, w] in [0, 1] of them)",
        got=got,
        hint="for example: lambda: lucent.optvis.param.image(256)",
    )


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(seeds: Sequence[int], shape: tuple[int, ...], device: torch.device | str) -> Tensor:
    drawn = torch.stack([torch.randn(shape, generator=_generator(seed)) for seed in seeds])
    return (SPECTRUM_SD * drawn).to(device).requires_grad_()


def _odd(column: Tensor) -> Tensor:
    """Return ``[n, 3, height, 1]`` of the upper half's phases, the lower ones their negatives."""
    height = column.shape[-2]
    upper = column[..., 1 : (height + 1) // 2, :]
    zero = torch.zeros_like(column[..., :1, :])
    middle = [zero] if height % 2 == 0 else []
    return torch.cat([zero, upper, *middle, -upper.flip(-2)], dim=-2)


def _to_rgb(decorrelated: Tensor, colours: Tensor) -> Tensor:
    images: Tensor = torch.einsum("nchw,dc->ndhw", decorrelated, colours)
    return images.sigmoid()
