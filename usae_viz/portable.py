"""What of a run may leave the machine: which files, and a recipe that names no place on a disk."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from usae_viz.errors import HubError
from usae_viz.recipe import SOURCE_PATH, BackboneSpec, Recipe

REQUIRED = ("run.json", "recipe.toml", "usae.json", "usae.safetensors")
"""Files without which there is no trained run."""
SHARED = (
    *REQUIRED,
    "names.toml",
    "training.jsonl",
    "evaluation.json",
    "evaluation/*.svg",
    "concepts/index.safetensors",
    "concepts/examples.json",
    "concepts/examples.safetensors",
    "concepts/dissection.json",
)
"""Files that a run is given away with; patterns of `fnmatch`."""
EXTRAS = {
    "thumbnails": "concepts/thumbs/*.webp",
    "pictures": "maximized/*",
    "activations": "activations/*.*",
}
"""What comes along only when it is asked for. Thumbnails are small copies of the images."""


def is_shared(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a file, by its path below the run with ``/``, is one of `patterns`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def places(recipe: Recipe) -> list[str]:
    """Return every place on a disk that the recipe names, as ``key = value``."""
    found = []
    source = SOURCE_PATH.fullmatch(recipe.images.source)
    if source and source["path"]:
        found.append(f"images.source = {recipe.images.source}")
    if recipe.images.masks:
        found.append(f"images.masks = {recipe.images.masks}")
    if recipe.weights_dir:
        found.append(f"weights_dir = {recipe.weights_dir}")
    for spec in recipe.backbones:
        if _is_path(spec.weights):
            found.append(f"backbones.{spec.name}.weights = {spec.weights}")
        if spec.model.partition(":")[2].startswith("local-dir:"):
            found.append(f"backbones.{spec.name}.model = {spec.model}")
    return found


def refuse_places(what: str, recipe: Recipe) -> None:
    """Check that a recipe from elsewhere makes nothing on this machine be read.

    Args:
        what: whose recipe it is, for the error.
        recipe: as it was read; relative paths are anchored already.

    Raises:
        HubError: it names a place on a disk.
    """
    found = places(recipe)
    if found:
        raise HubError(
            f"the recipe of {what} names places on a disk, which would be read here",
            expected="images and weights that are found by name",
            got="; ".join(found)[:300],
            hint="whoever shared it: `usae-viz push` leaves such places out",
        )


def without_places(recipe: Recipe) -> Recipe:
    """Return the recipe without the places on a disk that can be named anew elsewhere.

    Images become ``KIND:``, weights the bare name of their file, which is looked for in
    `weights_dir`. A model that is itself a folder (``timm:local-dir:…``) stays.
    """
    images = recipe.images
    source = SOURCE_PATH.fullmatch(images.source)
    text = source["before"] + source["after"] if source else images.source
    return recipe.model_copy(
        update={
            "weights_dir": None,
            "images": images.model_copy(update={"source": text, "masks": None}),
            "backbones": tuple(_by_name(spec) for spec in recipe.backbones),
        }
    )


def has_own_images(recipe: Recipe) -> bool:
    """Return whether the recipe's images can be had again from the recipe alone."""
    return recipe.images.source.startswith("world:")


def _by_name(spec: BackboneSpec) -> BackboneSpec:
    if not _is_path(spec.weights):
        return spec
    return spec.model_copy(update={"weights": Path(str(spec.weights)).name})


def _is_path(weights: str | None) -> bool:
    return weights is not None and "/" in weights and not weights.startswith("package:")
