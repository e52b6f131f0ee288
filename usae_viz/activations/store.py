"""The activation store: paired token maps of several backbones in safetensors shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from usae_viz.errors import StoreError
from usae_viz.run import read_json

FORMAT = 1
Split = Literal["train", "validation"]


class ShardRecord(BaseModel):
    """One shard: the images in it, in the order of its rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    split: Split
    planned: tuple[str, ...]
    """Ids that were to go in; those missing from `ids` could not be read."""
    ids: tuple[str, ...]


class Manifest(BaseModel):
    """The content of ``manifest.json``."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    preprocessing: str
    """sha256 over everything that decides a token's value: canvas, crop, grid, dtype, weights."""
    grid: int
    dims: dict[str, int]
    shards: list[ShardRecord] = []
    problems: list[tuple[str, str]] = []
    """Images left out: where, and why."""


class Statistics(NamedTuple):
    """Standardisation of one backbone, over all training tokens.

    Attributes:
        mean: ``[dim]`` mean of each channel.
        scale: one number, the root of the mean variance over channels: standardised tokens keep
            the proportions between channels and have unit variance on average.
    """

    mean: Tensor
    scale: float


class ActivationStore:
    """Read access to a finished (or growing) store.

    Each shard holds, per backbone, ``<name>`` ``[images, tokens, dim]`` and the sums over its
    tokens ``<name>/sum`` and ``<name>/square`` ``[dim]`` in float64. The images of a shard are the
    same for every backbone, so a token's row means the same pixels everywhere.

    Raises:
        StoreError: the folder is no store, or a shard is missing or cut short.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "manifest.json"
        if not path.is_file():
            raise StoreError(
                f"{folder} holds no activations",
                hint="run `usae-viz extract RECIPE --out RUN`, or train again",
            )
        self.manifest = read_manifest(path)
        self.names = tuple(self.manifest.dims)
        self.tokens_per_image = self.manifest.grid**2
        for shard in self.manifest.shards:
            self._check(shard)

    def ids(self, split: Split) -> list[str]:
        """Return the ids of the images of one split, in stored order."""
        return [i for shard in self._shards(split) for i in shard.ids]

    def statistics(self) -> dict[str, Statistics]:
        """Return the standardisation of each backbone over the training split.

        Raises:
            StoreError: there is no training image.
        """
        shards = self._shards("train")
        count = sum(len(shard.ids) for shard in shards) * self.tokens_per_image
        if not count:
            raise StoreError("the store has no training image", hint="lower images.validation")
        result = {}
        for name, dim in self.manifest.dims.items():
            total = torch.zeros(dim, dtype=torch.float64)
            square = torch.zeros(dim, dtype=torch.float64)
            for shard in shards:
                with safe_open(self.folder / shard.file, "pt") as file:
                    total += file.get_tensor(f"{name}/sum")
                    square += file.get_tensor(f"{name}/square")
            mean = total / count
            variance = (square / count - mean**2).clamp_min(0)
            result[name] = Statistics(mean.float(), max(float(variance.mean().sqrt()), 1e-6))
        return result

    def image_batches(
        self, split: Split, size: int
    ) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
        """Yield ids and float32 tokens ``[batch, tokens, dim]`` per backbone, in stored order."""
        for shard in self._shards(split):
            with safe_open(self.folder / shard.file, "pt") as file:
                slices = {name: file.get_slice(name) for name in self.names}
                for start in range(0, len(shard.ids), size):
                    stop = min(start + size, len(shard.ids))
                    rows = {name: slices[name][start:stop].float() for name in self.names}
                    yield list(shard.ids[start:stop]), rows

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled training batches: float32 ``[batch_tokens, dim]`` per backbone.

        Each epoch is a new random order of all images; the tokens of `buffer_images` of them are
        shuffled together. Row r is the same position of the same image in every backbone. The
        same seed gives the same batches; `start` skips that many of them cheaply (for a resume).
        """
        shards = self._shards("train")
        places = [(s, row) for s, shard in enumerate(shards) for row in range(len(shard.ids))]
        buffer_images = min(buffer_images, len(places))
        per_buffer = buffer_images * self.tokens_per_image // batch_tokens
        if not per_buffer:
            raise StoreError(
                "a training batch is larger than the shuffle buffer",
                expected=f"batch_tokens of at most {buffer_images * self.tokens_per_image}",
                got=str(batch_tokens),
                hint="lower training.batch_tokens or raise training.buffer_images",
            )
        generator = torch.Generator().manual_seed(seed)
        files: list[Any] = [safe_open(self.folder / shard.file, "pt") for shard in shards]
        slices = [{name: file.get_slice(name) for name in self.names} for file in files]
        skip = start
        while True:
            order = torch.randperm(len(places), generator=generator).tolist()
            for first in range(0, len(order) - buffer_images + 1, buffer_images):
                rows = torch.randperm(buffer_images * self.tokens_per_image, generator=generator)
                if skip >= per_buffer:
                    skip -= per_buffer
                    continue
                chosen = [places[i] for i in order[first : first + buffer_images]]
                buffer = {
                    name: torch.cat([slices[s][name][row : row + 1] for s, row in chosen]).flatten(
                        0, 1
                    )
                    for name in self.names
                }
                for batch in range(skip, per_buffer):
                    picked = rows[batch * batch_tokens : (batch + 1) * batch_tokens]
                    yield {name: tokens[picked].float() for name, tokens in buffer.items()}
                skip = 0

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return one paired random sample, float32 ``[tokens, dim]`` per backbone.

        Fewer than `tokens` if the training split has no more. At most 8 on average come from one
        image.
        """
        per_image = min(8, self.tokens_per_image)
        images = max(1, min(len(self.ids("train")), -(-tokens // per_image)))
        batch = min(tokens, images * self.tokens_per_image)
        return next(self.token_batches(batch, seed=seed, buffer_images=images))

    def _shards(self, split: Split) -> list[ShardRecord]:
        return [shard for shard in self.manifest.shards if shard.split == split and shard.ids]

    def _check(self, shard: ShardRecord) -> None:
        path = self.folder / shard.file
        try:
            with safe_open(path, "pt") as file:
                for name, dim in self.manifest.dims.items():
                    shape = file.get_slice(name).get_shape()
                    if shape != [len(shard.ids), self.tokens_per_image, dim]:
                        raise StoreError(
                            f"{path} does not match the manifest at {name}",
                            expected=str([len(shard.ids), self.tokens_per_image, dim]),
                            got=str(shape),
                        )
        except (SafetensorError, OSError) as error:
            raise StoreError(
                f"{path} is missing or damaged",
                got=str(error),
                hint="remove it and extract again: only what is missing is computed",
            ) from error


def read_manifest(path: Path) -> Manifest:
    """Read a store's manifest.

    Raises:
        StoreError: it is not one, or of another format.
    """
    table = read_json(path)
    if isinstance(table, dict) and table.get("format") != FORMAT:
        raise StoreError(
            f"{path} has another format", expected=str(FORMAT), got=str(table.get("format"))
        )
    try:
        return Manifest.model_validate(table)
    except ValidationError as error:
        raise StoreError(f"{path} is no manifest of a store", got=str(error)) from None


def token_sums(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum and the sum of squares over tokens ``[n, dim]``, float64 ``[dim]``."""
    exact = tokens.double()
    return exact.sum(0), exact.square().sum(0)


def planned_shards(
    ids: Mapping[Split, Sequence[str]], size: int
) -> list[tuple[Split, tuple[str, ...]]]:
    """Return the images of each shard: `size` at a time, training before validation."""
    return [
        (split, tuple(members[start : start + size]))
        for split, members in ids.items()
        for start in range(0, len(members), size)
    ]
