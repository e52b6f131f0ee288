from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.activations.conftest import Numbered, marked
from usae_viz.activations import ActivationStore, ActivationStream, extract
from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError
from usae_viz.recipe import Recipe
from usae_viz.run import Run

Make = Callable[..., ActivationStream]


@pytest.fixture
def make(recipe: Recipe, backbones: dict[str, Backbone], tmp_path: Path) -> Make:
    def build(count: int = 40, broken: tuple[int, ...] = ()) -> ActivationStream:
        return ActivationStream(recipe, backbones, Numbered(count, broken), tmp_path / "kept")

    return build


def taken(
    tokens: ActivationStream | ActivationStore, count: int, *, start: int = 0, seed: int = 3
) -> list[dict[str, Tensor]]:
    stream = tokens.token_batches(20, seed=seed, buffer_images=7, start=start)
    return list(islice(stream, count))


def test_a_stream_gives_the_batches_that_a_store_gives(
    make: Make, run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    store = extract(run, recipe, backbones, Numbered(40))
    assert store is not None
    for ours, theirs in zip(taken(make(), 60), taken(store, 60), strict=True):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_statistics_of_all_images_are_those_of_the_store(
    make: Make, run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    store = extract(run, recipe, backbones, Numbered(40))
    assert store is not None
    ours, theirs = make().statistics(), store.statistics()
    for name in ours:
        assert ours[name].tokens == theirs[name].tokens
        torch.testing.assert_close(ours[name].mean, theirs[name].mean, rtol=1e-6, atol=1e-6)
        assert ours[name].scale == pytest.approx(theirs[name].scale, rel=1e-6)


def test_statistics_are_computed_once_and_again_for_other_images(
    make: Make, backbones: dict[str, Backbone]
) -> None:
    first = make().statistics()
    before = backbones["a"].network.images  # type: ignore[union-attr]
    assert torch.equal(make().statistics()["a"].variance, first["a"].variance)
    assert backbones["a"].network.images == before  # type: ignore[union-attr]
    assert not torch.equal(make(30).statistics()["a"].mean, first["a"].mean)


@pytest.mark.parametrize("start", [1, 5, 23, 60])
def test_a_resumed_stream_goes_on_and_computes_no_more_than_a_buffer(
    make: Make, backbones: dict[str, Backbone], start: int
) -> None:
    whole = taken(make(), start + 4)[start:]
    before = backbones["a"].network.images  # type: ignore[union-attr]
    resumed = taken(make(), 4, start=start)
    assert backbones["a"].network.images - before <= 2 * 7  # type: ignore[union-attr, operator]
    for ours, theirs in zip(resumed, whole, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_unreadable_images_give_way_to_others_of_their_buffer(make: Make) -> None:
    broken = (3, 4, 17, 30)
    stream = make(broken=broken)
    batches = taken(stream, 60)
    seen = {int(v) for batch in batches for v in batch["a"][:, 0]}
    assert not seen & set(broken)
    assert len(seen) == len(stream.ids("train")) - sum(
        f"number {n}" in {stream._source.where(i) for i in stream.ids("train")} for n in broken
    )
    for batch in batches:
        # Channel 2 of b is the image's number, as channel 0 of a is.
        assert torch.equal(batch["a"][:, 0], batch["b"][:, 2])


def test_without_any_readable_image_the_stream_says_so(make: Make) -> None:
    with pytest.raises(StoreError, match="no image could be read"):
        taken(make(8, broken=tuple(range(8))), 1)


def test_a_sample_is_paired_and_no_token_comes_twice(make: Make) -> None:
    sample = make(broken=(2, 9)).sample(200, seed=1)
    assert len({tuple(row) for row in sample["a"].tolist()}) == 200
    assert torch.equal(sample["a"][:, 0], sample["b"][:, 2])


def test_values_that_the_type_cannot_hold_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    spec = recipe.activations.model_copy(update={"dtype": "float16"})
    backbones = {"a": marked("a", torch.eye(3)), "b": marked("b", torch.eye(3), 1e6)}
    stream = ActivationStream(
        recipe.model_copy(update={"activations": spec}), backbones, Numbered(20), tmp_path
    )
    with pytest.raises(StoreError, match="b has activations that float16 cannot hold"):
        taken(stream, 1)
