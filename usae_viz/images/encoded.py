"""What sources of encoded image files share: checked bytes, decoding in workers, labels."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images.canvas import read_canvas
from usae_viz.images.catalogue import Catalogue, Ids
from usae_viz.images.source import ImageBatch, ImageProblem
from usae_viz.recipe import ImagesSpec

Item = TypeVar("Item")
Result = TypeVar("Result")


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


class EncodedSource(ABC):
    """A source of image files, wherever they lie; see `ImageSource`.

    A subclass sets `catalogue` and `label_names`, and says how an item is found. An image's id is
    the sha256 of its file; it is checked whenever the image is read, so that a file that changed
    after it was listed can never take another image's place.
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
    def data(self, item: int) -> bytes:
        """Return the bytes of an item's file; `OSError` if they cannot be had."""

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
        for image_id, result in zip(ids, in_workers(self._decode, ids), strict=True):
            if isinstance(result, Tensor):
                good.append(image_id)
                images.append(result)
            elif result not in self.problems:
                self.problems.append(result)
        side = self.spec.canvas
        empty = torch.empty((0, 3, side, side), dtype=torch.uint8)
        return ImageBatch(good, torch.stack(images) if images else empty, self.labels(good))

    def _decode(self, image_id: str) -> Tensor | ImageProblem:
        item = self.catalogue.item(image_id)
        try:
            data = self.data(item)
            if hashlib.sha256(data).hexdigest() != image_id:
                raise ImageSourceError("the file has changed since it was listed")
            return read_canvas(data, self.spec.canvas, self.spec.crop, self.spec.crop_pct)
        except (ImageSourceError, OSError) as error:
            reason = error.problem if isinstance(error, ImageSourceError) else str(error)
            return ImageProblem(self.place(item), reason)

    def list_repeats(self) -> None:
        """Add the items that repeat another one's bytes to `problems`."""
        for item, first in self.catalogue.repeats:
            name = self.place(first).rsplit("/", 1)[-1]
            self.problems.append(ImageProblem(self.place(item), f"the same bytes as {name}"))
