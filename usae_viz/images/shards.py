"""Tar shards as WebDataset writes them, read in place: nothing is ever unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images import cache
from usae_viz.images.canvas import known_formats
from usae_viz.images.catalogue import Texts
from usae_viz.images.listed import EncodedSource, LabelTable, in_workers
from usae_viz.images.masks import read_mask
from usae_viz.images.patterns import shard_paths
from usae_viz.images.source import ImageProblem
from usae_viz.recipe import ImagesSpec

# Of what a shard's index is made; raise it when the next version reads more out of a shard.
INDEX_VERSION = 1
# Where WebDataset's users put a label into a sample's JSON.
LABEL_KEYS = ("label", "labels", "cls", "class", "category")
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


class Sample(NamedTuple):
    """The members of a shard that share a name up to its first dot."""

    key: str
    start: int
    """Offset of the first member's header."""
    end: int
    """Offset behind the last member."""
    offset: int
    """Of the image's bytes."""
    size: int
    sha256: str
    labels: list[str]
    masks: dict[str, list[int]]
    """Name → offset and size of a mask."""


class TarSource(EncodedSource):
    """Images in tar shards; see `ImageSource`.

    ``where`` is a tar file, a folder of them, or a pattern with ``*`` or ``{000..146}``. A sample
    is the members that share a name up to its first dot: one image (the first without a further dot
    in its ending), ``.cls`` (a class, by number or name) or ``.json`` (with ``label``, ``labels``,
    ``cls``, ``class`` or ``category``) for its labels, ``.NAME.mask.png`` for masks; `about` gives
    the rest. Each shard is scanned once and its index remembered (see `cache`); an image is then
    read from its place in the shard, so shards must not be compressed.

    Raises:
        ImageSourceError: there is no such shard, one is compressed, or there is no image.
    """

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        super().__init__(spec)
        self._shards = shard_paths(where)
        digests, labels = bytearray(), list[list[str]]()
        places: list[tuple[int, int, int, int, int]] = []
        self._masks: dict[int, dict[str, list[int]]] = {}
        keys = []
        for number, (samples, problems) in enumerate(in_workers(_indexed, self._shards)):
            path = self._shards[number]
            self.problems += [ImageProblem(f"{path}/{name}", why) for name, why in problems]
            for sample in samples:
                if sample.masks:
                    self._masks[len(places)] = sample.masks
                digests += bytes.fromhex(sample.sha256)
                places.append((number, sample.offset, sample.size, sample.start, sample.end))
                keys.append(sample.key)
                labels.append([*sample.labels, *sample.masks])
        self._places = np.array(places, dtype=np.int64).reshape(-1, 5)
        self._keys = Texts(keys)
        self.mask_names = tuple(sorted({name for masks in self._masks.values() for name in masks}))
        self._labels = LabelTable(labels)
        self.label_names = self._labels.names
        self.list_images(
            digests, source=f"tar:{where}", expected="samples with an image, as NAME.jpg"
        )

    def place(self, item: int) -> str:
        """Return the shard and the sample's name."""
        return f"{self._shards[self._places[item][0]]}/{self._keys[item]}"

    def data(self, item: int) -> bytes:
        """Return the bytes of a sample's image."""
        shard, offset, size, _, _ = self._places[item].tolist()
        return _bytes_at(self._shards[shard], offset, size)

    def item_labels(self, item: int) -> Sequence[int]:
        """Return the labels of a sample."""
        return self._labels.of(item)

    def about(self, image_id: str) -> dict[str, bytes]:
        """Return all else that a sample holds: ending (``json``, ``txt`` …) → content.

        Raises:
            ImageSourceError: the shard has changed since it was listed.
        """
        item = self.catalogue.item(image_id)
        shard, offset, _, start, end = self._places[item].tolist()
        piece = _bytes_at(self._shards[shard], start, end - start)
        # Filled up to a block and closed by two of zeros, it is a tar file of its own.
        piece += bytes(-len(piece) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
        found = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(piece), mode="r:") as tar:
                for member in tar:
                    file = tar.extractfile(member) if member.isreg() else None
                    if file and start + member.offset_data != offset:
                        found[_split(member.name)[1]] = file.read()
        except tarfile.TarError as error:
            raise ImageSourceError(f"{self.place(item)} cannot be read", got=str(error)) from error
        return found

    def masks(self, ids: Sequence[str]) -> Tensor:
        """Return where each of `mask_names` is: bool ``[images, masks, canvas, canvas]``.

        Raises:
            ImageSourceError: a mask cannot be read.
        """
        side = self.spec.canvas
        result = torch.zeros(len(ids), len(self.mask_names), side, side, dtype=torch.bool)
        for row, image_id in enumerate(ids):
            item = self.catalogue.item(image_id)
            path = self._shards[self._places[item][0]]
            for name, (offset, size) in self._masks.get(item, {}).items():
                mask = read_mask(_bytes_at(path, offset, size), self.spec)
                result[row, self.mask_names.index(name)] = mask
        return result


