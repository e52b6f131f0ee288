from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from usae_viz.backbones import Backbone, load_backbone
from usae_viz.errors import UsageError
from usae_viz.recipe import BackboneSpec

TinyVit = Callable[..., BackboneSpec]


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def bare(grid: int | None = None, **fields: Any) -> Backbone:
    """A network that hands its normalised input through."""
    table = {"input_size": 8, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    identity = nn.Identity()
    return Backbone("bare", identity, identity, grid=grid, weights_sha256="", **{**table, **fields})


def test_token_map_has_the_channels_and_the_grid_asked_for(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a")
    own, common = load_backbone(spec), load_backbone(spec, grid=3)
    images = pictures(2, 3, 32, 32)
    assert (own.dim, own.grid, own.native_grid) == (16, 4, (4, 4))
    assert own(images).shape == (2, 16, 4, 4)
    assert (common.dim, common.grid, common.native_grid) == (16, 3, (4, 4))
    assert common(images).shape == (2, 16, 3, 3)
    assert torch.equal(common.native_map(images), own(images))


def test_resampling_to_the_common_grid_keeps_the_mean_of_a_block() -> None:
    backbone = bare(grid=4)
    flat = torch.full((1, 3, 8, 8), 0.7)
    torch.testing.assert_close(backbone(flat), torch.full((1, 3, 4, 4), 0.7))
    stripes = torch.zeros(1, 3, 8, 8)
    stripes[..., ::2] = 1
    # Antialiased: without it, bilinear sampling at half size would average two columns alone.
    assert (backbone(stripes)[..., 1:-1] - 0.5).abs().max() < 1e-6


@pytest.mark.parametrize("size", [(32, 32), (7, 50), (200, 90), (1, 1)])
def test_images_of_any_size_are_taken(tiny_vit: TinyVit, size: tuple[int, int]) -> None:
    assert load_backbone(tiny_vit("a"))(pictures(1, 3, *size)).shape == (1, 16, 4, 4)


def test_preprocessing_is_resize_then_normalise() -> None:
    backbone = bare(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))
    image = pictures(1, 3, 8, 8)
    expected = torch.stack(
        [(image[:, 0] - 0.1) / 0.5, (image[:, 1] - 0.2) / 0.25, (image[:, 2] - 0.3) / 2.0], 1
    )
    torch.testing.assert_close(backbone.preprocess(image), expected)


def test_shrinking_is_antialiased_and_differentiable() -> None:
    backbone = bare()
    image = torch.zeros(1, 3, 64, 64)
    image[..., ::2] = 1
    image.requires_grad_()
    shrunk = backbone.preprocess(image)
    assert (shrunk - 0.5).abs().max() < 0.05
    (gradient,) = torch.autograd.grad(shrunk.sum(), image)
    assert (gradient > 0).all()


def test_one_channel_networks_are_fed_pillows_luma() -> None:
    backbone = bare(mean=(0.0,), std=(1.0,))
    assert not backbone.sees_colour
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    luma = np.asarray(Image.fromarray(pixels).convert("L")).astype(float)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    ours = backbone.preprocess(image) * 255
    assert ours.shape == (1, 1, 8, 8)
    assert np.abs(ours[0, 0].numpy() - luma).max() <= 0.51


def test_a_one_channel_network_loads_and_sees_no_hue(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("grey", kwargs={"in_chans": 1}, mean=(0.5,), std=(0.5,))
    backbone = load_backbone(spec)
    red = torch.zeros(1, 3, 32, 32)
    red[:, 0, :16] = 0.5
    green = torch.zeros(1, 3, 32, 32)
    green[:, 1, :16] = 0.5 * 0.299 / 0.587
    torch.testing.assert_close(backbone(red), backbone(green))
    assert not torch.allclose(backbone(red), backbone(red.flip(2)))


@pytest.mark.parametrize("layer", [0, 1])
def test_the_gradient_reaches_every_pixel(tiny_vit: TinyVit, layer: int) -> None:
    backbone = load_backbone(tiny_vit("a", layer=layer))
    images = pictures(1, 3, 40, 48).requires_grad_()
    (gradient,) = torch.autograd.grad(backbone(images).square().sum(), images)
    assert (gradient.abs().sum(1) > 0).all()


def test_gradient_agrees_with_differences(tiny_vit: TinyVit) -> None:
    backbone = load_backbone(tiny_vit("a")).double()
    images = pictures(1, 3, 24, 24).double().requires_grad_()
    direction = pictures(1, 3, 24, 24, seed=1).double()

    def value(step: float) -> Tensor:
        return backbone(images + step * direction)[0, 3, 1, 2]

    (gradient,) = torch.autograd.grad(value(0.0), images)
    slope = (value(1e-5) - value(-1e-5)) / 2e-5
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-5, atol=1e-8)


def test_a_backbone_stays_frozen_and_in_evaluation_mode(tiny_vit: TinyVit) -> None:
    backbone = load_backbone(tiny_vit("a", kwargs={"proj_drop_rate": 0.5}))
    nn.ModuleList([backbone]).train()
    backbone.train().train(True)
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    images = pictures(2, 3, 32, 32)
    assert torch.equal(backbone(images), backbone(images))


def test_batch_norm_statistics_never_move() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    backbone = Backbone(
        "bn", network, network, input_size=8, mean=(0,) * 3, std=(1,) * 3, grid=2, weights_sha256=""
    )
    before = [buffer.clone() for buffer in network.buffers()]
    backbone.train()(pictures(4, 3, 8, 8))
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))
    assert not backbone.training


def test_rows_do_not_depend_on_their_neighbours(tiny_vit: TinyVit) -> None:
    backbone = load_backbone(tiny_vit("a"))
    images = pictures(3, 3, 32, 32)
    torch.testing.assert_close(backbone(images)[1:2], backbone(images[1:2]))


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 32, 32),
        torch.zeros(1, 1, 32, 32),
        torch.zeros(1, 32, 32, 3),
        torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
    ],
    ids=["no batch", "grey", "channels last", "bytes"],
)
def test_what_is_no_batch_of_images_is_refused(tiny_vit: TinyVit, images: Tensor) -> None:
    with pytest.raises(UsageError, match="no batch of images"):
        load_backbone(tiny_vit("a"))(images)
