from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np
import pytest
import torch
from kornia.augmentation import RandomErasing
from torch import Tensor
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.maximize import Views, ViewSpec, apply_views, draw_views
from usae_viz.maximize.views import coverage

GEOMETRY_ONLY: dict[str, Any] = {"gain": 0.0, "offset": 0.0, "noise": 0.0}


def _draw(spec: ViewSpec, n: int = 3, seed: int = 0, size: int = 32) -> Views:
    return draw_views(spec, n, torch.Generator().manual_seed(seed), size)


def _ramp(height: int, width: int) -> Tensor:
    """Return an image ``[1, 3, height, width]`` whose colour is its place: x, y and 1."""
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    return torch.stack(
        [x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)]
    )[None]


@pytest.mark.parametrize("canvas", [(120, 120), (90, 141), (400, 300)])
def test_backbones_of_other_input_sizes_see_the_same_window(canvas: tuple[int, int]) -> None:
    spec = ViewSpec(scale=(0.3, 0.6), aspect=0.2, shear=8.0, flip=0.5, **GEOMETRY_ONLY)
    views = _draw(spec, n=8)
    seen = {size: apply_views(_ramp(*canvas), views, size) for size in (32, 96, 64)}
    # A ramp is linear, so a view of it is linear too, whatever its size: colour = A (x, y, 1).
    # Pixels near the canvas's own edge, where reflection bends the ramp, are left out.
    matrices = views.matrices(*canvas)
    for size, looks in seen.items():
        at = 2 * (torch.arange(size) + 0.5) / size - 1
        y, x = torch.meshgrid(at, at, indexing="ij")
        place = torch.einsum("vij,jhw->vihw", matrices, torch.stack([x, y, torch.ones_like(x)]))
        straight = (place.abs() < 0.94).all(1)
        assert straight.float().mean() > 0.8
        difference = (looks[:, :2] - (place + 1) / 2).abs().amax(1)[straight]
        assert difference.max() < 1e-4


def test_a_view_without_chance_is_the_canvas_itself() -> None:
    spec = ViewSpec(scale=(1.0, 1.0), rotation=0.0, **GEOMETRY_ONLY)
    images = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(1))
    seen = apply_views(images, _draw(spec, n=1), 20)
    torch.testing.assert_close(seen, images, atol=1e-5, rtol=0)


def test_views_of_an_image_lie_side_by_side() -> None:
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    views = _draw(ViewSpec(), n=4)
    together = apply_views(images, views, 16).view(3, 4, 3, 16, 16)
    for number in range(3):
        alone = apply_views(images[number : number + 1], views, 16)
        torch.testing.assert_close(together[number], alone, atol=1e-6, rtol=0)