def _indexed(path: str) -> tuple[list[Sample], list[tuple[str, str]]]:
    """Return a shard's samples and problems, from the cache if it is unchanged."""
    status = Path(path).stat()
    mark = f"{INDEX_VERSION}/{cache.stamp(status)}"
    for known, stamp, value in cache.recall(path):
        if known == path and stamp == mark:
            samples, problems = json.loads(zlib.decompress(value))
            return [Sample(*sample) for sample in samples], [(n, why) for n, why in problems]
    samples, problems = _scan(path, status.st_size)
    if cache.is_settled(status):
        cache.remember([(path, mark, zlib.compress(json.dumps([samples, problems]).encode()))])
    return samples, problems


def _scan(path: str, size: int) -> tuple[list[Sample], list[tuple[str, str]]]:
    with Path(path).open("rb") as file:
        if file.read(5).startswith(PACKED):
            raise ImageSourceError(
                f"{path} is compressed, so its images cannot be read in place",
                hint="unpack it to a plain tar file; photographs do not shrink in it anyway",
            )
    samples: list[Sample] = []
    problems: list[tuple[str, str]] = []
    group: list[tuple[str, tarfile.TarInfo]] = []
    key = ""
    with Path(path).open("rb") as file:
        try:
            with tarfile.open(path, mode="r:") as tar:
                for member in tar:
                    if not member.isreg() or member.issparse():
                        if not member.isdir():
                            problems.append((member.name, "neither a file nor a folder"))
                        continue
                    name, ending = _split(member.name)
                    if not ending or name.rsplit("/", 1)[-1] == "":
                        continue
                    if member.offset_data + member.size > size:
                        problems.append((member.name, "the shard ends within it"))
                        continue
                    if name != key:
                        _close(file, key, group, samples, problems)
                        key, group = name, []
                    group.append((ending, member))
                    # Else it keeps every header that it has read.
                    tar.members = []  # type: ignore[attr-defined]
                file.seek(tar.offset)
                if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes it for the end
                    problems.append((key, "the shard is damaged behind it"))
        except (tarfile.TarError, OSError, ValueError) as error:
            problems.append(("", f"the shard is damaged: {error}"))
        _close(file, key, group, samples, problems)
    return samples, problems


def _close(
    file: io.BufferedReader,
    key: str,
    group: list[tuple[str, tarfile.TarInfo]],
    samples: list[Sample],
    problems: list[tuple[str, str]],
) -> None:
    """Make a sample of the members of one name, if one of them is an image."""
    masks = {
        ending[: -len(".mask.png")]: [member.offset_data, member.size]
        for ending, member in group
        if ending.endswith(".mask.png")
    }
    suffixes = Image.registered_extensions()
    formats = known_formats()
    images = [
        (ending, member)
        for ending, member in group
        if not ending.endswith("mask.png")
        and suffixes.get("." + ending.rsplit(".", 1)[-1].lower()) in formats
    ]
    if not images:
        return
    _, image = next((pair for pair in images if "." not in pair[0]), images[0])
    if not image.size:
        problems.append((image.name, "the file is empty"))
        return
    first, last = group[0][1], group[-1][1]
    file.seek(image.offset_data)
    sha256 = hashlib.sha256(file.read(image.size)).hexdigest()
    end = last.offset_data + last.size
    labels = _labels(file, dict(group), problems)
    samples.append(
        Sample(key, first.offset, end, image.offset_data, image.size, sha256, labels, masks)
    )


def _labels(
    file: io.BufferedReader,
    members: dict[str, tarfile.TarInfo],
    problems: list[tuple[str, str]],
) -> list[str]:
    def content(ending: str) -> str:
        file.seek(members[ending].offset_data)
        return file.read(members[ending].size).decode("utf-8")

    try:
        if "cls" in members:
            return [text] if (text := content("cls").strip()) else []
        if "json" in members:
            table: Any = json.loads(content("json"))
            fields = table if isinstance(table, dict) else {}
            found: Any = next((fields[key] for key in LABEL_KEYS if key in fields), [])
            listed = found if isinstance(found, list) else [found]
            return [str(label) for label in listed if isinstance(label, str | int)]
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        name = next(iter(members.values())).name
        problems.append((name, f"its label cannot be read: {error}"))
    return []


def _split(name: str) -> tuple[str, str]:
    """Return a member's name up to the first dot of its last part, and its ending."""
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return folder + slash + stem, ending


def _bytes_at(path: str, offset: int, size: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(offset)
        return file.read(size)
