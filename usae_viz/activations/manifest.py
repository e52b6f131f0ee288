"""The manifest of a finished store, and what decides the value of its tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from usae_viz.activations.shard import FORMAT, Split
from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError
from usae_viz.recipe import Recipe
from usae_viz.run import read_json

MANIFEST = "manifest.json"
STATISTICS = "statistics.safetensors"

# Keys that say which images there are, or where, and nothing of what a token of one of them is.
ELSEWHERE = {"source", "limit", "labels", "masks"}


class ShardRecord(BaseModel):
    """One shard of a store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    split: Split
    images: int
    header: str
    """sha256 of the shard's header, which holds the hashes of its tensors."""


class Manifest(BaseModel):
    """The content of ``manifest.json``; it is written when all shards are there."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    preprocessing: dict[str, Any]
    """All that decides a token's value: canvas and crop, grid and dtype, and of every backbone its
    model, layer, input and the sha256 of its weights."""
    images: str
    """sha256 of the ids of all images, in stored order."""
    grid: int
    dtype: str
    dims: dict[str, int]
    shards: list[ShardRecord]
    statistics: str
    """sha256 of ``statistics.safetensors``."""
    problems: list[tuple[str, str]] = []
    """Images left out: where, and why."""


def read_manifest(path: Path) -> Manifest:
    """Read a store's manifest.

    Raises:
        StoreError: it is not one, or of another format.
    """
    table = read_json(path)
    if isinstance(table, dict) and table.get("format") != FORMAT:
        raise StoreError(
            f"{path} has another format",
            expected=str(FORMAT),
            got=str(table.get("format")),
            hint=f"remove {path.parent} and extract again",
        )
    try:
        return Manifest.model_validate(table)
    except ValidationError as error:
        raise StoreError(f"{path} is no manifest of a store", got=str(error)) from None


def describe_preprocessing(recipe: Recipe, backbones: Mapping[str, Backbone]) -> dict[str, Any]:
    """Return all that decides a token's value, in words that JSON holds."""
    return {
        "images": recipe.images.model_dump(mode="json", exclude=ELSEWHERE, exclude_none=True),
        "activations": recipe.activations.model_dump(mode="json", include={"grid", "dtype"}),
        "backbones": {
            spec.name: {
                **spec.model_dump(
                    mode="json", exclude={"name", "weights", "weights_layout"}, exclude_none=True
                ),
                "weights_sha256": backbones[spec.name].weights_sha256,
                "input_size": backbones[spec.name].input_size,
                "mean": backbones[spec.name].mean.flatten().tolist(),
                "std": backbones[spec.name].std.flatten().tolist(),
            }
            for spec in recipe.backbones
        },
    }


def digest(table: Mapping[str, Any]) -> str:
    """Return the sha256 of a table, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[str, str]:
    """Return the entries in which two tables differ: as ours has them, as theirs has them."""
    mine, other = dict(_flat(ours)), dict(_flat(theirs))
    keys = sorted(
        key for key in mine.keys() | other.keys() if mine.get(key, ...) != other.get(key, ...)
    )
    return tuple(  # type: ignore[return-value]
        ", ".join(f"{key} = {str(table.get(key, 'absent'))[:40]}" for key in keys[:6])
        for table in (mine, other)
    )


def planned_shards(
    ids: Mapping[Split, Sequence[str]], size: int
) -> dict[str, tuple[Split, tuple[str, ...]]]:
    """Return the images of each shard by its file: `size` at a time, training before validation."""
    pieces = [
        (split, tuple(members[start : start + size]))
        for split, members in ids.items()
        for start in range(0, len(members), size)
    ]
    return {f"shard-{number:05d}.safetensors": piece for number, piece in enumerate(pieces)}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
