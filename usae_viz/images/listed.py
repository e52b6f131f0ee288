"""What all sources of stored images share: a catalogue, decoding in workers, labels."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images.canvas import read_canvas
from usae_viz.images.catalogue import Catalogue, Ids
from usae_viz.images.source import ImageBatch, ImageProblem
from usae_viz.recipe import ImagesSpec

Item = TypeVar("Item")
Result = TypeVar("Result")

CHANGED = "the image has changed since it was listed"


def in_workers(job: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``job(item)`` in the order of the items, computed by threads.

    Threads suffice: Pillow, hashlib and file reads let go of the interpreter's lock.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(max(2, min(16, cores or 1))) as pool:
        # In pieces, since the pool would queue all items of a large source at once.
        rest = iter(items)
        while piece := list(islice(rest, 2048)):
            yield from pool.map(job, piece)


class LabelTable:
    """Which labels each item has, in little memory; names are sorted, numbers by value.

    Args:
        labels: names of the labels of each item, in the order of the items.
        names: all names in their order; by default those that occur, sorted.
    """

    def __init__(self, labels: Iterable[Sequence[str]], names: Sequence[str] | None = None) -> None:
        index = {name: place for place, name in enumerate(names or ())}
        values, ends = [], [0]
        for found in labels:
            values += [index.setdefault(name, len(index)) for name in dict.fromkeys(found)]
            ends.append(len(values))
        order = list(index)
        if names is None:
            order.sort(key=lambda name: (0, int(name), "") if name.isdecimal() else (1, 0, name))
        place = {name: number for number, name in enumerate(order)}
        renamed = np.array([place[name] for name in index], dtype=np.int32)
        self.names = tuple(order)
        self._values = renamed[values] if values else np.empty(0, dtype=np.int32)
        self._ends = np.array(ends, dtype=np.int64)

    def of(self, item: int) -> list[int]:
        """Return the places, among `names`, of an item's labels."""
        found: list[int] = self._values[self._ends[item] : self._ends[item + 1]].tolist()
        return found


class ListedSource(ABC):
    """A source whose images are listed by content hash; see `ImageSource`.

    A subclass sets `catalogue` and `label_names`, and says how an item's image is had. It is
    checked against its id whenever it is read, so that one that changed after it was listed can
    never take another's place.
    """

    label_names: tuple[str, ...] = ()
    catalogue: Catalogue

    def __init__(self, spec: ImagesSpec) -> None:
        self.problems: list[ImageProblem] = []
        self.spec = spec

    @property
    def ids(self) -> Ids:
        """Content hashes of all images, sorted."""
        return self.catalogue.ids

    @abstractmethod
    def place(self, item: int) -> str:
        """Return where an item lies, for a person to find it."""

    @abstractmethod
    def canvas(self, item: int, image_id: str) -> Tensor:
        """Return an item's image ``[3, canvas, canvas]`` uint8, having checked its id.

        Raises:
            ImageSourceError, OSError: it cannot be read, or is another one by now.
        """

    def item_labels(self, item: int) -> Sequence[int]:
        """Return which of `label_names` an item has."""
        del item
        return ()

    def where(self, image_id: str) -> str:
        """Return where an image lies."""
        return self.place(self.catalogue.item(image_id))

    def labels(self, ids: Sequence[str]) -> Tensor | None:
        """Return the labels of images, bool ``[images, labels]``, without decoding them."""
        if not self.label_names:
            return None
        table = torch.zeros(len(ids), len(self.label_names), dtype=torch.bool)
        for row, image_id in enumerate(ids):
            table[row, list(self.item_labels(self.catalogue.item(image_id)))] = True
        return table

    def read(self, ids: Sequence[str]) -> ImageBatch:
        """Decode images; those that cannot be read are left out and added to `problems`."""
        good: list[str] = []
        images: list[Tensor] = []
        for image_id, result in zip(ids, in_workers(self._read_one, ids), strict=True):
            if isinstance(result, Tensor):
                good.append(image_id)
                images.append(result)
            elif result not in self.problems:
                self.problems.append(result)
        side = self.spec.canvas
        empty = torch.empty((0, 3, side, side), dtype=torch.uint8)
        return ImageBatch(good, torch.stack(images) if images else empty, self.labels(good))

    def list_images(self, digests: bytes | bytearray, *, source: str, expected: str) -> None:
        """Make the catalogue; repeats go to `problems`.

        Raises:
            ImageSourceError: there is no image.
        """
        self.catalogue = Catalogue(digests, self.spec.limit)
        for item, first in self.catalogue.repeats:
            name = self.place(first).rsplit("/", 1)[-1]
            self.problems.append(ImageProblem(self.place(item), f"the same bytes as {name}"))
        if not self.catalogue.ids:
            raise ImageSourceError(
                f"{source} holds no usable image",
                expected=expected,
                got=f"{len(digests) // 32} such files, {len(self.problems)} of them unusable"
                + "".join(f"; {where}: {why}" for where, why in self.problems[:1]),
            )

    def _read_one(self, image_id: str) -> Tensor | ImageProblem:
        item = self.catalogue.item(image_id)
        try:
            return self.canvas(item, image_id)
        except (ImageSourceError, OSError) as error:
            reason = error.problem if isinstance(error, ImageSourceError) else str(error)
            return ImageProblem(self.place(item), reason)


class EncodedSource(ListedSource):
    """A source of image files, wherever they lie; an id is the sha256 of the file."""

    @abstractmethod
    def data(self, item: int) -> bytes:
        """Return the bytes of an item's file; `OSError` if they cannot be had."""

    def canvas(self, item: int, image_id: str) -> Tensor:
        """Decode a file; see `ListedSource.canvas`."""
        data = self.data(item)
        if hashlib.sha256(data).hexdigest() != image_id:
            raise ImageSourceError(CHANGED)
        return read_canvas(data, self.spec.canvas, self.spec.crop, self.spec.crop_pct)
