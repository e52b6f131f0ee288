"""Images of many shards under one numbering, read in any order."""

from __future__ import annotations

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
    """

    def __init__(self, shards: Sequence[Shard], names: Sequence[str]) -> None:
        self._shards, self._names = shards, names
        self._ends = np.cumsum([shard.images for shard in shards], dtype=np.int64)
        self.images = int(self._ends[-1]) if shards else 0

    def read(self, images: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return tokens ``[images * tokens, dim]`` per backbone, as they are stored.

        Args:
            images: numbers, ascending; neighbours are read at once.
        """
        space = {name: self._space(name, len(images)) for name in self._names}
        shard = np.searchsorted(self._ends, images, side="right")
        cuts = np.flatnonzero((np.diff(images) != 1) | (np.diff(shard) != 0)) + 1
        edges = [0, *cuts.tolist(), len(images)]
        runs = [(name, first, last) for first, last in pairwise(edges) for name in self._names]

        def copy(run: tuple[str, int, int]) -> None:
            name, first, last = run
            number = int(shard[first])
            source = self._shards[number]
            row = int(images[first]) - (int(self._ends[number]) - source.images)
            source.read_into(name, row, space[name][first:last])

        with ThreadPoolExecutor(READERS) as pool:
            for _ in pool.map(copy, runs):
                pass
        return {name: values.flatten(0, 1) for name, values in space.items()}

    def _space(self, name: str, images: int) -> Tensor:
        shape = (images, *(self._shards[0].shape(name) or ())[1:])
        dtype = self._shards[0].dtype(name)
        # numpy's memory, since it asks for huge pages: rows are picked from all over it.
        size = int(np.prod(shape)) * dtype.itemsize
        return torch.from_numpy(np.empty(size, np.uint8)).view(dtype).view(shape)
