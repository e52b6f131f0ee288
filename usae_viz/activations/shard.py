"""One shard: a safetensors file that says by itself what it holds and what its bytes must be."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import save
from torch import Tensor

from usae_viz.activations.statistics import Moments
from usae_viz.errors import StoreError, WriteError
from usae_viz.run import replacing

FORMAT = 2
Split = Literal["train", "validation"]

KEY = "usae_viz"
"""The one entry of the file's metadata; safetensors writes several in no fixed order."""

IDS = "images/id"
"""Ids of the images, raw bytes. No backbone's name has a slash, so nothing else is called so."""

DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
REMOVE = "remove it and extract again: only what is missing is computed"


class Note(BaseModel):
    """What a shard says of itself, in its header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    preprocessing: str
    """sha256 of all that decides a token's value (see `manifest.Manifest`)."""
    split: Split
    planned: str
    """sha256 of the ids that were to go in."""
    skipped: tuple[tuple[str, str, str], ...]
    """Images among them that could not be read: id, where, why."""
    sha256: dict[str, str]
    """Of each tensor's bytes."""


class Shard:
    """A shard on disk; opening it reads its header only.

    Attributes:
        path: the file.
        note: what it says of itself.
        header: sha256 of the header. Since the header holds the hashes of all tensors, it stands
            for the whole file.
        images: how many there are.

    Raises:
        StoreError: the file is missing, cut short, or no shard.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # safetensors' own reader tells neither offsets nor the header's bytes.
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                if size < 8 or length > size - 8:
                    raise ValueError(f"its header ends after the file, at {size} bytes")
                text = file.read(length)
            table = json.loads(text)
            self.note = Note.model_validate_json(table.pop("__metadata__")[KEY])
            self._places = {
                name: (str(place["dtype"]), tuple(place["shape"]), 8 + length + int(start))
                for name, place in table.items()
                for start, _ in [place["data_offsets"]]
            }
            end = 8 + length + max(place["data_offsets"][1] for place in table.values())
            if size != end:
                raise ValueError(f"{size} bytes instead of {end}")
            if self.note.format != FORMAT:
                raise ValueError(f"format {self.note.format} instead of {FORMAT}")
            self.images = int(self._places[IDS][1][0])
        except FileNotFoundError:
            raise StoreError(f"{path} is missing", hint="extract again") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise StoreError(
                f"{path} is damaged, or no shard of this version",
                got=" ".join(str(error).split())[:200],
                hint=REMOVE,
            ) from error
        self.header = hashlib.sha256(text).hexdigest()
        self._memory: NDArray[np.uint8] | None = None

    def shape(self, name: str) -> list[int] | None:
        """Return the shape of a tensor, or None if there is none of this name."""
        return list(self._places[name][1]) if name in self._places else None

    def tokens(self, name: str) -> Tensor:
        """Return a tensor as a view on the mapped file; what is not looked at is not read."""
        if self._memory is None:
            # "c", copy on write: torch warns of arrays that cannot be written to.
            self._memory = np.memmap(self.path, np.uint8, mode="c")
        _, shape, start = self._places[name]
        dtype, count = self.dtype(name), int(np.prod(shape))
        view = self._memory[start : start + count * dtype.itemsize]
        if not count:
            return torch.empty(shape, dtype=dtype)
        return torch.from_numpy(view).view(dtype).view(shape)

    def announce(self, name: str, first: int, images: int) -> None:
        """Tell the system that `images` images from `first` on are read next, where it listens."""
        if not hasattr(os, "posix_fadvise"):
            return
        start, width = self._span(name, first)
        with self.path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), start, images * width, os.POSIX_FADV_WILLNEED)

    def read_into(self, name: str, first: int, out: NDArray[Any]) -> None:
        """Fill `out` with the bytes of a tensor from image `first` on, past the map.

        Where much is wanted at once a plain read is faster than a map, which is brought in page by
        page; it also lets several threads wait for the disk together.
        """
        into = memoryview(out.view(np.uint8))  # type: ignore[arg-type]
        start, _ = self._span(name, first)
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while len(into):
                got = file.readinto(into)
                if not got:
                    raise StoreError(f"{self.path} was cut short while it was read", hint=REMOVE)
                into = into[got:]

    def dtype(self, name: str) -> torch.dtype:
        """Return the type of a tensor of tokens.

        Raises:
            StoreError: it is none that tokens are stored in.
        """
        kind = self._places[name][0]
        if kind not in DTYPES:
            raise StoreError(f"{self.path} holds {name} as {kind}", expected=", ".join(DTYPES))
        return DTYPES[kind]

    def ids(self) -> list[str]:
        """Return the ids of the images, in the order of the rows."""
        raw = self._read(IDS)
        width = self._places[IDS][1][1]
        return [raw[i : i + width].hex() for i in range(0, len(raw), width)] if width else []

    def moments(self, name: str) -> Moments:
        """Return the moments of the tokens of one backbone."""
        mean, m2 = (
            torch.frombuffer(bytearray(self._read(f"{name}/{part}")), dtype=torch.float64)
            for part in ("mean", "m2")
        )
        shape = self._places[name][1]
        return Moments(len(mean), shape[0] * shape[1], mean, m2)

    def verify(self) -> None:
        """Read every byte and compare it with the hashes of the header.

        Raises:
            StoreError: a tensor is not what was written.
        """
        for name in self._places:
            if self.note.sha256.get(name) != self._hash(name):
                raise StoreError(
                    f"{self.path} is damaged: the bytes of {name} are not those written",
                    expected=f"sha256 {self.note.sha256.get(name, 'none')[:12]}",
                    got=f"sha256 {self._hash(name)[:12]}",
                    hint=REMOVE,
                )

    def _extent(self, name: str) -> tuple[int, int]:
        kind, shape, start = self._places[name]
        size = {"U8": 1, "F64": 8}.get(kind) or DTYPES[kind].itemsize
        return start, int(np.prod(shape)) * size

    def _span(self, name: str, first: int) -> tuple[int, int]:
        """Return where in the file image `first` of a tensor begins, and the bytes of an image."""
        _, shape, start = self._places[name]
        width = int(np.prod(shape[1:])) * self.dtype(name).itemsize
        return start + first * width, width

    def _read(self, name: str) -> bytes:
        start, size = self._extent(name)
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)

    def _hash(self, name: str) -> str:
        # Not through the map: a whole store would count as this process's memory.
        start, size = self._extent(name)
        digest, buffer = hashlib.sha256(), bytearray(min(size, 1 << 22))
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while size > 0:
                got = file.readinto(memoryview(buffer)[: min(size, len(buffer))])
                if not got:
                    break
                digest.update(memoryview(buffer)[:got])
                size -= got
        return digest.hexdigest()


def write_shard(
    path: Path,
    *,
    preprocessing: str,
    split: Split,
    planned: Sequence[str],
    skipped: Sequence[tuple[str, str, str]],
    ids: Sequence[str],
    tokens: Mapping[str, Tensor],
    moments: Mapping[str, Moments],
) -> None:
    """Write a shard, whole or not at all.

    Args:
        path: the file.
        preprocessing: see `Note`.
        split: see `Note`.
        planned: ids of the images that were to go in.
        skipped: see `Note`.
        ids: ids of the images that are in, in the order of the rows.
        tokens: ``[images, tokens, dim]`` per backbone, contiguous.
        moments: of the same tokens.

    Raises:
        StoreError: the disk is full, or the file cannot be written; nothing of it is left.
    """
    raw = (
        torch.frombuffer(bytearray(bytes.fromhex("".join(ids))), dtype=torch.uint8)
        if ids
        else (torch.empty(0, dtype=torch.uint8))
    )
    tensors: dict[str, Tensor] = {IDS: raw.view(len(ids), -1) if ids else raw.view(0, 32)}
    for name, values in tokens.items():
        tensors[name] = values
        tensors |= {f"{name}/mean": moments[name].mean, f"{name}/m2": moments[name].m2}
    note = Note(
        preprocessing=preprocessing,
        split=split,
        planned=ids_sha256(planned),
        skipped=tuple(skipped),
        sha256={
            name: hashlib.sha256(values.flatten().view(torch.uint8).numpy().data).hexdigest()
            for name, values in tensors.items()
        },
    )
    data = save(tensors, metadata={KEY: note.model_dump_json()})
    try:
        with replacing(path) as file:
            file.write(data)
            file.flush()
            # A power cut must not leave a file of the right name and length without its bytes.
            os.fsync(file.fileno())
    except WriteError as error:
        raise write_error(error, len(data)) from error


def write_error(error: WriteError, size: int) -> StoreError:
    """Return what to tell a person whose disk is full, or who may not write there."""
    room = f"room for {size / 1e6:.0f} MB"
    return StoreError(error.problem, expected=room, got=error.got, hint=error.hint)


def ids_sha256(ids: Sequence[str]) -> str:
    """Return one hash for a sequence of ids."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def describe_dtype(name: str) -> Any:
    """Return torch's type of this name: float16, bfloat16 or float32."""
    return {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}[name]
