"""Views: random looks at a canvas, drawn once a step and the same for every backbone."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from kornia.geometry.transform import get_affine_matrix2d
from torch import Tensor
from torch.nn import functional as F

from usae_viz.errors import UsageError

Augmentation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ViewSpec:
    """How views are drawn.

    Attributes:
        scale: smallest and largest side of a view, as a share of the canvas's shorter side. The
            default lies around 1, the scale at which the clean picture is read afterwards.
        scale_end: what `scale` has become by the last step, changing evenly; None: it stays. For
            example ``scale=(0.4, 0.6), scale_end=(0.05, 0.1)`` goes from the whole to details.
        jitter: largest further shift of a view in x and in y, as a share of the canvas's shorter
            side. Unlike the place of a view, drawn from where it fits, it can lead outside.
        rotation: largest rotation to either side, degrees.
        aspect: largest log ratio of width to height; 0 keeps views square.
        shear: largest shear along x, degrees.
        flip: probability of a horizontal mirror image.
        gain: largest relative change of each colour channel's contrast.
        offset: largest shift of each colour channel, in units of the [0, 1] range.
        noise: standard deviation of Gaussian pixel noise, in units of the [0, 1] range.
        padding: what lies outside the canvas: ``reflection``, ``border`` or ``zeros``.
        augmentations: called one after the other on the views of each image ``[views, 3, s, s]``,
            for example kornia's or lucent's. They see views of the largest input size, which are
            resized afterwards to each backbone's, so draws in pixels mean the same for all
            (kornia#974). What they draw from the global generators of torch, numpy and Python is
            seeded by the step, alike for all images and backbones; the caller's state is kept.

    Raises:
        UsageError: a value lies outside what is accepted.
    """

    scale: tuple[float, float] = (0.7, 1.1)
    scale_end: tuple[float, float] | None = None
    jitter: float = 0.0
    rotation: float = 11.0
    aspect: float = 0.0
    shear: float = 0.0
    flip: float = 0.0
    gain: float = 0.05
    offset: float = 0.02
    noise: float = 0.03
    padding: str = "reflection"
    augmentations: tuple[Augmentation, ...] = ()

    def __post_init__(self) -> None:
        for scale in (self.scale, self.scale_end or self.scale):
            if not (len(scale) == 2 and 0 < scale[0] <= scale[1]):
                raise UsageError(
                    "the scale of views cannot be read",
                    expected="two shares, 0 < smallest <= largest",
                    got=str(scale),
                )
        for name in ("jitter", "rotation", "aspect", "shear", "flip", "gain", "offset", "noise"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(
                    f"the {name} of views cannot be read",
                    expected="a number that is not negative",
                    got=str(getattr(self, name)),
                )
        if self.padding not in ("reflection", "border", "zeros"):
            raise UsageError(
                "the padding of views cannot be read",
                expected="reflection, border or zeros",
                got=repr(self.padding),
            )
        calls = self.augmentations
        if not (isinstance(calls, Sequence) and all(callable(call) for call in calls)):
            raise UsageError(
                "the augmentations of views cannot be read",
                expected="a sequence of callables; one alone too: (RandomErasing(),)",
                got=repr(calls),
            )

    def scale_at(self, progress: float) -> tuple[float, float]:
        """Return the range of a view's side when `progress` in [0, 1] of the steps are done."""
        start, end = self.scale, self.scale_end or self.scale
        low, high = (a + progress * (b - a) for a, b in zip(start, end, strict=True))
        return low, high


@dataclass(frozen=True)
class Views:
    """One step's views, free of pixel sizes.

    Attributes:
        linear: ``[views, 2, 2]``, from view to canvas: a view's square is [-1, 1]², and lengths are
            in half shorter sides of the canvas, so a rotation is one on any canvas.
        shift: ``[views, 2]`` in [-1, 1]: where in its free room on the canvas a view lies (x, y).
        jitter: ``[views, 2]``, further shift in half shorter sides.
        gain: ``[views, 3, 1, 1]``, factor of each colour channel's distance from mid-grey.
        offset: ``[views, 3, 1, 1]``.
        noise: ``[views, 2]``: row and column of a view's window in `noise_field`.
        size: pixels: the size at which noise and augmentations are what they are.
        seed: seeds what the spec's augmentations draw.
        spec: how these views were drawn.
    """

    linear: Tensor
    shift: Tensor
    jitter: Tensor
    gain: Tensor
    offset: Tensor
    noise: Tensor
    size: int
    seed: int
    spec: ViewSpec

    def noise_fields(self) -> Tensor:
        """Return the noise ``[views, 3, size, size]``."""
        field = noise_field(self.size)
        places = self.noise.tolist()
        windows = [field[:, y : y + self.size, x : x + self.size] for y, x in places]
        return self.spec.noise * torch.stack(windows)

    def matrices(self, height: int, width: int) -> Tensor:
        """Return ``[views, 2, 3]`` from a view's to the canvas's normalised coordinates.

        Both run from -1 to 1 between the outer edges of the corner pixels, x right and y down.
        """
        half = torch.tensor([width, height]) / min(width, height)
        extent = self.linear[:, [0, 1], [0, 1]].abs()
        room = (half - extent).clamp_min(0)
        centre = self.shift * room + self.jitter
        return torch.cat([self.linear, centre[:, :, None]], dim=2) / half[:, None]


def draw_views(
    spec: ViewSpec, n: int, generator: torch.Generator, size: int, progress: float = 0.0
) -> Views:
    """Draw n views.

    Args:
        spec: the ranges.
        n: number of views.
        generator: a CPU generator; the only source of chance.
        size: side in pixels of the noise fields and of what augmentations see; the largest input
            size of the backbones that are to see the views.
        progress: share of the steps that are done, for ranges that change on the way.
    """

    low, high = spec.scale_at(progress)
    # Each number in (-1, 1); drawn at once, for a draw costs as much as hundreds of numbers.
    drawn = 2 * torch.rand(n, 17, generator=generator) - 1
    side, stretch, mirror, rotation, shear = drawn[:, :5].unbind(1)
    side = low + (high - low) * (side + 1) / 2
    stretch = torch.exp(spec.aspect * stretch / 2)
    mirror = torch.where((mirror + 1) / 2 < spec.flip, -1.0, 1.0)
    origin = torch.zeros(n, 2)
    affine = get_affine_matrix2d(
        origin,
        origin,
        torch.stack([side * stretch * mirror, side / stretch], dim=1),
        spec.rotation * rotation,
        *((torch.deg2rad(spec.shear * shear), torch.zeros(n)) if spec.shear else ()),
    )
    places = (drawn[:, 13:15] + 1) / 2 * (size + 1)
    return Views(
        linear=affine[:, :2, :2],
        shift=drawn[:, 5:7],
        jitter=2 * spec.jitter * drawn[:, 15:17],
        gain=1 + spec.gain * drawn[:, 7:10, None, None],
        offset=spec.offset * drawn[:, 10:13, None, None],
        noise=places.int(),
        size=size,
        seed=int(torch.randint(2**31, (1,), generator=generator)),
        spec=spec,
    )


@functools.lru_cache(maxsize=4)
def noise_field(size: int) -> Tensor:
    """Return ``[3, 2 size, 2 size]`` of unit Gaussian noise, always the same.

    A view's noise is a window of it: to draw 150,000 new numbers for every view of 224 pixels would
    take a sixtieth of a small network's forward and backward pass.
    """
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 2 * size, 2 * size, generator=generator)


