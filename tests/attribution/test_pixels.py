from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.attribution.conftest import SIDE, make_backbone
from usae_viz.attribution import attribute_pixels
from usae_viz.backbones import Backbone
from usae_viz.errors import BackboneError, ConceptError, UsageError

METHODS = (
    "integrated_gradients",
    "input_x_gradient",
    "smooth_grad",
    "grad_cam",
    "occlusion",
    "sobol",
)


@pytest.fixture
def exact(usae, backbone, images):
    """In double precision; captum holds the weights of its quadrature in float32."""
    return usae.double(), backbone.double(), images.double()


@pytest.mark.parametrize("target", ["mean", "peak"])
@pytest.mark.parametrize("baseline", ["black", "blur"])
def test_integrated_gradients_are_complete_before_the_gate(exact, target, baseline):
    usae, backbone, images = exact
    found = attribute_pixels(
        usae, backbone, images, 4, target=target, baseline=baseline, steps=24, batch_size=2
    )
    gap = found.activation - found.baseline
    assert gap.abs().min() > 1e-3
    torch.testing.assert_close(found.values.sum((1, 2)), gap, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.delta, found.values.sum((1, 2)) - gap)
    assert found.completeness_error.max() < 1e-6


def test_too_few_steps_are_told_by_delta(exact):
    usae, backbone, images = exact
    coarse, fine = (attribute_pixels(usae, backbone, images, 4, steps=n) for n in (1, 24))
    assert coarse.delta.abs().max() > 1e-4 > fine.delta.abs().max()


def test_the_target_is_the_pre_gate_activation(usae, backbone, images):
    row = usae.pre_gate("toy", backbone(images).permute(0, 2, 3, 1).flatten(0, 2))[:, 4].view(5, -1)
    mean = attribute_pixels(usae, backbone, images, 4, method="input_x_gradient", target="mean")
    peak = attribute_pixels(usae, backbone, images, 4, method="input_x_gradient", target="peak")
    torch.testing.assert_close(mean.activation, row.mean(1))
    torch.testing.assert_close(peak.activation, row.amax(1))


def test_the_peak_token_sees_its_own_patch_only(usae, backbone, images):
    found = attribute_pixels(usae, backbone, images, 4, target="peak", method="smooth_grad")
    touched = found.values.unflatten(1, (4, 4)).unflatten(3, (4, 4)).abs().sum((2, 4)) > 0
    assert (touched.sum((1, 2)) == 1).all()
    row = usae.pre_gate("toy", backbone(images).permute(0, 2, 3, 1).flatten(0, 2))[:, 4].view(5, -1)
    assert torch.equal(touched.flatten(1).int().argmax(1), row.argmax(1))


def test_input_x_gradient_is_what_it_says(usae, backbone, images):
    found = attribute_pixels(usae, backbone, images, 4, method="input_x_gradient", target="mean")
    pixels = images.clone().requires_grad_()
    tokens = backbone(pixels).permute(0, 2, 3, 1).flatten(0, 2)
    usae.pre_gate("toy", tokens)[:, 4].view(5, -1).mean(1).sum().backward()
    torch.testing.assert_close(found.values, (pixels * pixels.grad).sum(1).detach())


@pytest.mark.parametrize("method", METHODS)
def test_batching_changes_nothing(usae, backbone, images, method):
    settings = {"method": method, "steps": 4, "samples": 4}
    whole = attribute_pixels(usae, backbone, images, 4, batch_size=64, **settings)
    assert whole.values.shape == (5, SIDE, SIDE)
    for size in (1, 3):
        parts = attribute_pixels(usae, backbone, images, 4, batch_size=size, **settings)
        torch.testing.assert_close(parts.values, whole.values)
    alone = attribute_pixels(usae, backbone, images[3:4], 4, **settings)
    torch.testing.assert_close(alone.values[0], whole.values[3])


