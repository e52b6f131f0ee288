"""Extraction: every backbone reads the same canvas; shards are written one by one, resumably."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping

import torch
from safetensors.torch import save
from torch import Tensor

from usae_viz.activations.live import live_tokens
from usae_viz.activations.store import (
    ActivationStore,
    Manifest,
    ShardRecord,
    Split,
    planned_shards,
    read_manifest,
    token_sums,
)
from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource, split_ids
from usae_viz.recipe import Recipe
from usae_viz.run import Run, write_bytes, write_json

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""


def extract(
    run: Run,
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    source: ImageSource,
    *,
    progress: Progress | None = None,
) -> ActivationStore:
    """Write the token maps of every image and backbone into the run's store.

    A shard that is already there is kept, so a second call fills the gaps. The manifest never
    lists a shard that is to be written again.

    Returns:
        The finished store.

    Raises:
        StoreError: the folder holds shards of another preprocessing, or no image was readable.
    """
    manifest_file = run.activations_dir / "manifest.json"
    manifest = Manifest(
        preprocessing=_preprocessing(recipe, backbones),
        grid=recipe.activations.grid,
        dims={name: backbone.dim for name, backbone in backbones.items()},
    )
    before: list[ShardRecord] = []
    if manifest_file.exists():
        found = read_manifest(manifest_file)
        if found.preprocessing != manifest.preprocessing:
            raise StoreError(
                f"{run.activations_dir} was extracted under another preprocessing",
                expected=f"sha256 {manifest.preprocessing[:12]}",
                got=f"sha256 {found.preprocessing[:12]}",
                hint="extract into another run, or remove the folder",
            )
        before, manifest.problems = found.shards, found.problems
    share = recipe.images.validation
    ids: dict[Split, list[str]] = {
        "train": split_ids(source, "train", share),
        "validation": split_ids(source, "validation", share),
    }
    pieces = planned_shards(ids, recipe.activations.shard_images)
    plan = {f"shard-{number:05d}.safetensors": piece for number, piece in enumerate(pieces)}
    done = {
        shard.file: shard
        for shard in before
        if plan.get(shard.file) == (shard.split, shard.planned)
        and (run.activations_dir / shard.file).exists()
    }
    total = sum(len(members) for _, members in pieces)
    finished = sum(len(shard.planned) for shard in done.values())

    def tick(images: int) -> None:
        if progress:
            progress("extracting", finished + images, total)

    def write_manifest() -> None:
        known = set(manifest.problems)
        manifest.problems += [
            (where, reason) for where, reason in source.problems if (where, reason) not in known
        ]
        manifest.shards = [done[file] for file in plan if file in done]
        write_json(manifest_file, manifest.model_dump(mode="json"))

    write_manifest()
    for file, (split, members) in plan.items():
        if file not in done:
            done[file] = _shard(run, recipe, backbones, source, split, members, file, tick)
            write_manifest()
            finished += len(members)
    tick(0)
    if not any(shard.ids for shard in manifest.shards):
        raise StoreError(
            "no image could be read",
            got="; ".join(f"{where}: {why}" for where, why in manifest.problems[:3]),
        )
    return ActivationStore(run.activations_dir)


def _shard(
    run: Run,
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    source: ImageSource,
    split: Split,
    members: tuple[str, ...],
    file: str,
    tick: Callable[[int], None],
) -> ShardRecord:
    dtype = torch.float16 if recipe.activations.dtype == "float16" else torch.float32
    parts: dict[str, list[Tensor]] = {name: [] for name in backbones}
    ids: list[str] = []
    for batch_ids, rows in live_tokens(backbones, source, members, recipe.activations.batch_images):
        for name, tokens in rows.items():
            peak = float(tokens.abs().max())
            if not math.isfinite(peak):
                raise StoreError(
                    f"{name} has activations that are not finite",
                    got=str(peak),
                    hint="check its weights and its preprocessing",
                )
            if dtype == torch.float16 and peak > torch.finfo(dtype).max:
                raise StoreError(
                    f"{name} has activations that float16 cannot hold",
                    expected=f"at most {torch.finfo(dtype).max:.0f}",
                    got=f"{peak:.0f}",
                    hint='set activations.dtype = "float32"',
                )
            parts[name].append(tokens.to(dtype))
        ids += batch_ids
        tick(len(ids))
    tensors: dict[str, Tensor] = {}
    for name, backbone in backbones.items():
        shape = (0, recipe.activations.grid**2, backbone.dim)
        stacked = torch.cat(parts[name]) if parts[name] else torch.empty(shape, dtype=dtype)
        tensors[name] = stacked.contiguous()
        sums = token_sums(stacked.flatten(0, 1))
        tensors[f"{name}/sum"], tensors[f"{name}/square"] = sums
    write_bytes(run.activations_dir / file, save(tensors))
    return ShardRecord(file=file, split=split, planned=members, ids=tuple(ids))


def _preprocessing(recipe: Recipe, backbones: Mapping[str, Backbone]) -> str:
    decides = {
        "images": recipe.images.model_dump(include={"canvas", "crop", "crop_pct", "validation"}),
        "activations": recipe.activations.model_dump(include={"grid", "dtype"}),
        "backbones": {
            spec.name: [
                backbones[spec.name].weights_sha256,
                spec.kwargs,
                str(spec.layer),
                spec.final_norm,
                backbones[spec.name].input_size,
                backbones[spec.name].mean.flatten().tolist(),
                backbones[spec.name].std.flatten().tolist(),
            ]
            for spec in recipe.backbones
        },
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
