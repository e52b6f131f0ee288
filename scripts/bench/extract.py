"""Extraction, decoding and writing included, against the bare forward passes of all backbones.

With USAE_VIZ_REAL_DATA the networks of ``recipes/imagenet-tiny-trio.toml`` read its photographs;
without it the bundled networks read the built-in world.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from disk import folder_on_disk
from timing import Row, compare

from usae_viz.activations import extract
from usae_viz.images import open_source
from usae_viz.recipe import Recipe, load_recipe
from usae_viz.run import Run
from usae_viz.workflow.backbones import describe_run, load_backbones

RECIPES = Path(__file__).parents[2] / "recipes"


def chosen_recipe(images: int) -> tuple[Recipe, str]:
    """Return a recipe of so many images, and what to call it."""
    sets = [f"images.limit={images}", f"activations.shard_images={images // 2}"]
    real = os.environ.get("USAE_VIZ_REAL_DATA")
    if not real:
        return load_recipe(RECIPES / "world.toml", sets), "the bundled networks"
    sets += [f"images.source=folder:{real}/images", f"weights_dir={real}/weights"]
    return load_recipe(RECIPES / "imagenet-tiny-trio.toml", sets), "the real trio"


def rows(quick: bool) -> list[Row]:
    """Time the extraction of some photographs and the networks alone on the same ones."""
    images = 96 if quick else 256
    recipe, name = chosen_recipe(images)
    source = open_source(recipe.images)
    backbones = load_backbones(recipe)
    size = recipe.activations.batch_images
    with torch.no_grad():
        decoded = source.read(list(source.ids)).images.float() / 255
        prepared = {
            name: backbone.preprocess(decoded).split(size) for name, backbone in backbones.items()
        }

    @torch.no_grad()
    def bare() -> None:
        for key, backbone in backbones.items():
            for batch in prepared[key]:
                backbone.read(batch)

    with folder_on_disk() as folder:
        made = Path(folder) / "run"

        def ours() -> None:
            shutil.rmtree(made, ignore_errors=True)
            run = Run.create(made, recipe, describe_run(recipe, backbones, source))
            assert extract(run, recipe, backbones, source) is not None

        work = f"extraction of {images} images, {name}"
        return [compare(work, ours, "bare-forward", bare, rounds=3)]