def test_noise_is_seeded_and_the_global_generator_left_alone(usae, backbone, images):
    def smooth(seed):
        return attribute_pixels(usae, backbone, images, 4, method="smooth_grad", seed=seed).values

    before = torch.get_rng_state()
    first = smooth(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(smooth(3), first)
    assert not torch.equal(smooth(4), first)


class Failing(nn.Module):
    """Fails on its second call of many images, or with a gradient."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.calls = network, 0

    def forward(self, images):
        self.calls += images.requires_grad or len(images) > 2
        if self.calls > 1:
            raise RuntimeError("the network failed")
        return self.network(images)


def _with(read) -> Backbone:
    network = make_backbone().network
    three = (0.5, 0.5, 0.5)
    return Backbone("toy", network, read(network), input_size=SIDE, mean=three, std=three,
                    grid=None, weights_sha256="")  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_failure_leaves_nothing_behind(usae, images, method):
    backbone = _with(Failing)
    with pytest.raises(RuntimeError, match="the network failed"):
        attribute_pixels(usae, backbone, images, 4, method=method, steps=2, batch_size=4)
    for module in [*backbone.modules(), *usae.modules()]:
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert not images.requires_grad
    assert images.grad is None


def test_a_layer_without_gradient_is_refused(usae, images):
    backbone = _with(lambda network: lambda x: network(x).detach())
    with pytest.raises(BackboneError, match="no gradient of toy's layer reaches the pixels"):
        attribute_pixels(usae, backbone, images, 4)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"method": "grad_kam"}, "method 'grad_kam' is not known"),
        ({"target": "region"}, "a region and the target do not fit each other"),
        ({"designs": 3}, "a setting of the attribution is out of range"),
        ({"stepps": 3}, "attribution has no setting stepps"),
        ({"target": "sum"}, "target 'sum' is not known"),
        ({"baseline": "white"}, "baseline 'white' is not known"),
        ({"steps": 0}, "a setting of the attribution is out of range"),
        ({"noise": 0.0}, "a setting of the attribution is out of range"),
    ],
)
def test_settings_are_checked(usae, backbone, images, settings, problem):
    with pytest.raises(UsageError) as caught:
        attribute_pixels(usae, backbone, images, 4, **settings)
    assert caught.value.problem == problem
    assert caught.value.expected


def test_other_arguments_are_checked(usae, backbone, images):
    with pytest.raises(UsageError, match="images only"):
        attribute_pixels(usae, backbone, images[0], 4)
    with pytest.raises(ConceptError, match="cannot be read"):
        attribute_pixels(usae, backbone, images, 99)


def test_the_active_target_is_the_mean_where_the_code_has_the_concept(usae, backbone, images):
    tokens = backbone(images).permute(0, 2, 3, 1).flatten(0, 2)
    row = usae.pre_gate("toy", tokens)[:, 4].view(5, -1)
    code = usae.encode("toy", tokens)
    kept = ((code.indices == 4) & (code.values > 0)).any(1).view(5, -1)
    kept[~kept.any(1)] = True
    found = attribute_pixels(usae, backbone, images, 4, method="input_x_gradient")
    torch.testing.assert_close(found.activation, (row * kept).sum(1) / kept.sum(1))


def test_a_region_is_weighed_by_its_share_of_each_token(usae, backbone, images):
    region = torch.zeros(SIDE, SIDE)
    region[:4, :6] = 1
    found = attribute_pixels(
        usae, backbone, images, 4, method="smooth_grad", target="region", region=region
    )
    tokens = backbone(images).permute(0, 2, 3, 1).flatten(0, 2)
    row = usae.pre_gate("toy", tokens)[:, 4].view(5, 4, 4)
    expected = (row[:, 0, 0] + 0.5 * row[:, 0, 1]) / 1.5
    torch.testing.assert_close(found.activation, expected)
    assert found.values[:, 4:].abs().max() == 0
    with pytest.raises(UsageError, match="a region is empty"):
        attribute_pixels(usae, backbone, images, 4, target="region", region=region * 0)
    with pytest.raises(UsageError, match="does not fit the images"):
        attribute_pixels(usae, backbone, images, 4, target="region", region=torch.ones(3, 3))


@pytest.mark.parametrize("method", ["occlusion", "sobol"])
def test_removing_parts_finds_the_patch_that_counts(usae, backbone, images, method):
    found = attribute_pixels(
        usae,
        backbone,
        images,
        4,
        target="peak",
        method=method,
        baseline="mean",
        window=1 / 4,
        cells=4,
        designs=32,
    )
    row = usae.pre_gate("toy", backbone(images).permute(0, 2, 3, 1).flatten(0, 2))[:, 4].view(5, -1)
    cells = found.values.unflatten(1, (4, 4)).unflatten(3, (4, 4)).mean((2, 4))
    assert torch.equal(cells.flatten(1).argmax(1), row.argmax(1))


def test_own_baselines(exact):
    usae, backbone, images = exact
    own = images.flip(0)
    found = attribute_pixels(usae, backbone, images, 4, baseline=own, target="mean", steps=24)
    back = attribute_pixels(usae, backbone, own, 4, baseline=images, target="mean", steps=24)
    torch.testing.assert_close(found.baseline, back.activation)
    torch.testing.assert_close(found.values, -back.values)
    for wrong in (own[:, :, :3], own * 2):
        with pytest.raises(UsageError, match="a baseline does not fit"):
            attribute_pixels(usae, backbone, images, 4, baseline=wrong)


class _Layers(nn.Module):
    """A network of layers that LRP has rules for."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 6, 4, stride=4, bias=False), nn.ReLU()
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self.conv.weight.copy_(torch.randn(self.conv.weight.shape, generator=generator))

    def forward(self, images):
        return self.act(self.conv(images))


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
def test_relevance_goes_where_captum_has_rules_and_is_refused_elsewhere(usae, images):
    def backbone(network):
        half = (0.5, 0.5, 0.5)
        return Backbone("toy", network, network, input_size=SIDE, mean=half, std=half,
                        grid=None, weights_sha256="")  # fmt: skip

    layers = _Layers()
    before = layers.conv.weight.clone()
    found = attribute_pixels(usae, backbone(layers), images, 4, method="lrp", target="mean")
    assert found.values.abs().sum() > 0
    assert torch.equal(layers.conv.weight, before)
    unknown = nn.Sequential(_Layers(), nn.GELU())
    with pytest.raises(BackboneError, match="LRP cannot go through toy"):
        attribute_pixels(usae, backbone(unknown), images, 4, method="lrp")
