from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from usae_viz.backbones import Backbone
from usae_viz.errors import UsaeVizError
from usae_viz.maximize import MaximizeSettings, maximize_concepts
from usae_viz.sae import UniversalSAE


class _Deaf(nn.Module):
    """Answers every image alike, yet is differentiable."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), 6, 4, 4) + 0 * images.mean((1, 2, 3))[:, None, None, None]


class _Cut(nn.Module):
    """Lets no gradient through."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), 6, 4, 4)


def _of(network: nn.Module) -> dict[str, Backbone]:
    backbone = Backbone(
        "small",
        network,
        network,
        input_size=24,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        grid=4,
        weights_sha256="0" * 64,
    )
    return {"small": backbone}


def test_a_flat_gradient_names_concept_backbone_and_step(usae: UniversalSAE) -> None:
    settings = MaximizeSettings(steps=40, views=1)
    with pytest.raises(UsaeVizError, match="flat: concept 4 in small, step 16 of 40"):
        maximize_concepts(usae, _of(_Deaf()), [4, 2], settings=settings)


def test_a_network_that_lets_no_gradient_through_is_named(usae: UniversalSAE) -> None:
    with pytest.raises(UsaeVizError, match="no gradient of small's token map"):
        maximize_concepts(usae, _of(_Cut()), [4], settings=MaximizeSettings(steps=4, views=1))


def test_networks_are_given_back_as_they_were(
    usae: UniversalSAE, tiny_backbone: Callable[..., Backbone]
) -> None:
    backbone = tiny_backbone("small", 24, seed=1)
    network = backbone.network
    assert isinstance(network, nn.Sequential)
    network[0].requires_grad_(True)
    network.train()
    calls: list[int] = []
    handle = network[2].register_forward_hook(lambda *_: calls.append(1))
    weight = next(network[0].parameters())
    weight.grad = torch.ones_like(weight)
    before, place = weight.clone(), weight.data_ptr()
    formats: list[bool] = []
    network[0].register_forward_pre_hook(
        lambda *_: formats.append(weight.is_contiguous(memory_format=torch.channels_last))
    )
    maximize_concepts(usae, {"small": backbone}, [1], settings=MaximizeSettings(steps=3, views=1))
    assert calls
    assert list(network[2]._forward_hooks) == [handle.id]
    assert network.training
    assert weight.requires_grad
    assert not next(network[2].parameters()).requires_grad
    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.ones_like(weight))
    assert torch.equal(weight, before)
    assert formats
    assert all(formats)
    assert weight.data_ptr() == place
    with torch.no_grad():
        weight.fill_(float("nan"))
    with pytest.raises(UsaeVizError, match="not-a-number: concept 1 in small, step 1 of 3"):
        maximize_concepts(
            usae, {"small": backbone}, [1], settings=MaximizeSettings(steps=3, views=1)
        )
    assert network.training
    assert weight.requires_grad
    assert weight.data_ptr() == place
    assert torch.equal(weight.grad, torch.ones_like(weight))


def test_pictures_that_rise_no_more_are_finished_early(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    def made(concepts: list[int], early_stop: float) -> tuple[list[int], Tensor]:
        settings = MaximizeSettings(steps=224, views=1, early_stop=early_stop)
        found = maximize_concepts(usae, backbones, concepts, settings=settings, names=["small"])
        return found.steps["small"].flatten().tolist(), found.images["small"]

    steps, pictures = made([1, 5], 0.1)
    assert max(steps) < 224
    assert all(n % 32 == 0 for n in steps)
    # A picture is finished whenever it is finished alone.
    alone, picture = made([5], 0.1)
    assert alone == steps[1:]
    assert (picture[0].int() - pictures[1].int()).abs().max() <= 2
    assert made([1], 0.0)[0] == [224]


def test_batched_is_one_by_one(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    def curves(concepts: list[int], **fields: int) -> dict[str, Tensor]:
        settings = MaximizeSettings(steps=20, views=2, seeds=2, **fields)
        return maximize_concepts(usae, backbones, concepts, settings=settings).trajectory

    together = curves([1, 5, 7])
    for batch in (1, 4):  # in views: an image has two, so 1 means an image at a time
        for name, curve in curves([1, 5, 7], batch=batch).items():
            torch.testing.assert_close(curve, together[name], atol=1e-4, rtol=0)
    for number, concept in enumerate([1, 5, 7]):
        for name, curve in curves([concept]).items():
            torch.testing.assert_close(curve[0], together[name][number], atol=1e-4, rtol=0)