def test_unrotated_views_stay_inside_the_canvas() -> None:
    views = _draw(ViewSpec(scale=(0.55, 1.0), rotation=0.0, flip=0.5), n=200)
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1]])
    for size in ((50, 50), (40, 80)):
        reached = views.matrices(*size) @ corners.T
        assert reached.abs().max() <= 1 + 1e-6
    sides = views.linear[:, 1, 1].abs()
    assert 0.55 <= float(sides.min()) < 0.6
    assert 0.95 < float(sides.max()) <= 1.0
    turned = _draw(ViewSpec(scale=(1.0, 1.0)), n=200).linear
    angle = torch.rad2deg(torch.atan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert angle.abs().max() <= 11 + 1e-3
    assert angle.min() < -9
    assert angle.max() > 9


def test_noise_is_one_field_whatever_the_size() -> None:
    spec = ViewSpec(gain=0.0, offset=0.0, noise=0.1)
    views = _draw(spec, n=2, size=48)
    grey = torch.full((1, 3, 60, 60), 0.5)
    noise = {size: apply_views(grey, views, size) - 0.5 for size in (24, 48)}
    for field in noise.values():
        assert abs(float(field.std()) - 0.1) < 0.005
    shrunk = F.interpolate(noise[48], (24, 24), mode="bilinear", antialias=True)
    together = torch.stack([shrunk.flatten(), noise[24].flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.999


def test_noise_is_new_in_every_view() -> None:
    spec = ViewSpec(gain=0.0, offset=0.0, noise=0.1)
    views = _draw(spec, n=12, size=96)
    fields = views.noise_fields().flatten(1)
    likeness = torch.corrcoef(fields) - torch.eye(12)
    assert likeness.abs().max() < 0.1
    assert abs(float(fields.mean())) < 0.005


@pytest.mark.parametrize("side", [128, 127])
def test_a_large_canvas_is_antialiased(side: int) -> None:
    # Stripes one pixel wide: a network of a quarter of the size can only see grey.
    stripes = (torch.arange(side) % 2).float().expand(1, 3, side, side)
    seen = apply_views(
        stripes, _draw(ViewSpec(rotation=0.0, scale=(1.0, 1.0), **GEOMETRY_ONLY)), 32
    )
    # An odd side ends in half a pixel of the halved canvas, which is only half averaged.
    assert (seen - 0.5).abs()[..., :-1].max() < 0.05


def test_near_and_far_views_of_a_step_are_as_they_are_alone() -> None:
    spec = ViewSpec(scale=(0.1, 1.0), **GEOMETRY_ONLY)
    views = _draw(spec, n=6, seed=3)
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    together = apply_views(images, views, 32).view(2, 6, 3, 32, 32)
    for number in range(6):
        parts = {
            name: getattr(views, name)[number : number + 1]
            for name in ("linear", "shift", "jitter", "gain", "offset", "noise")
        }
        alone = apply_views(images, dataclasses.replace(views, **parts), 32)
        torch.testing.assert_close(together[:, number], alone, atol=1e-6, rtol=0)


def test_crops_shrink_along_their_schedule() -> None:
    spec = ViewSpec(scale=(0.8, 1.0), scale_end=(0.1, 0.2), rotation=0.0)
    generator = torch.Generator().manual_seed(0)
    sides = [
        draw_views(spec, 200, generator, 32, progress).linear[:, 0, 0] for progress in (0, 0.5, 1)
    ]
    for found, (low, high) in zip(sides, [(0.8, 1.0), (0.45, 0.6), (0.1, 0.2)], strict=True):
        assert low <= found.min() < low + 0.02
        assert high - 0.02 < found.max() <= high


def test_jitter_leads_beyond_where_a_view_fits() -> None:
    still, moved = (
        _draw(ViewSpec(scale=(1.0, 1.0), rotation=0.0, jitter=jitter), n=200)
        for jitter in (0.0, 0.1)
    )
    assert (still.matrices(50, 80)[:, 1, 2] == 0).all()
    # Half shorter sides: 0.2 of them are a tenth of the side.
    shift = moved.matrices(50, 80)[:, 1, 2].abs()
    assert 0.19 < shift.max() <= 0.2


@pytest.mark.parametrize("canvas", [(60, 60), (45, 80)])
def test_coverage_counts_how_often_each_pixel_is_looked_at(canvas: tuple[int, int]) -> None:
    views = _draw(ViewSpec(scale=(0.3, 0.6), rotation=0.0), n=300)
    covered = coverage(views, *canvas, 24)
    assert covered.shape == canvas
    torch.testing.assert_close(covered.sum(), torch.tensor(300.0 * 24 * 24))
    height, width = canvas
    middle = covered[height // 3 : -height // 3, width // 3 : -width // 3].mean()
    assert middle > 2 * covered[:5].mean()
    # Gradients of a canvas that does not matter anywhere in particular: alike after division.
    images = torch.full((1, 3, *canvas), 0.5, requires_grad=True)
    weight = torch.randn(300, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((apply_views(images, views, 24) * weight).sum(), images)
    strength = gradient[0].square().mean(0)
    inner = torch.zeros(canvas, dtype=torch.bool)
    inner[height // 4 : -height // 4, width // 4 : -width // 4] = True
    apart = [strength[where].sum() / covered[where].sum() for where in (inner, ~inner)]
    assert 0.8 < apart[0] / apart[1] < 1.25
    assert strength[inner].mean() > 1.5 * strength[~inner].mean()


def test_chance_comes_from_the_generator_alone() -> None:
    state = torch.random.get_rng_state()
    spec = ViewSpec(augmentations=(RandomErasing(p=1.0),))
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    first, second, other = (apply_views(images, _draw(spec, seed=seed), 20) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_an_augmentation_draws_does_not_depend_on_the_other_images() -> None:
    spec = ViewSpec(augmentations=(RandomErasing(p=1.0), _nudged))
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    together = apply_views(images, _draw(spec), 20).view(3, 3, 3, 20, 20)
    for number in range(3):
        alone = apply_views(images[number : number + 1], _draw(spec), 20)
        torch.testing.assert_close(together[number], alone, atol=1e-6, rtol=0)
    # Views of an image are drawn apart.
    assert not torch.equal(together[0, 0] == 0, together[0, 1] == 0)


def _nudged(seen: Tensor) -> Tensor:
    return seen.roll(int(np.random.randint(3)) + random.randrange(3), 3)


def test_augmentations_mean_the_same_at_every_input_size() -> None:
    """What kornia draws in pixels lies in the same place for all backbones (kornia#974)."""
    spec = ViewSpec(rotation=0.0, augmentations=(RandomErasing(p=1.0),), **GEOMETRY_ONLY)
    views = _draw(spec, n=4, size=64)
    white = torch.ones(1, 3, 80, 80)
    fine, coarse = (apply_views(white, views, size) < 0.5 for size in (64, 32))
    shrunk = F.avg_pool2d(fine.float(), 2)
    certain = (shrunk == 0) | (shrunk == 1)
    assert ((shrunk > 0.5) == coarse)[certain].float().mean() > 0.99
    assert 0 < coarse.float().mean() < 1


@pytest.mark.parametrize("size", [20, 12])
def test_what_changes_the_size_of_views_is_undone(size: int) -> None:
    def grown(seen: Tensor) -> Tensor:
        return F.interpolate(seen, (int(torch.randint(21, 40, ())), 25))

    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    for seed in range(3):
        views = _draw(ViewSpec(augmentations=(grown,)), seed=seed, size=20)
        assert apply_views(images, views, size).shape == (6, 3, size, size)


def test_own_augmentations_come_last() -> None:
    spec = ViewSpec(augmentations=(lambda seen: seen.clamp(0, 1), lambda seen: 1 - seen))
    plain = apply_views(torch.ones(1, 3, 24, 24), _draw(ViewSpec(), size=16), 16)
    seen = apply_views(torch.ones(1, 3, 24, 24), _draw(spec, size=16), 16)
    assert torch.equal(seen, 1 - plain.clamp(0, 1))


@pytest.mark.parametrize(
    "fields",
    [
        {"scale": (0.0, 1.0)},
        {"scale": (0.9, 0.5)},
        {"scale_end": (0.5, 0.0)},
        {"padding": "mirror"},
        {"noise": -0.1},
        {"jitter": float("nan")},
        {"augmentations": RandomErasing()},
        {"augmentations": (RandomErasing(), None)},
    ],
)
def test_a_wrong_spec_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected"):
        ViewSpec(**fields)
