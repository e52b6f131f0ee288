from __future__ import annotations

import pytest
import torch

from tests.attribution.conftest import make_backbone
from usae_viz.attribution import concept_maps
from usae_viz.errors import ConceptError, UsageError


def test_maps_are_the_encoder_token_by_token(usae, backbone, images):
    concepts = [7, 0, 3]
    maps = concept_maps(usae, backbone, images, concepts)
    assert maps.gated.shape == maps.pre_gate.shape == (5, 3, 4, 4)
    tokens = backbone(images)
    for image, row, column in [(0, 0, 0), (4, 3, 1), (2, 1, 3)]:
        token = tokens[image, :, row, column][None]
        torch.testing.assert_close(
            maps.pre_gate[image, :, row, column], usae.pre_gate("toy", token)[0, concepts]
        )
        code = usae.encode("toy", token)
        dense = torch.zeros(usae.concepts).scatter(0, code.indices[0], code.values[0])
        torch.testing.assert_close(maps.gated[image, :, row, column], dense[concepts])


def test_the_gate_takes_concepts_away(usae, backbone, images):
    maps = concept_maps(usae, backbone, images, range(12))
    kept = (maps.gated > 0).sum(1)
    assert kept.max() <= usae.k
    assert (maps.pre_gate > 0).sum() > (maps.gated > 0).sum() > 0


def test_batching_changes_nothing(usae, backbone, images):
    whole = concept_maps(usae, backbone, images, [3, 5])
    for size in (1, 2):
        parts = concept_maps(usae, backbone, images, [3, 5], batch_size=size)
        torch.testing.assert_close(parts.gated, whole.gated)
        torch.testing.assert_close(parts.pre_gate, whole.pre_gate)


def test_a_flipped_image_has_a_flipped_map(usae, images):
    backbone = make_backbone(symmetric=True)
    straight = concept_maps(usae, backbone, images, [1, 2]).pre_gate
    flipped = concept_maps(usae, backbone, images.flip(-1), [1, 2]).pre_gate
    torch.testing.assert_close(flipped, straight.flip(-1))
    assert not torch.allclose(flipped, straight)


def test_maps_carry_no_gradient(usae, backbone, images):
    maps = concept_maps(usae, backbone, images.requires_grad_(), [1])
    assert not maps.gated.requires_grad
    assert not maps.pre_gate.requires_grad


@pytest.mark.parametrize(("concepts", "got"), [([3, 12, -1], "12, -1"), ([], "none")])
def test_concepts_outside_the_code_are_named(usae, backbone, images, concepts, got):
    with pytest.raises(ConceptError) as caught:
        concept_maps(usae, backbone, images, concepts)
    assert caught.value.expected == "indices from 0 to 11"
    assert caught.value.got == got


def test_no_image_is_an_error(usae, backbone, images):
    with pytest.raises(UsageError, match="nothing to map"):
        concept_maps(usae, backbone, images[:0], [1])
