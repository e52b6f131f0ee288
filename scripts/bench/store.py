"""Reading a store: shuffled batches against one compressed npz an image, and a sequential read.

In the cold rows the operating system is told to forget the files before every round, so that all
sides read from the disk, as they would from a store larger than memory. The warm row is of files
that the system still holds.
"""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from disk import folder_on_disk
from timing import Row, row_of, seconds

from usae_viz.activations import ActivationStore
from usae_viz.activations.manifest import Manifest, ShardRecord, digest
from usae_viz.activations.shard import Shard, write_shard
from usae_viz.activations.statistics import Moments, write_moments

DIMS = {"deit_tiny": 192, "vit_tiny": 192, "mobilenetv2": 96}
"""Those of the trio of ``recipes/imagenet-tiny-trio.toml``."""
GRID = 14
TOKENS = GRID * GRID
SHARD_IMAGES = 512
BATCH_TOKENS = 32 * TOKENS
"""A batch of the official code: 32 images."""


def _tokens(images: int, dim: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((images, TOKENS, dim), generator=generator)


def make_store(folder: Path, images: int) -> None:
    """Write a store of random tokens: reading speed does not depend on what they are."""
    preprocessing = {"images": {"canvas": 224}}
    moments = {name: Moments(dim) for name, dim in DIMS.items()}
    one = {name: _tokens(SHARD_IMAGES, dim, 0).half() for name, dim in DIMS.items()}
    for name, total in moments.items():
        total.add(one[name].flatten(0, 1))
    records = []
    for number, first in enumerate(range(0, images, SHARD_IMAGES)):
        ids = [f"{n:064x}" for n in range(first, first + SHARD_IMAGES)]
        path = folder / f"shard-{number:05d}.safetensors"
        write_shard(
            path,
            preprocessing=digest(preprocessing),
            split="train",
            planned=ids,
            skipped=(),
            ids=ids,
            tokens=one,
            moments=moments,
        )
        records.append(
            ShardRecord(
                file=path.name, split="train", images=SHARD_IMAGES, header=Shard(path).header
            )
        )
    manifest = Manifest(
        preprocessing=preprocessing,
        images="",
        grid=GRID,
        dtype="float16",
        dims=DIMS,
        shards=records,
        statistics=write_moments(folder / "statistics.safetensors", moments, ""),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())


def make_npz(folder: Path, images: int) -> None:
    """Write the official layout: a compressed npz of float32 an image."""
    folder.mkdir()
    parts = {name: _tokens(images, dim, 1).numpy() for name, dim in DIMS.items()}
    for number in range(images):
        np.savez_compressed(
            folder / f"{number:05d}.npz", **{name: part[number] for name, part in parts.items()}
        )
        with (folder / f"{number:05d}.npz").open("rb") as file:
            os.fsync(file.fileno())


def forget(folder: Path) -> None:
    """Have the operating system drop the files of a folder from its page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def shuffled(folder: Path, batches: int, buffer_images: int) -> None:
    """Take shuffled batches from the store, in the type that is stored, as `sequential` reads."""
    store = ActivationStore(folder)
    stream = store.token_batches(BATCH_TOKENS, seed=0, buffer_images=buffer_images)
    for batch in islice(stream, batches):
        assert len(batch) == len(DIMS)
    stream.close()  # type: ignore[attr-defined]


def official(folder: Path) -> None:
    """Read npz files in random order, 32 images a batch."""
    paths = sorted(folder.iterdir())
    order = np.random.default_rng(0).permutation(len(paths))
    for first in range(0, len(order) - 31, 32):
        images = [np.load(paths[i]) for i in order[first : first + 32]]
        for name in DIMS:
            torch.from_numpy(np.concatenate([image[name] for image in images]))


def sequential(folder: Path) -> None:
    """Read every tensor of tokens through `numpy.memmap`, from first to last byte."""
    for path in sorted(folder.glob("shard-*")):
        shard = Shard(path)
        for name in DIMS:
            tokens = shard.tokens(name).view(torch.int16).numpy()
            for first in range(0, len(tokens), 32):
                np.array(tokens[first : first + 32])


def rows(quick: bool) -> list[Row]:
    """Time an epoch of shuffled batches against both."""
    if not hasattr(os, "posix_fadvise"):
        print("the system cannot forget files: left out", file=sys.stderr)
        return []
    images, samples, rounds = (5 * 512, 64, 3) if quick else (24 * 512, 320, 7)
    with folder_on_disk() as root:
        store, npz = Path(root) / "store", Path(root) / "npz"
        make_store(store, images)
        make_npz(npz, samples)
        batches = images // 32 - 8
        scale = samples / (batches * 32)
        table: list[Row] = []
        for state, peers in (("cold", ("npz", "memmap")), ("warm", ("npz",))):
            times: dict[str, list[float]] = {name: [] for name in ("ours", "npz", "memmap")}
            for _ in range(rounds):
                for name, folder, work in (
                    ("ours", store, lambda: shuffled(store, batches, 512 if quick else 1024)),
                    ("npz", npz, lambda: official(npz)),
                    ("memmap", store, lambda: sequential(store)),
                ):
                    if state == "cold":
                        forget(folder)
                    if name == "ours" or name in peers:
                        times[name].append(seconds(work))
            scales = {"npz": scale, "memmap": images / (batches * 32)}
            table += [
                row_of(
                    f"an epoch of shuffled batches, {images} images, {state}",
                    peer,
                    times["ours"],
                    times[peer],
                    scales[peer],
                )
                for peer in peers
            ]
    return table
