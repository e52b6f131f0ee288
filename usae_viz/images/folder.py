"""A folder of image files, searched recursively."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images import cache
from usae_viz.images.canvas import known_formats
from usae_viz.images.catalogue import DIGEST, NOTHING, Texts
from usae_viz.images.listed import EncodedSource, LabelTable, in_workers
from usae_viz.images.masks import MaskFolder
from usae_viz.images.source import ImageProblem
from usae_viz.recipe import ImagesSpec


class FolderSource(EncodedSource):
    """Every image file below a folder; see `ImageSource`.

    An image's id is the sha256 of its file, so the same picture twice counts once and a renamed
    file keeps its id. Hidden files and folders are skipped, and links to folders are not followed;
    empty, unreadable and repeated files are listed in `problems`. Hashes are remembered (see
    `cache`), so only new and changed files are read when a folder is opened again.

    With ``labels = "folders"`` an image's label is the first folder on its way from the source to
    it; with ``masks`` see `MaskFolder`, whose names are labels too.

    Raises:
        ImageSourceError: the folder is missing or holds no image file.
    """

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        super().__init__(spec)
        folder = Path(where).expanduser()
        if not where or not folder.is_dir():
            raise ImageSourceError(
                f"there is no folder {where!r}",
                hint="give one: folder:/path/to/photographs (images.source of the recipe)",
            )
        formats = known_formats()
        suffixes = {suffix for suffix, name in Image.EXTENSION.items() if name in formats}
        self._folder = str(folder.resolve())
        # In the order of their bytes, which is that of the cache.
        self._files = Texts(sorted(_files(self._folder, "", suffixes), key=os.fsencode))
        self.list_images(
            self._hashes(),
            source=str(folder),
            expected=f"files ending in {', '.join(sorted(suffixes)[:6])} …",
        )
        self._masks = MaskFolder(Path(spec.masks), self._files) if spec.masks else None
        self.mask_names = self._masks.names if self._masks else ()
        self._labels = LabelTable(map(self._labels_of, self._files))
        self.label_names = self._labels.names

    def place(self, item: int) -> str:
        """Return the path of an item."""
        return f"{self._folder}/{self._files[item]}"

    def data(self, item: int) -> bytes:
        """Return a file's bytes."""
        return Path(self.place(item)).read_bytes()

    def item_labels(self, item: int) -> Sequence[int]:
        """Return the label of the folder and those of the masks."""
        return self._labels.of(item)

    def masks(self, ids: Sequence[str]) -> Tensor:
        """Return where each of `mask_names` is: bool ``[images, masks, canvas, canvas]``.

        Raises:
            ImageSourceError: a mask cannot be read, or has not the shape of its image.
        """
        if self._masks is None:
            raise ImageSourceError("the source has no masks", hint="set images.masks to a folder")
        files = [self._files[self.catalogue.item(image_id)] for image_id in ids]
        return self._masks.read(Path(self._folder), files, self.spec)

    def _labels_of(self, file: str) -> list[str]:
        names = list(self._masks.of(file)) if self._masks else []
        if self.spec.labels == "folders" and "/" in file:
            names.append(file.partition("/")[0])
        return names

    def _hashes(self) -> bytearray:
        """Return the sha256 of every file, from the cache where it is known."""
        hashes = bytearray(DIGEST * len(self._files))
        root = f"{self._folder}/"
        known = cache.recall(root)
        entry = next(known, None)
        gone: list[str] = []
        unknown: list[int] = []
        for item, file in enumerate(self._files):
            path = os.fsencode(root + file)
            while entry and os.fsencode(entry[0]) < path:
                gone.append(entry[0])
                entry = next(known, None)
            if entry and os.fsencode(entry[0]) == path:
                if entry[1] == _stamp(root + file):
                    hashes[item * DIGEST : (item + 1) * DIGEST] = entry[2]
                else:
                    unknown.append(item)
                entry = next(known, None)
            else:
                unknown.append(item)
        if entry:
            gone += [entry[0], *(path for path, _, _ in known)]
        fresh: list[tuple[str, str, bytes]] = []
        for item, (digest, mark, reason) in zip(
            unknown, in_workers(self._hash, unknown), strict=True
        ):
            hashes[item * DIGEST : (item + 1) * DIGEST] = digest
            if reason:
                self.problems.append(ImageProblem(self.place(item), reason))
            elif mark:
                fresh.append((self.place(item), mark, digest))
            if len(fresh) >= 10_000:  # a first opening that is interrupted goes on from here
                cache.remember(fresh)
                fresh = []
        if fresh or gone:
            cache.remember(fresh, gone)
        return hashes

    def _hash(self, item: int) -> tuple[bytes, str, str]:
        """Return a file's sha256, its stamp if it may be remembered, and what is wrong with it."""
        try:
            with Path(self.place(item)).open("rb") as file:
                status = os.fstat(file.fileno())
                digest = hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            return NOTHING, "", error.strerror or str(error)
        if not status.st_size:
            return NOTHING, "", "the file is empty"
        return digest, cache.stamp(status) if cache.is_settled(status) else "", ""


def _files(folder: str, inside: str, suffixes: set[str]) -> Iterator[str]:
    """Yield the image files below `folder`, relative to it, with slashes."""
    with os.scandir(f"{folder}/{inside}") as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = inside + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(folder, f"{name}/", suffixes)
            elif Path(entry.name).suffix.lower() in suffixes and not entry.is_dir():
                yield name


def _stamp(path: str) -> str:
    try:
        return cache.stamp(Path(path).stat())
    except OSError:
        return ""
