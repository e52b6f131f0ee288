from __future__ import annotations

import pytest
import torch

from usae_viz.demo.source import WorldSource
from usae_viz.demo.world import CONCEPTS, World
from usae_viz.errors import ImageSourceError
from usae_viz.images import ImageSource, open_source, split_ids
from usae_viz.recipe import ImagesSpec


def spec(source: str = "world:images=30,first=5", **fields: object) -> ImagesSpec:
    return ImagesSpec.model_validate({"source": source, "canvas": 48, **fields})


def test_it_opens_by_name_and_is_an_image_source() -> None:
    source = open_source(spec())
    assert isinstance(source, WorldSource)
    assert isinstance(source, ImageSource)
    assert len(source.ids) == 30
    assert source.label_names == CONCEPTS


def test_an_id_is_the_same_picture_whatever_else_is_asked_for() -> None:
    source = open_source(spec())
    ids = list(source.ids[:6])
    together = source.read(ids)
    for number, image_id in enumerate(ids):
        alone = source.read([image_id])
        assert torch.equal(alone.images[0], together.images[number])
    assert together.labels is not None
    assert torch.equal(source.labels(ids), together.labels)
    index = int(source.where(ids[0]).rsplit(" ", 1)[1])
    rendered = World(size=48, seed=0).render([index], masks=True)
    assert torch.equal(rendered.labels[0], together.labels[0])
    expected = (rendered.images[0] * 255).round().to(torch.uint8)
    assert torch.equal(expected, together.images[0])


def test_masks_belong_to_labels() -> None:
    source = WorldSource("images=12", spec())
    ids = list(source.ids)
    masks = source.masks(ids)
    labels = source.read(ids).labels
    assert labels is not None
    assert masks.shape == (12, len(CONCEPTS), 48, 48)
    assert not masks.flatten(2).any(2)[~labels].any()


def test_the_split_does_not_move_when_images_are_added() -> None:
    few = set(split_ids(open_source(spec("world:images=50")), "validation", 0.3))
    many = set(split_ids(open_source(spec("world:images=80")), "validation", 0.3))
    assert few
    assert few <= many


@pytest.mark.parametrize("source", ["world:image=3", "world:images=many", "world:images=0"])
def test_settings_that_cannot_be_read(source: str) -> None:
    with pytest.raises(ImageSourceError, match="expected"):
        open_source(spec(source))
