"""Views: random looks at a canvas, drawn once a step and the same for every backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
        rotation: largest rotation to either side, degrees.
        aspect: largest log ratio of width to height; 0 keeps views square.
        shear: largest shear along x, degrees.
        flip: probability of a horizontal mirror image.
        gain: largest relative change of each colour channel's contrast.
        offset: largest shift of each colour channel, in units of the [0, 1] range.
        noise: standard deviation of Gaussian pixel noise, in units of the [0, 1] range.
        padding: what lies outside the canvas: ``reflection``, ``border`` or ``zeros``.
        augmentations: called one after the other on the views ``[batch, 3, size, size]``, for
            example kornia's. What they draw from the global generator is seeded by the step, alike
            for all backbones; the caller's own state of it is kept.
    """

    scale: tuple[float, float] = (0.7, 1.1)
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
        if not 0 < self.scale[0] <= self.scale[1]:
            raise UsageError(
                "the scale of views cannot be read",
                expected="two shares, 0 < smallest <= largest",
                got=str(self.scale),
            )
        if self.padding not in ("reflection", "border", "zeros"):
            raise UsageError(
                "the padding of views cannot be read",
                expected="reflection, border or zeros",
                got=repr(self.padding),
            )


@dataclass(frozen=True)
class Views:
    """One step's views, free of pixel sizes.

    Attributes:
        linear: ``[views, 2, 2]``, from view to canvas: a view's square is [-1, 1]², and lengths are
            in half shorter sides of the canvas, so a rotation is one on any canvas.
        shift: ``[views, 2]`` in [-1, 1]: where in its free room on the canvas a view lies (x, y).
        gain: ``[views, 3, 1, 1]``, factor of each colour channel's distance from mid-grey.
        offset: ``[views, 3, 1, 1]``.
        noise: ``[views, 3, s, s]``, one field per view; see `apply_views`.
        seed: seeds what the spec's augmentations draw.
        spec: how these views were drawn.
    """

    linear: Tensor
    shift: Tensor
    gain: Tensor
    offset: Tensor
    noise: Tensor
    seed: int
    spec: ViewSpec

    def matrices(self, height: int, width: int) -> Tensor:
        """Return ``[views, 2, 3]`` from a view's to the canvas's normalised coordinates.

        Both run from -1 to 1 between the outer edges of the corner pixels, x right and y down.
        """
        half = torch.tensor([width, height]) / min(width, height)
        extent = self.linear[:, [0, 1], [0, 1]].abs()
        room = (half - extent).clamp_min(0)
        matrices = torch.cat([self.linear, (self.shift * room)[:, :, None]], dim=2)
        return matrices / half[:, None]


def draw_views(spec: ViewSpec, n: int, generator: torch.Generator, noise_size: int) -> Views:
    """Draw n views.

    Args:
        spec: the ranges.
        n: number of views.
        generator: a CPU generator; the only source of chance.
        noise_size: side in pixels of the noise fields; the largest input size of the backbones
            that are to see the views.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    side = uniform(*spec.scale)
    stretch = torch.exp(uniform(-spec.aspect, spec.aspect) / 2)
    mirror = torch.where(uniform(0, 1) < spec.flip, -1.0, 1.0)
    origin = torch.zeros(n, 2)
    shear = torch.deg2rad(uniform(-spec.shear, spec.shear))
    affine = get_affine_matrix2d(
        origin,
        origin,
        torch.stack([side * stretch * mirror, side / stretch], dim=1),
        uniform(-spec.rotation, spec.rotation),
        shear,
        torch.zeros(n),
    )
    return Views(
        linear=affine[:, :2, :2],
        shift=uniform(-1, 1, 2),
        gain=1 + uniform(-spec.gain, spec.gain, 3, 1, 1),
        offset=uniform(-spec.offset, spec.offset, 3, 1, 1),
        noise=spec.noise * torch.randn(n, 3, noise_size, noise_size, generator=generator),
        seed=int(torch.randint(2**31, (1,), generator=generator)),
        spec=spec,
    )


def apply_views(images: Tensor, views: Views, size: int) -> Tensor:
    """Look at every image through every view: one warp, then colour, noise, augmentations.

    A backbone of another input size sees the same thing: geometry and colour are free of pixels,
    and the noise is the same field, resampled (antialiased) and brought back to its deviation.
    Where a view holds 1.5 canvas pixels per output pixel or more, it is sampled finer and averaged.

    Args:
        images: ``[n, 3, height, width]`` in [0, 1].
        views: what to look at.
        size: side of a view in pixels.

    Returns:
        ``[n * views, 3, size, size]``, the views of an image side by side. The noise may reach
        beyond [0, 1].
    """
    count, _, height, width = images.shape
    v = len(views.linear)
    matrices = views.matrices(height, width).to(images)
    widest = float(views.spec.scale[1]) * min(height, width)
    finer = max(1, round(widest / size))
    side = size * finer
    grid = F.affine_grid(matrices, [v, 3, side, side], align_corners=False)
    # The views are stacked along the grid's height, so the canvas is never copied per view.
    grid = grid.reshape(1, v * side, side, 2).expand(count, -1, -1, -1)
    seen = F.grid_sample(
        images, grid, mode="bilinear", padding_mode=views.spec.padding, align_corners=False
    )
    seen = seen.view(count, 3, v, side, side).transpose(1, 2)
    if finer > 1:
        seen = F.avg_pool2d(seen.flatten(0, 1), finer).view(count, v, 3, size, size)
    seen = (seen - 0.5) * views.gain.to(images) + (0.5 + views.offset.to(images))
    seen = (seen + _resampled(views.noise, size).to(images)).flatten(0, 1)
    return _augmented(seen, views)


def _resampled(noise: Tensor, size: int) -> Tensor:
    if noise.shape[-1] == size:
        return noise
    field = F.interpolate(noise, (size, size), mode="bilinear", antialias=True)
    return field * (noise.std() / field.std().clamp_min(1e-12))


def _augmented(seen: Tensor, views: Views) -> Tensor:
    if not views.spec.augmentations:
        return seen
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(views.seed)
        for augmentation in views.spec.augmentations:
            seen = augmentation(seen)
    return seen
