"""The order in which training sees tokens: which images fill a buffer, and its rows in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.errors import StoreError

# A buffer is put together of at least so many blocks of neighbouring images, so that it stays a
# fair sample of the store.
BLOCKS = 64


class Buffer(NamedTuple):
    """One filling of the shuffle buffer.

    Attributes:
        images: ``[n]`` positions of its images, ascending, so that a disk reads forwards.
        rows: ``[batches, batch_tokens]`` rows of the buffer ``[n * tokens, dim]``, each at most
            once; fewer than one batch of them are left out.
    """

    images: NDArray[np.int64]
    rows: NDArray[np.int64]

    def places(self, tokens: int) -> NDArray[np.int64]:
        """Return where each token goes, ``[n, tokens]``, so that batches lie one after another.

        Tokens that are in no batch go behind them.
        """
        found = np.full(len(self.images) * tokens, -1)
        found[self.rows.reshape(-1)] = np.arange(self.rows.size)
        left = np.flatnonzero(found < 0)
        found[left] = np.arange(self.rows.size, found.size)
        return found.reshape(-1, tokens)


def shuffled_buffers(
    images: int,
    tokens: int,
    batch_tokens: int,
    *,
    seed: int,
    buffer_images: int,
    block: int = 1,
    start: int = 0,
) -> Iterator[Buffer]:
    """Yield buffers for ever: each epoch is a new random order of all images, cut into buffers.

    Every epoch holds every image once. Drawing is without replacement: the tokens of a buffer are
    a random set of images (of blocks of `block` neighbours) from everywhere, in random order. Each
    buffer is drawn by a generator of its own, so skipping costs nothing.

    Args:
        images: how many there are.
        tokens: tokens an image.
        batch_tokens: rows of a batch.
        seed: of all draws.
        buffer_images: at most so many images are shuffled together.
        block: images that lie next to one another and are read together.
        start: batches to skip; the first buffer then has fewer rows.

    Raises:
        StoreError: a batch is larger than a buffer.
    """
    count = -(-images // max(1, min(buffer_images, images)))
    # As equal as they can be: no image is left over at the end of an epoch.
    edges = np.linspace(0, images, count + 1).astype(np.int64)
    sizes = np.diff(edges)
    if not images or sizes.min() * tokens < batch_tokens:
        raise StoreError(
            "a training batch is larger than the shuffle buffer",
            expected=f"batch_tokens of at most {int(sizes.min()) * tokens if images else 0}",
            got=str(batch_tokens),
            hint="lower training.batch_tokens or raise training.buffer_images",
        )
    block = max(1, min(block, buffer_images // BLOCKS))
    batches = sizes * tokens // batch_tokens
    epoch, skip = divmod(start, int(batches.sum()))
    while True:
        order: NDArray[np.int64] | None = None
        for number in range(count):
            if skip >= batches[number]:
                skip -= int(batches[number])
                continue
            if order is None:
                order = _order(images, block, _generator(seed, epoch))
            rows = _generator(seed, epoch, number).permutation(int(sizes[number]) * tokens)
            rows = rows[: batches[number] * batch_tokens].reshape(-1, batch_tokens)
            yield Buffer(np.sort(order[edges[number] : edges[number + 1]]), rows[skip:])
            skip = 0
        epoch += 1


def gather(tokens: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """Return rows ``[n, dim]`` of tokens ``[m, dim]``, in their type."""
    if tokens.device.type != "cpu":
        return tokens.index_select(0, torch.from_numpy(rows).to(tokens.device))
    # numpy takes rows three times as fast as torch's `index_select`; it knows no bfloat16, so it is
    # given the bits.
    bits = tokens.view(torch.int16 if tokens.dtype.itemsize == 2 else torch.int32).numpy()
    return torch.from_numpy(bits.take(rows, axis=0)).view(tokens.dtype)


def _order(images: int, block: int, generator: np.random.Generator) -> NDArray[np.int64]:
    if block == 1:
        return generator.permutation(images)
    # The grid of blocks moves each epoch, so that no two images are always drawn together.
    shift = int(generator.integers(block))
    starts = np.arange(-shift, images, block)
    starts = starts[generator.permutation(len(starts))]
    order = (starts[:, None] + np.arange(block)[None]).reshape(-1)
    return order[(order >= 0) & (order < images)]


def _generator(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng([seed % 2**64, *stream])
