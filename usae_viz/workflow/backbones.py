"""Backbones of a recipe on a device, and their tokens from the store or live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.activations.live import live_tokens
from usae_viz.backbones.device import open_device
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource, source_sha256, split_ids
from usae_viz.recipe import Recipe
from usae_viz.run import FORMAT, BackboneRecord, ImagesRecord, Run, RunInfo

if TYPE_CHECKING:
    from usae_viz.backbones import Backbone


def load_backbones(recipe: Recipe, device: str = "cpu") -> dict[str, Backbone]:
    """Load the backbones of a recipe onto a device."""
    # Here, not above: timm takes as long to import as torch, and reading a store needs no network.
    from usae_viz.backbones import load_backbone

    place = open_device(device)
    return {
        spec.name: load_backbone(
            spec, grid=recipe.activations.grid, weights_dir=recipe.weights_dir
        ).to(place)
        for spec in recipe.backbones
    }


def describe_run(recipe: Recipe, backbones: Mapping[str, Backbone], source: ImageSource) -> RunInfo:
    """Return the content of ``run.json`` for a run of `recipe` on these backbones and images."""
    return RunInfo(
        format=FORMAT,
        name=recipe.name,
        recipe_sha256=recipe.digest(),
        backbones=tuple(
            BackboneRecord(
                spec=spec,
                weights_sha256=backbones[spec.name].weights_sha256,
                dim=backbones[spec.name].dim,
                grid=backbones[spec.name].grid,
                input_size=backbones[spec.name].input_size,
                sees_colour=backbones[spec.name].sees_colour,
                native_grid=backbones[spec.name].native_grid,
            )
            for spec in recipe.backbones
        ),
        images=ImagesRecord(count=len(source.ids), sha256=source_sha256(source)),
        created_by=f"usae-viz {version('usae-viz')}",
    )


def token_images(
    run: Run,
    recipe: Recipe,
    source: ImageSource,
    split: Literal["all", "validation"],
    device: str,
    *,
    rank: int = 0,
    ranks: int = 1,
) -> tuple[Iterator[tuple[list[str], dict[str, Tensor]]], int]:
    """Return ids and tokens by images: from the store, or from the networks where there is none.

    Of many `ranks`, one gets its share; their number is that of all images, divided by `ranks`.
    """
    size = recipe.activations.batch_images
    if (run.activations_dir / "manifest.json").exists():
        store = ActivationStore(run.activations_dir)
        if set(store.names) != set(run.names):
            raise StoreError(
                f"{run.activations_dir} is of other backbones than the run",
                expected=", ".join(run.names),
                got=", ".join(store.names),
                hint="remove it and extract again",
            )
        splits: tuple[Literal["train", "validation"], ...] = ("validation",)
        if split == "all":
            splits = ("train", "validation")
        batches = (
            batch for s in splits for batch in store.image_batches(s, size, rank=rank, ranks=ranks)
        )
        return batches, sum(len(store.ids(s)) for s in splits) // ranks
    from usae_viz.backbones import load_run_backbones

    backbones = {name: b.to(open_device(device)) for name, b in load_run_backbones(run).items()}
    ids = split_ids(source, split, recipe.images.validation)[rank::ranks]
    return live_tokens(backbones, source, ids, size), len(ids)