def apply_views(images: Tensor, views: Views, size: int) -> Tensor:
    """Look at every image through every view: one warp, then colour, noise, augmentations.

    A backbone of another input size sees the same thing: geometry and colour are free of pixels,
    and the noise is the same field, resampled (antialiased) and brought back to its deviation.
    A view that holds more than about 1.4 canvas pixels per pixel of its own looks at the canvas
    halved (quartered, …) by averaging.

    Args:
        images: ``[n, 3, height, width]`` in [0, 1].
        views: what to look at.
        size: side of a view in pixels.

    Returns:
        ``[n * views, 3, size, size]``, the views of an image side by side. The noise may reach
        beyond [0, 1].
    """
    drawn = views.size if views.spec.augmentations else size
    seen = _warped(images, views, drawn)
    # (x - 1/2) · gain + 1/2 + offset + noise, in one pass over the pixels.
    gain = views.gain.to(images)
    plus = (0.5 + views.offset).to(images) - 0.5 * gain
    if views.spec.noise:
        plus = plus + _resampled(views.noise_fields(), drawn).to(images)
    seen = torch.addcmul(plus, seen, gain)
    return _augmented(seen, views, size).flatten(0, 1)


@torch.no_grad()
def coverage(views: Views, height: int, width: int, size: int) -> Tensor:
    """Return how many pixels of the views look at each pixel of the canvas.

    The adjoint of the warp at an image of ones: where gradients of a canvas are large because it is
    looked at often, this is large too.

    Returns:
        ``[height, width]``, summing up to views · size².
    """
    canvas = torch.ones(1, 1, height, width)
    with torch.enable_grad():
        canvas.requires_grad_()
        (covered,) = torch.autograd.grad(_warped(canvas, views, size).sum(), canvas)
    return covered[0, 0]


