from __future__ import annotations

import pytest
import torch

from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.maximize.objective import (
    concept_activation,
    over_tokens,
    parse_weights,
    read_clean,
)
from usae_viz.sae import UniversalSAE


def _maps(batch: int, dim: int = 6) -> torch.Tensor:
    return torch.randn(batch, dim, 4, 4, generator=torch.Generator().manual_seed(batch))


@pytest.mark.parametrize("objective", ["mean", "top", "peak"])
def test_every_image_is_asked_for_its_own_concept(usae: UniversalSAE, objective: str) -> None:
    maps, concepts = _maps(8), torch.tensor([7, 2, 7, 0])
    found = concept_activation(usae, "small", maps, concepts, objective)
    assert found.shape == (4,)
    for image, concept in enumerate(concepts.tolist()):
        weight, bias = usae.encoder("small")
        views = []
        for view in (2 * image, 2 * image + 1):
            tokens = usae.standardise("small", maps[view].flatten(1).T)
            row = tokens @ weight[concept] + bias[concept]
            kept = {"mean": 16, "top": 2, "peak": 1}[objective]
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


def test_objectives_over_tokens() -> None:
    activation = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))
    flat = activation.flatten(1)
    expected = {
        "mean": flat.mean(1),
        "peak": flat.amax(1),
        "top:0.25": flat.sort(descending=True).values[:, :4].mean(1),
        "softmax": (flat.softmax(1) * flat).sum(1),
        "softmax:0.5": ((flat / 0.5).softmax(1) * flat).sum(1),
        "position:2,3": activation[:, 2, 3],
    }
    for text, value in expected.items():
        torch.testing.assert_close(over_tokens(text)(activation), value)
    with pytest.raises(UsageError, match="rows 0 to 3"):
        over_tokens("position:4,0")(activation)


@pytest.mark.parametrize(
    "text", ["median", "top:0", "top:2", "top:x", "mean:1", "position", "position:1", "softmax:-1"]
)
def test_an_objective_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError, match="one of mean, top"):
        over_tokens(text)


def test_weights_as_a_person_writes_them() -> None:
    assert parse_weights("12:0.5, 30:-1,4") == {12: 0.5, 30: -1.0, 4: 1.0}
    for text in ("", "12:", "a:1", "12:0.5;4", "-3"):
        with pytest.raises(UsageError, match="CONCEPT:WEIGHT"):
            parse_weights(text)
