"""Images of many shards under one numbering, read in any order."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.activations.shard import Shard

# Reads that wait for the disk together: one at a time leaves it idle in between.
READERS = 4


class Rows:
    """The images of some shards, numbered through.

    Args:
        shards: at least one image each.
        names: of the backbones.

    Attributes:
        images: how many there are.
        tokens: how many an image has.
    """

    def __init__(self, shards: Sequence[Shard], names: Sequence[str]) -> None:
        self._shards, self._names = shards, names
        self._ends = np.cumsum([shard.images for shard in shards], dtype=np.int64)
        self.images = int(self._ends[-1]) if shards else 0
        self.tokens = (shards[0].shape(names[0]) or [0, 0])[1] if shards else 0
        # New memory costs as much as a read, so what was lent and given back is lent again.
        self._spare: dict[str, deque[NDArray[np.void]]] = {name: deque() for name in names}

    def read(
        self, images: NDArray[np.int64], places: NDArray[np.int64] | None = None
    ) -> dict[str, Tensor]:
        """Return tokens ``[images * tokens, dim]`` per backbone, as they are stored.

        Their memory is used again for a later read as soon as nobody holds a view of them.

        Args:
            images: numbers, ascending; neighbours are read at once.
            places: ``[images, tokens]``, the row that each token is to have, each once; by default
                tokens keep their order.
        """
        order = np.arange(len(images) * self.tokens) if places is None else places.reshape(-1)
        space = {name: self._lend(name, len(order)) for name in self._names}
        shard = np.searchsorted(self._ends, images, side="right")
        cuts = np.flatnonzero((np.diff(images) != 1) | (np.diff(shard) != 0)) + 1
        edges = [0, *cuts.tolist(), len(images)]
        runs = [(name, first, last) for first, last in pairwise(edges) for name in self._names]
        ready = threading.local()

        def place(first: int) -> tuple[Shard, int]:
            number = int(shard[first])
            source = self._shards[number]
            return source, int(images[first]) - (int(self._ends[number]) - source.images)

        # The system fetches what is announced, in its own order, while rows are copied here.
        for name, first, last in runs:
            source, row = place(first)
            source.announce(name, row, last - first)

        def copy(run: tuple[str, int, int]) -> None:
            name, first, last = run
            source, row = place(first)
            into = space[name][1]
            # Each thread reads into memory that stays in its cache, and puts rows from there.
            size = (last - first) * self.tokens * into.dtype.itemsize
            if len(getattr(ready, "bytes", ())) < size:
                ready.bytes = np.empty(size, np.uint8)
            rows = ready.bytes[:size].view(into.dtype)
            source.read_into(name, row, rows)
            into[order[first * self.tokens : last * self.tokens]] = rows

        with ThreadPoolExecutor(READERS) as pool:
            for _ in pool.map(copy, runs):
                pass
        return {name: tokens for name, (tokens, _) in space.items()}

    def _lend(self, name: str, rows: int) -> tuple[Tensor, NDArray[np.void]]:
        """Return memory as ``[rows, dim]``, and as ``[rows]`` of a type as wide as a row."""
        dtype = self._shards[0].dtype(name)
        width = dtype.itemsize * (self._shards[0].shape(name) or [0])[-1]
        spare = self._spare[name]
        whole = spare.pop() if spare else np.empty(0, f"V{width}")
        if len(whole) < rows:
            whole = np.empty(rows, f"V{width}")
        lent = whole[:rows].view(np.uint8)
        # torch holds `lent` itself for as long as any tensor shares its memory.
        weakref.finalize(lent, spare.append, whole).atexit = False
        return torch.from_numpy(lent).view(dtype).view(rows, -1), whole[:rows]
