"""The activation store: paired token maps of several backbones in safetensors shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
from torch import Tensor

from usae_viz.activations.manifest import MANIFEST, STATISTICS, ShardRecord, digest, read_manifest
from usae_viz.activations.prefetch import prefetched
from usae_viz.activations.rows import Rows
from usae_viz.activations.shard import REMOVE, Shard, Split
from usae_viz.activations.shuffle import gather, shuffled_buffers
from usae_viz.activations.statistics import Statistics, read_moments
from usae_viz.errors import StoreError

# Neighbouring images are read together until one backbone's part of them is this many bytes.
READ_BYTES = 1 << 20
# Threads that hash while a store is verified; hashing lets go of the interpreter's lock.
HASHERS = 4


class ActivationStore:
    """Read access to a finished store.

    Each shard holds, per backbone, ``<name>`` ``[images, tokens, dim]``. The images of a shard are
    the same for every backbone, so a token's row means the same pixels everywhere. Opening reads
    every shard's header and compares it with the manifest; `verify` reads all bytes.

    Raises:
        StoreError: the folder is no finished store, or a shard is missing, cut short or foreign.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / MANIFEST
        if not path.is_file():
            begun = folder.is_dir() and any(folder.glob("shard-*"))
            raise StoreError(
                f"{folder} is not finished" if begun else f"{folder} holds no activations",
                hint="run `usae-viz extract RECIPE --out RUN`, or train again",
            )
        self.manifest = read_manifest(path)
        self.names = tuple(self.manifest.dims)
        self.tokens_per_image = self.manifest.grid**2
        self._shards = [self._open(record) for record in self.manifest.shards]

    def ids(self, split: Split) -> list[str]:
        """Return the ids of the images of one split, in stored order."""
        return [i for shard in self._of(split) for i in shard.ids()]

    def verify(self) -> None:
        """Read every byte of the store and compare it with what was written.

        Raises:
            StoreError: naming all shards that are damaged.
        """
        verify_shards(self._shards)

    def statistics(self) -> dict[str, Statistics]:
        """Return the standardisation of each backbone over the training split.

        Raises:
            StoreError: there is no training image, or the file is not the one written.
        """
        path = self.folder / STATISTICS
        if not sum(shard.images for shard in self._of("train")):
            raise StoreError("the store has no training image", hint="lower images.validation")
        if not path.is_file() or _file_hash(path) != self.manifest.statistics:
            raise StoreError(
                f"{path} is missing or damaged",
                hint=f"remove {self.folder / MANIFEST} and extract again: both are made anew",
            )
        moments = read_moments(path, self.names, self.manifest.images)
        if moments is None:
            raise StoreError(f"{path} is of another store", hint=REMOVE)
        return {name: part.statistics() for name, part in moments.items()}

    def image_batches(
        self, split: Split, size: int, *, rank: int = 0, ranks: int = 1
    ) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
        """Yield ids and float32 tokens ``[batch, tokens, dim]`` per backbone, in stored order.

        Of many `ranks`, one gets every so many-th batch, and reads no other.
        """
        number = 0
        for shard in self._of(split):
            ids = shard.ids()
            for start in range(0, len(ids), size):
                part = slice(start, min(start + size, len(ids)))
                if number % ranks == rank:
                    yield ids[part], {name: shard.tokens(name)[part].float() for name in self.names}
                number += 1

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled training batches: ``[batch_tokens, dim]`` per backbone.

        They are of the type that is stored: to convert on the CPU takes longer than to read. Each
        epoch is a new random order of all images, in buffers of at most `buffer_images`, whose
        tokens are shuffled together; the next one is read meanwhile, and at most three are in
        memory. Row r is the same position of the same image in every
        backbone. The same seed gives the same batches; `start` skips that many of them at no cost
        (for a resume).

        Raises:
            StoreError: a batch is larger than a buffer.
        """
        rows = self._rows("train")
        narrow = min(self.manifest.dims.values(), default=1)
        plan = shuffled_buffers(
            rows.images,
            self.tokens_per_image,
            batch_tokens,
            seed=seed,
            buffer_images=buffer_images,
            block=max(1, READ_BYTES // (self.tokens_per_image * narrow * 2)),
            start=start,
        )
        filling = (
            (len(b.rows), rows.read(b.images, b.places(self.tokens_per_image))) for b in plan
        )
        with closing(prefetched(filling, 1)) as filled:
            for batches, tokens in filled:
                for first in range(0, batches * batch_tokens, batch_tokens):
                    part = slice(first, first + batch_tokens)
                    yield {name: values[part] for name, values in tokens.items()}

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return one paired random sample, float32 ``[tokens, dim]`` per backbone.

        Fewer than `tokens` if the training split has no more. At most 8 on average come from one
        image.
        """
        per_image = min(8, self.tokens_per_image)
        there = self._rows("train")
        images = max(1, min(there.images, -(-tokens // per_image)))
        generator = np.random.default_rng([seed % 2**64, there.images])
        chosen = np.sort(generator.choice(there.images, images, replace=False))
        rows = generator.permutation(images * self.tokens_per_image)[:tokens]
        filled = there.read(chosen)
        return {name: gather(values, rows).float() for name, values in filled.items()}

    def _rows(self, split: Split) -> Rows:
        return Rows(self._of(split), self.names)

    def _of(self, split: Split) -> list[Shard]:
        return [shard for shard in self._shards if shard.note.split == split and shard.images]

    def _open(self, record: ShardRecord) -> Shard:
        shard = Shard(self.folder / record.file)
        if shard.header != record.header:
            raise StoreError(
                f"{shard.path} is not the shard that the manifest lists",
                expected=f"a header of sha256 {record.header[:12]}",
                got=f"sha256 {shard.header[:12]}"
                + (
                    ", of another preprocessing"
                    if shard.note.preprocessing != digest(self.manifest.preprocessing)
                    else ""
                ),
                hint=REMOVE,
            )
        return shard


def verify_shards(shards: Sequence[Shard]) -> None:
    """Read every byte of some shards.

    Raises:
        StoreError: naming all that are damaged.
    """
    with ThreadPoolExecutor(HASHERS) as pool:
        errors = [error for error in pool.map(_problem, shards) if error]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise StoreError(
            f"{len(errors)} shards are damaged:\n"
            + "\n".join(f"  - {error.problem}" for error in errors),
            hint="remove them and extract again: only what is missing is computed",
        )


def _problem(shard: Shard) -> StoreError | None:
    try:
        shard.verify()
    except StoreError as error:
        return error
    return None


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
