"""torchvision's data sets by name: ``torchvision:CIFAR10,root=PATH,train=false``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from usae_viz.errors import ImageSourceError, did_you_mean
from usae_viz.images import cache
from usae_viz.images.canvas import as_rgb, fit, to_tensor
from usae_viz.images.catalogue import DIGEST, NOTHING
from usae_viz.images.listed import CHANGED, LabelTable, ListedSource, in_workers
from usae_viz.images.settings import read_settings
from usae_viz.images.source import ImageProblem
from usae_viz.recipe import ImagesSpec


class TorchvisionSource(ListedSource):
    """Images of one of ``torchvision.datasets``; see `ImageSource`.

    ``where`` is the name of its class with its constructor's arguments behind it. These data sets
    give decoded pictures, so an id is the sha256 of the pixels as RGB, every one is decoded once to
    list them, and what was hashed is remembered (see `cache`) while no file below ``root`` changes.
    A target that is a number, of a set that names its classes, is the label.

    They promise nothing about threads (one seeds torch's global generator), so their own decoding
    runs one image at a time; for a folder of photographs ``folder:`` is faster.

    Raises:
        ImageSourceError: there is no such data set, it cannot be made, or holds no image.
    """

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        super().__init__(spec)
        self._one_at_a_time = Lock()
        self._name, settings = read_settings(where)
        known = torchvision.datasets.__all__
        if self._name not in known:
            raise ImageSourceError(
                f"torchvision has no data set {self._name!r}",
                expected="torchvision:NAME,root=PATH,… with a class of torchvision.datasets",
                hint=did_you_mean(self._name, known),
            )
        try:
            self._dataset: Any = getattr(torchvision.datasets, self._name)(**settings)
            count = len(self._dataset)
        except Exception as error:  # a constructor raises whatever it meets on disk
            raise ImageSourceError(
                f"torchvision's {self._name} cannot be made",
                got=f"{type(error).__name__}: {error}"[:300],
                hint="give what its constructor takes: root=PATH, train=false, split=val, …",
            ) from error
        key = f"torchvision:{where}"
        digests, targets = self._listed(key, _mark(settings.get("root"), count), count)
        names = [_class_name(entry) for entry in getattr(self._dataset, "classes", ())]
        self._labels = LabelTable(
            ([names[t]] if 0 <= t < len(names) else [] for t in targets.tolist()), names
        )
        self.label_names = self._labels.names
        self.list_images(digests, source=f"torchvision:{where}", expected="pictures")

    def place(self, item: int) -> str:
        """Return the data set and the number of the item."""
        return f"{self._name}, item {item}"

    def canvas(self, item: int, image_id: str) -> Tensor:
        """Fetch a picture; see `ListedSource.canvas`."""
        picture, _ = self._fetch(item)
        if _pixels_sha256(picture).hex() != image_id:
            raise ImageSourceError(CHANGED)
        return to_tensor(fit(picture, self.spec.canvas, self.spec.crop, self.spec.crop_pct))

    def item_labels(self, item: int) -> Sequence[int]:
        """Return the label of an item."""
        return self._labels.of(item)

    def _fetch(self, item: int) -> tuple[Image.Image, int]:
        try:
            with self._one_at_a_time:
                found = self._dataset[item]
        except Exception as error:  # a data set raises whatever its decoder does
            raise ImageSourceError("it cannot be read", got=str(error)[:200]) from error
        picture, target = found if isinstance(found, tuple) and len(found) == 2 else (found, -1)
        if isinstance(picture, Tensor | np.ndarray):
            picture = to_pil_image(picture)
        if not isinstance(picture, Image.Image):
            raise ImageSourceError("it is no picture", got=type(picture).__name__)
        if isinstance(target, Tensor) and target.ndim == 0:
            target = target.item()
        number = target if isinstance(target, int) and not isinstance(target, bool) else -1
        return as_rgb(picture), number

    def _listed(self, key: str, mark: str | None, count: int) -> tuple[bytes, torch.Tensor]:
        for path, stamp, value in cache.recall(key) if mark else ():
            if (path, stamp, len(value)) == (key, mark, (DIGEST + 4) * count):
                targets = torch.frombuffer(bytearray(value[DIGEST * count :]), dtype=torch.int32)
                return value[: DIGEST * count], targets
        digests, numbers = bytearray(), []
        for item, (digest, number, why) in enumerate(in_workers(self._hash, range(count))):
            digests += digest
            numbers.append(number)
            if why:
                self.problems.append(ImageProblem(self.place(item), why))
        targets = torch.tensor(numbers, dtype=torch.int32)
        if mark and count and not self.problems:
            cache.remember([(key, mark, bytes(digests) + targets.numpy().tobytes())])
        return bytes(digests), targets

    def _hash(self, item: int) -> tuple[bytes, int, str]:
        try:
            picture, number = self._fetch(item)
        except ImageSourceError as error:
            return NOTHING, -1, error.problem + (f": {error.got}" if error.got else "")
        return _pixels_sha256(picture), number, ""


def _pixels_sha256(picture: Image.Image) -> bytes:
    digest = hashlib.sha256(f"{picture.width}x{picture.height}".encode())
    digest.update(picture.tobytes())
    return digest.digest()


def _class_name(entry: object) -> str:
    """Return a class's name; ImageNet gives several for one class."""
    return ", ".join(entry) if isinstance(entry, tuple) else str(entry)


def _mark(root: object, count: int) -> str | None:
    """Return what changes with any file below `root`; None if that cannot be told."""
    if not isinstance(root, str) or not Path(root).is_dir():
        return None
    digest = hashlib.sha256(f"{count}".encode())
    for path, status in _statuses(root):
        if not cache.is_settled(status):
            return None
        digest.update(f"{path}\0{cache.stamp(status)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _statuses(root: str) -> Iterator[tuple[str, os.stat_result]]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            yield str(path), path.stat()
