from __future__ import annotations

import pytest
import torch

from usae_viz.backbones import Backbone
from usae_viz.maximize.objective import concept_activation, read_clean
from usae_viz.sae import UniversalSAE


def _maps(batch: int, dim: int = 6) -> torch.Tensor:
    return torch.randn(batch, dim, 4, 4, generator=torch.Generator().manual_seed(batch))


@pytest.mark.parametrize("over_tokens", ["mean", "top", "peak"])
def test_every_image_is_asked_for_its_own_concept(usae: UniversalSAE, over_tokens: str) -> None:
    maps, concepts = _maps(8), torch.tensor([7, 2, 7, 0])
    found = concept_activation(usae, "small", maps, concepts, over_tokens)
    assert found.shape == (4,)
    for image, concept in enumerate(concepts.tolist()):
        weight, bias = usae.encoder("small")
        views = []
        for view in (2 * image, 2 * image + 1):
            tokens = usae.standardise("small", maps[view].flatten(1).T)
            row = tokens @ weight[concept] + bias[concept]
            kept = {"mean": 16, "top": 2, "peak": 1}[over_tokens]
            views.append(row.sort(descending=True).values[:kept].mean())
        torch.testing.assert_close(found[image], torch.stack(views).mean())


def test_a_concept_below_the_gate_has_a_gradient(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    images = torch.full((12, 3, 24, 24), 0.5).requires_grad_()
    concepts = torch.arange(12)
    maps = backbones["small"](images)
    score, _, _ = read_clean(usae, "small", maps.detach(), concepts)
    assert (score == 0).any()
    concept_activation(usae, "small", maps, concepts).sum().backward()
    assert images.grad is not None
    assert (images.grad.abs().flatten(1).sum(1) > 0).all()


def test_a_clean_reading_is_the_gated_code(usae: UniversalSAE) -> None:
    maps, concepts = _maps(5), torch.tensor([3, 3, 0, 9, 11])
    score, peak, mean = read_clean(usae, "small", maps, concepts)
    assert mean.shape == (5, usae.concepts)
    for image, concept in enumerate(concepts.tolist()):
        gated = usae.gated("small", maps[image].flatten(1).T, torch.tensor([concept]))[:, 0]
        torch.testing.assert_close(score[image], gated.mean())
        torch.testing.assert_close(peak[image], gated.max())
        torch.testing.assert_close(mean[image, concept], gated.mean())