def _warped(images: Tensor, views: Views, size: int) -> Tensor:
    """Return ``[n, views, channels, size, size]``."""
    count, channels, height, width = images.shape
    matrices = views.matrices(height, width)
    # Canvas pixels per pixel of a view, as a power of 2.
    density = views.linear.det().abs().sqrt() * min(height, width) / size
    levels = density.log2().round().clamp_min(0).int().tolist()
    order = sorted(range(len(levels)), key=levels.__getitem__)
    edges = [i for i in range(len(order)) if i == 0 or levels[order[i]] != levels[order[i - 1]]]
    parts, at = [], 0
    for start, end in pairwise([*edges, len(order)]):
        while at < levels[order[start]]:
            images, at = F.avg_pool2d(images, 2, ceil_mode=True), at + 1
        chosen = order[start:end]
        grid = F.affine_grid(
            _on_halved(matrices[chosen], (height, width), images.shape[-2:], at).to(images),
            [len(chosen), channels, size, size],
            align_corners=False,
        )
        # The views are stacked along the grid's height, so the canvas is never copied per view.
        grid = grid.reshape(1, -1, size, 2).expand(count, -1, -1, -1)
        seen = F.grid_sample(
            images, grid, mode="bilinear", padding_mode=views.spec.padding, align_corners=False
        )
        parts.append(seen.view(count, channels, len(chosen), size, size).transpose(1, 2))
    if len(parts) == 1:
        return parts[0]
    back = torch.tensor(order, device=images.device).argsort()
    return torch.cat(parts, dim=1).index_select(1, back)


def _on_halved(
    matrices: Tensor, size: tuple[int, int], halved: Sequence[int], times: int
) -> Tensor:
    """Return matrices to a canvas of `size` as such to the same canvas, halved some times.

    Where a side is odd, the halved canvas reaches a little further than the canvas.
    """
    if all(whole == half << times for whole, half in zip(size, halved, strict=True)):
        return matrices
    (height, width), (high, wide) = size, halved
    reach = torch.tensor([width / (wide << times), height / (high << times)])[:, None]
    # From [-1, 1] to [0, 2], there the canvas ends at 2 · reach, and back.
    moved = matrices * reach
    moved[:, :, 2:] += reach - 1
    return moved


def _resampled(noise: Tensor, size: int) -> Tensor:
    if noise.shape[-1] == size:
        return noise
    field = F.interpolate(noise, (size, size), mode="bilinear", antialias=True)
    return field * (noise.std() / field.std().clamp_min(1e-12))


def _augmented(seen: Tensor, views: Views, size: int) -> Tensor:
    if not views.spec.augmentations:
        return seen
    # Image by image: what a call draws would otherwise depend on which images are in the batch.
    looked = []
    for image in seen:
        with _seeded(views.seed):
            for augmentation in views.spec.augmentations:
                image = augmentation(image)
        # Some change the size, and by how much may be drawn.
        if tuple(image.shape[-2:]) != (size, size):
            image = F.interpolate(image, (size, size), mode="bilinear", antialias=True)
        looked.append(image)
    return torch.stack(looked)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)
