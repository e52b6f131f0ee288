"""Which images a source has: content hashes in order, each with its place, in little memory."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import overload

import numpy as np

DIGEST = 32
"""Bytes of a sha256."""
NOTHING = bytes(DIGEST)
"""Stands for the hash of an item that is no image."""


class Ids(Sequence[str]):
    """Sorted sha256 hashes, shown as hexadecimal text and kept as 32 bytes each."""

    def __init__(self, digests: bytes) -> None:
        self._digests = digests

    def __len__(self) -> int:
        return len(self._digests) // DIGEST

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = range(len(self))[index] * DIGEST
        return self._digests[place : place + DIGEST].hex()

    def place(self, image_id: str) -> int | None:
        """Return the position of an id, None if it is not among them."""
        place = bisect_left(self, image_id)
        return place if place < len(self) and self[place] == image_id else None

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self.place(value) is not None

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same texts."""
        if isinstance(other, Ids):
            return self._digests == other._digests
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._digests)

    def __repr__(self) -> str:
        return f"<{len(self)} ids>"


class Texts(Sequence[str]):
    """Many file names in one block of memory."""

    def __init__(self, texts: Iterable[str]) -> None:
        block, ends = bytearray(), [0]
        for text in texts:
            block += os.fsencode(text)
            ends.append(len(block))
        self._block, self._ends = bytes(block), np.array(ends, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return os.fsdecode(self._block[self._ends[place] : self._ends[place + 1]])


class Catalogue:
    """The distinct images among numbered items, sorted by content hash.

    Args:
        digests: the sha256 of each item, 32 bytes each, in the order of the items; `NOTHING` leaves
            an item out.
        limit: keep at most this many images, those whose hashes are lowest.

    Attributes:
        ids: the hashes kept, sorted.
        repeats: pairs (item, the item that has the same content and came first).
    """

    def __init__(self, digests: bytes | bytearray, limit: int | None = None) -> None:
        every = np.array(memoryview(digests), dtype=np.uint8).view(f"S{DIGEST}")
        order = np.argsort(every, kind="stable")
        order = order[every[order] != b""]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = every[order[1:]] != every[order[:-1]]
        self.repeats: list[tuple[int, int]] = []
        starts = [*np.flatnonzero(fresh).tolist(), len(order)]
        if len(starts) <= len(order):
            for start, stop in pairwise(starts):
                again = order[start + 1 : stop].tolist()
                self.repeats += [(item, int(order[start])) for item in again]
        self._items = order[fresh][:limit]
        self.ids = Ids(every[self._items].tobytes())

    def item(self, image_id: str) -> int:
        """Return the number of the item with this id; `KeyError` if there is none."""
        place = self.ids.place(image_id)
        if place is None:
            raise KeyError(image_id)
        return int(self._items[place])
