"""World images rendered once into memory-mapped files, and the splits."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from usae_viz.demo.world import CONCEPTS, World

SIZE, GRID = 96, 12
TRAIN, PROBE, TEST = 0, 10_000_000, 20_000_000
"""First index of each split; no split is ever longer than 10 million images."""

_CHUNK = 256
_Bytes = npt.NDArray[np.uint8]


class Store(NamedTuple):
    """The training split, as memory maps."""

    images: _Bytes  # [n, 3, SIZE, SIZE], sRGB 0..255
    labels: _Bytes  # [n, concepts], 0 or 1
    coverage: _Bytes  # [n, concepts, GRID, GRID], share of a cell that the concept covers, 0..64


def open_store(folder: Path, count: int, seed: int) -> Store:
    """The first ``count`` training images of world ``seed``, rendered if they are not there yet.

    Rendering that was interrupted goes on where it stopped.
    """
    folder = folder / f"images-{seed}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {
        "images": (count, 3, SIZE, SIZE),
        "labels": (count, len(CONCEPTS)),
        "coverage": (count, len(CONCEPTS), GRID, GRID),
    }
    progress = folder / "done.txt"
    done = int(progress.read_text()) if progress.exists() else 0
    mode = "r" if done == count else "r+" if done else "w+"
    maps = [
        np.lib.format.open_memmap(folder / f"{name}.npy", mode=mode, dtype=np.uint8, shape=shape)
        if mode == "w+"
        else np.load(folder / f"{name}.npy", mmap_mode=mode)
        for name, shape in shapes.items()
    ]
    store = Store(*maps)
    world = World(SIZE, seed)
    for start in range(done, count, _CHUNK):
        rows = slice(start, min(start + _CHUNK, count))
        batch = world.render(TRAIN + torch.arange(rows.start, rows.stop))
        assert batch.masks is not None
        store.images[rows] = (batch.images * 255).round().to(torch.uint8).numpy()
        store.labels[rows] = batch.labels.to(torch.uint8).numpy()
        cells = avg_pool2d(batch.masks.float(), SIZE // GRID) * 64
        store.coverage[rows] = cells.round().to(torch.uint8).numpy()
        progress.write_text(str(rows.stop))
    return store


def render(split: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images ``[count, 3, SIZE, SIZE]`` in [0, 1] and labels ``[count, concepts]`` of a split."""
    batch = World(SIZE, seed).render(split + torch.arange(count), masks=False)
    return batch.images, batch.labels
