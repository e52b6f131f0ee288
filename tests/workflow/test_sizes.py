"""Bytes that follow from a recipe are those that a run then has."""

from __future__ import annotations

from pathlib import Path

import pytest

from usae_viz.activations import ActivationStore
from usae_viz.recipe import parse_recipe
from usae_viz.run import Run
from usae_viz.sae import load_usae
from usae_viz.sae.training import train_usae
from usae_viz.workflow.sizes import disk, image_bytes, memory, parameters

DIMS = {"first": 16, "second": 24}


def test_bytes_on_disk_are_those_of_the_files(trained: Run) -> None:
    recipe = trained.recipe()
    store = ActivationStore(trained.activations_dir)
    images = (len(store.ids("train")), len(store.ids("validation")))
    said = disk(recipe, DIMS, images)
    shards = sum(path.stat().st_size for path in trained.activations_dir.glob("shard-*"))
    # The headers are nearly all of so small a store.
    assert said["activations"] == pytest.approx(shards, rel=0.1)
    usae = load_usae(trained)
    assert parameters(recipe, DIMS) == sum(p.numel() for p in usae.parameters())
    assert said["usae"] == pytest.approx(trained.usae_file.stat().st_size, rel=0.2)


@pytest.mark.parametrize("variant", ["archetypal", "jumprelu"])
def test_a_variants_own_numbers_are_counted(trained: Run, tmp_path: Path, variant: str) -> None:
    table = trained.recipe().model_dump(exclude_none=True)
    table["usae"] |= {"variant": variant, "concepts": 200}
    if variant == "archetypal":
        table["usae"] |= {"archetypes": 200, "relaxation": 0.1}
    table["training"] |= {"checkpoint_every": 30, "steps": 40}
    recipe, store = parse_recipe(table), ActivationStore(trained.activations_dir)
    run = Run.create(tmp_path / "run", recipe, trained.info)

    def stop(_: object) -> None:
        if run.training_state.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_usae(run, recipe, store, watch=stop)
    said = disk(recipe, DIMS, (0, 0))["checkpoint"]
    assert said == pytest.approx(run.training_state.stat().st_size, rel=0.15)


def test_memory_grows_with_what_the_recipe_asks_for(trained: Run) -> None:
    recipe = trained.recipe()
    images = (100_000, 1000)

    def peak(**changes: object) -> int:
        table = recipe.model_dump(exclude_none=True)
        table["training"] |= changes
        return memory(parse_recipe(table), DIMS, images)["together"]

    plain = peak()
    more = 3 * 1024 * image_bytes(recipe, DIMS)
    # Buffers are cut alike, so they are a little smaller than the largest they may be.
    assert peak(buffer_images=2048) - plain == pytest.approx(more, rel=0.01)
    assert peak(average=0.99) - plain >= 4 * parameters(recipe, DIMS)
    assert peak(patience=3) > plain
    assert peak(validate_every=0) <= plain
