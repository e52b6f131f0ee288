"""Extraction: every backbone reads the same canvas; shards are written one by one, resumably."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from usae_viz.activations.live import read_tokens, refuse_unstorable
from usae_viz.activations.manifest import (
    MANIFEST,
    STATISTICS,
    Manifest,
    ShardRecord,
    describe_preprocessing,
    differences,
    digest,
    planned_shards,
    read_manifest,
)
from usae_viz.activations.prefetch import prefetched
from usae_viz.activations.shard import (
    REMOVE,
    Shard,
    Split,
    describe_dtype,
    ids_sha256,
    write_error,
    write_shard,
)
from usae_viz.activations.statistics import Moments, write_moments
from usae_viz.activations.store import ActivationStore, verify_shards
from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError, WriteError
from usae_viz.images import ImageBatch, ImageSource, split_ids
from usae_viz.lock import write_errors
from usae_viz.recipe import Recipe
from usae_viz.run import Run, write_json

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""

Members = tuple[Split, tuple[str, ...]]


def extract(
    run: Run,
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    source: ImageSource,
    *,
    rank: int = 0,
    ranks: int = 1,
    verify: bool = True,
    progress: Progress | None = None,
) -> ActivationStore | None:
    """Write the token maps of every image and backbone into the run's store.

    A shard is a function of the recipe, the weights and its images alone, so ranks need not speak
    with one another: rank r writes shards r, r + ranks, …, each whole or not at all. A shard that
    is already there is kept, so a second call, with any number of ranks, fills the gaps. Whoever
    finds all shards there writes statistics and manifest, from the shards alone.

    Args:
        run: where to write.
        recipe: what to read, how.
        backbones: the recipe's, by name.
        source: the images.
        rank: which part of the shards to write, from 0.
        ranks: how many parts there are.
        verify: read the bytes of shards that are kept, not only their headers.
        progress: called as images are done.

    Returns:
        The finished store; None if other ranks are still to write theirs.

    Raises:
        StoreError: the folder holds shards that are damaged, or of another preprocessing; a value
            cannot be stored; the disk is full; no image was readable.
    """
    folder = run.activations_dir
    unusable = list(source.problems)
    preprocessing = describe_preprocessing(recipe, backbones)
    mark = digest(preprocessing)
    share = recipe.images.validation
    ids: dict[Split, list[str]] = {
        "train": split_ids(source, "train", share),
        "validation": split_ids(source, "validation", share),
    }
    plan = planned_shards(ids, recipe.activations.shard_images)
    mine = {file: plan[file] for file in list(plan)[rank::ranks]}
    _refuse_foreign(folder, preprocessing, plan)
    found = {file: Shard(folder / file) for file in mine if (folder / file).exists()}
    kept = {file: shard for file, shard in found.items() if _is_planned(shard, mine[file], mark)}
    if verify:
        verify_shards(list(kept.values()))
    missing = {file: members for file, members in mine.items() if file not in kept}
    if missing:
        # The manifest stands for a whole store, which this is not until the last shard is there.
        with write_errors(folder / MANIFEST):
            (folder / MANIFEST).unlink(missing_ok=True)
    total = sum(len(members) for _, members in mine.values())
    finished = total - sum(len(members) for _, members in missing.values())

    def tick(images: int) -> None:
        if progress:
            progress("extracting", finished + images, total)

    _write_missing(folder, recipe, backbones, source, missing, mark, tick)
    tick(total - finished)
    shards = {file: Shard(folder / file) for file in plan if (folder / file).exists()}
    if len(shards) < len(plan) or not all(
        _is_planned(shard, plan[file], mark) for file, shard in shards.items()
    ):
        return None
    _finish(folder, recipe, backbones, preprocessing, shards, unusable)
    return ActivationStore(folder)


def _refuse_foreign(
    folder: Path, preprocessing: Mapping[str, Any], plan: Mapping[str, Members]
) -> None:
    if (folder / MANIFEST).exists():
        before = read_manifest(folder / MANIFEST)
        if before.preprocessing != preprocessing:
            ours, theirs = differences(preprocessing, before.preprocessing)
            raise StoreError(
                f"{folder} was extracted under another preprocessing",
                expected=ours,
                got=theirs,
                hint="extract into another run, or remove the folder",
            )
    mark = digest(preprocessing)
    for path in sorted(folder.glob("shard-*.safetensors")):
        if path.name not in plan:
            raise StoreError(
                f"{path} belongs to no image of this recipe",
                expected=f"{len(plan)} shards",
                hint="if images were taken away from the source, remove it",
            )
        shard = Shard(path)
        if shard.note.preprocessing != mark:
            raise StoreError(
                f"{path} was extracted under another preprocessing",
                expected=f"sha256 {mark[:12]}",
                got=f"sha256 {shard.note.preprocessing[:12]}",
                hint=REMOVE,
            )


def _is_planned(shard: Shard, members: Members, mark: str) -> bool:
    split, planned = members
    note = shard.note
    return (note.split, note.planned, note.preprocessing) == (split, ids_sha256(planned), mark)


def _write_missing(
    folder: Path,
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    source: ImageSource,
    missing: Mapping[str, Members],
    mark: str,
    tick: Callable[[int], None],
) -> None:
    """Decode ahead, run the networks here, hash and write a shard while the next is computed."""
    done = 0
    writing: Future[None] | None = None
    current = _Filling(recipe, backbones)
    decoded = prefetched(_decoded(source, missing, recipe.activations.batch_images))
    with closing(decoded) as pieces, ThreadPoolExecutor(1) as writer:
        for file, batch, skipped in pieces:
            split, planned = missing[file]
            if batch is not None:
                current.add(batch, len(planned))
                done += len(batch.ids)
                tick(done)
                continue
            if writing is not None:
                writing.result()
            writing = writer.submit(
                write_shard,
                folder / file,
                preprocessing=mark,
                split=split,
                planned=planned,
                skipped=skipped,
                ids=current.ids,
                tokens=current.tokens(),
                moments=current.moments,
            )
            done += len(skipped)
            current = _Filling(recipe, backbones)
        if writing is not None:
            writing.result()


def _decoded(
    source: ImageSource, missing: Mapping[str, Members], size: int
) -> Generator[tuple[str, ImageBatch | None, list[tuple[str, str, str]]]]:
    """Yield the batches of each shard, and after them None and its images that were unreadable."""
    for file, (_, members) in missing.items():
        unread = set(members)
        # Not `images.batches`, whose reading ahead would end with every shard.
        for start in range(0, len(members), size):
            batch = source.read(members[start : start + size])
            if not batch.ids:
                continue
            unread.difference_update(batch.ids)
            yield file, batch, []
        reasons = {problem.where: problem.reason for problem in source.problems}
        places = [(image_id, source.where(image_id)) for image_id in members if image_id in unread]
        yield file, None, [(i, where, reasons.get(where, "unreadable")) for i, where in places]


class _Filling:
    """A shard that is being computed: its tokens in their final type, and their moments."""

    def __init__(self, recipe: Recipe, backbones: Mapping[str, Backbone]) -> None:
        self.ids: list[str] = []
        self.moments = {name: Moments(backbone.dim) for name, backbone in backbones.items()}
        self._backbones = backbones
        self._dtype = describe_dtype(recipe.activations.dtype)
        self._tokens = recipe.activations.grid**2
        self._space: dict[str, Tensor] = {}

    def add(self, batch: ImageBatch, planned: int) -> None:
        """Run the networks on a batch; `planned`: images that the shard may come to hold."""
        if not self._space:
            self._space = self._empty(planned)
        first, last = len(self.ids), len(self.ids) + len(batch.ids)
        for name, tokens in read_tokens(self._backbones, batch.images, self._dtype).items():
            self._space[name][first:last] = tokens
            self.moments[name].add(tokens.flatten(0, 1))
            if not self.moments[name].finite:
                refuse_unstorable(self._backbones[name], batch.images, self._dtype)
        self.ids += batch.ids

    def tokens(self) -> dict[str, Tensor]:
        """Return what is filled, ``[images, tokens, dim]`` per backbone."""
        space = self._space or self._empty(0)
        return {name: values[: len(self.ids)] for name, values in space.items()}

    def _empty(self, images: int) -> dict[str, Tensor]:
        return {
            name: torch.empty((images, self._tokens, backbone.dim), dtype=self._dtype)
            for name, backbone in self._backbones.items()
        }


def _finish(
    folder: Path,
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    preprocessing: dict[str, Any],
    shards: Mapping[str, Shard],
    unusable: list[Any],
) -> None:
    """Write statistics, then the manifest; both depend on the shards alone, not on who wrote."""
    problems = [(str(where), str(reason)) for where, reason in unusable]
    for shard in shards.values():
        problems += [(where, reason) for _, where, reason in shard.note.skipped]
    if not any(shard.images for shard in shards.values()):
        raise StoreError(
            "no image could be read",
            got="; ".join(f"{where}: {why}" for where, why in problems[:3]),
        )
    moments = {name: Moments(backbone.dim) for name, backbone in backbones.items()}
    for shard in shards.values():
        if shard.note.split == "train":
            for name, total in moments.items():
                total.merge(shard.moments(name))
    images = ids_sha256([image_id for shard in shards.values() for image_id in shard.ids()])
    try:
        manifest = Manifest(
            preprocessing=preprocessing,
            images=images,
            grid=recipe.activations.grid,
            dtype=recipe.activations.dtype,
            dims={name: backbone.dim for name, backbone in backbones.items()},
            shards=[
                ShardRecord(
                    file=file, split=shard.note.split, images=shard.images, header=shard.header
                )
                for file, shard in shards.items()
            ],
            statistics=write_moments(folder / STATISTICS, moments, images),
            problems=problems,
        )
        write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    except WriteError as error:
        raise write_error(error, 1_000_000) from error
