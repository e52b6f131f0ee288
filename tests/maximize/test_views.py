from __future__ import annotations

from typing import Any

import pytest
import torch
from kornia.augmentation import RandomErasing
from torch import Tensor
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.maximize import Views, ViewSpec, apply_views, draw_views

GEOMETRY_ONLY: dict[str, Any] = {"gain": 0.0, "offset": 0.0, "noise": 0.0}


def _draw(spec: ViewSpec, n: int = 3, seed: int = 0, noise_size: int = 32) -> Views:
    return draw_views(spec, n, torch.Generator().manual_seed(seed), noise_size)


def _ramp(height: int, width: int) -> Tensor:
    """Return an image ``[1, 3, height, width]`` whose colour is its place: x, y and 1."""
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    return torch.stack(
        [x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)]
    )[None]


@pytest.mark.parametrize("canvas", [(120, 120), (90, 140)])
def test_backbones_of_other_input_sizes_see_the_same_place(canvas: tuple[int, int]) -> None:
    spec = ViewSpec(scale=(0.5, 0.7), aspect=0.2, shear=8.0, flip=0.5, **GEOMETRY_ONLY)
    views = _draw(spec, n=6)
    seen = {size: apply_views(_ramp(*canvas), views, size) for size in (32, 96, 64)}
    inside = (seen[32][:, 2:].min() > 0.99, seen[96].shape)
    assert inside == (True, (6, 3, 96, 96))
    # A ramp is linear, so the mean of 3 x 3 fine pixels is the coarse pixel over them exactly;
    # pixels near the canvas's own edge, where reflection bends the ramp, are left out.
    coarse = F.avg_pool2d(seen[96], 3)
    straight = ((seen[32] > 0.06) & (seen[32] < 0.94))[:, :2].all(1)
    difference = (coarse - seen[32]).abs().amax(1)[straight]
    assert straight.float().mean() > 0.5
    assert difference.max() < 2e-3


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
    views = _draw(spec, n=2, noise_size=48)
    grey = torch.full((1, 3, 60, 60), 0.5)
    noise = {size: apply_views(grey, views, size) - 0.5 for size in (24, 48)}
    for field in noise.values():
        assert abs(float(field.std()) - 0.1) < 0.005
    shrunk = F.interpolate(noise[48], (24, 24), mode="bilinear", antialias=True)
    together = torch.stack([shrunk.flatten(), noise[24].flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.999


def test_a_large_canvas_is_antialiased() -> None:
    # Stripes one pixel wide: a network of a quarter of the size can only see grey.
    stripes = (torch.arange(128) % 2).float().expand(1, 3, 128, 128)
    seen = apply_views(
        stripes, _draw(ViewSpec(rotation=0.0, scale=(1.0, 1.0), **GEOMETRY_ONLY)), 32
    )
    assert (seen - 0.5).abs().max() < 0.05


def test_chance_comes_from_the_generator_alone() -> None:
    state = torch.random.get_rng_state()
    spec = ViewSpec(augmentations=(RandomErasing(p=1.0),))
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    first, second, other = (apply_views(images, _draw(spec, seed=seed), 20) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_own_augmentations_come_last() -> None:
    spec = ViewSpec(augmentations=(lambda seen: seen.clamp(0, 1), lambda seen: 1 - seen))
    plain = apply_views(torch.ones(1, 3, 24, 24), _draw(ViewSpec()), 16)
    seen = apply_views(torch.ones(1, 3, 24, 24), _draw(spec), 16)
    assert torch.equal(seen, 1 - plain.clamp(0, 1))


@pytest.mark.parametrize(
    "fields", [{"scale": (0.0, 1.0)}, {"scale": (0.9, 0.5)}, {"padding": "mirror"}]
)
def test_a_wrong_spec_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected"):
        ViewSpec(**fields)
