"""Training without a store: tokens straight from the networks through a shuffle buffer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.activations.live import live_tokens, refuse_unstorable
from usae_viz.activations.manifest import STATISTICS, describe_preprocessing, digest
from usae_viz.activations.shard import Split, describe_dtype, ids_sha256
from usae_viz.activations.shuffle import gather, shuffled_buffers
from usae_viz.activations.statistics import Moments, Statistics, read_moments, write_moments
from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource, split_ids
from usae_viz.recipe import Recipe


class ActivationStream:
    """What `ActivationStore` gives, from the networks; only one buffer of tokens is ever held.

    Tokens are rounded to the recipe's ``activations.dtype``, so that a training sees what a store
    would have held; with the same seed it sees the same buffers of images in the same order as from
    a store of the same images whose blocks are single images. Every epoch runs the networks again.

    Args:
        recipe: what to read, how.
        backbones: the recipe's, by name.
        source: the images.
        folder: where the statistics are kept, once they are computed.
    """

    def __init__(
        self, recipe: Recipe, backbones: Mapping[str, Backbone], source: ImageSource, folder: Path
    ) -> None:
        self._recipe, self._backbones, self._source = recipe, backbones, source
        self._folder = folder
        self._dtype = describe_dtype(recipe.activations.dtype)
        self._train = self.ids("train")
        self.names = tuple(backbones)
        self.tokens_per_image = recipe.activations.grid**2
        if not self._train:
            raise StoreError("there is no training image", hint="lower images.validation")

    def ids(self, split: Split) -> list[str]:
        """Return the ids of the images of one split; some may turn out to be unreadable."""
        return split_ids(self._source, split, self._recipe.images.validation)

    def statistics(self) -> dict[str, Statistics]:
        """Return the standardisation of each backbone.

        It is that of ``activations.statistics_images`` training images, drawn by the recipe's seed;
        computed once and kept beside the run, for a resume must not standardise in another way.
        """
        images = min(self._recipe.activations.statistics_images, len(self._train))
        chosen = self._draw(images, self._recipe.seed)
        of = digest(
            {
                "preprocessing": describe_preprocessing(self._recipe, self._backbones),
                "images": ids_sha256([self._train[i] for i in chosen]),
            }
        )
        path = self._folder / STATISTICS
        moments = read_moments(path, self.names, of)
        if moments is None:
            moments = {name: Moments(backbone.dim) for name, backbone in self._backbones.items()}
            for _, rows in self._live([self._train[i] for i in chosen]):
                for name, tokens in rows.items():
                    moments[name].add(tokens.flatten(0, 1))
            write_moments(path, moments, of)
        return {name: part.statistics() for name, part in moments.items()}

    def image_batches(
        self, split: Split, size: int
    ) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
        """Yield ids and float32 tokens ``[batch, tokens, dim]`` per backbone."""
        for ids, rows in live_tokens(self._backbones, self._source, self.ids(split), size):
            yield ids, {name: tokens.to(self._dtype).float() for name, tokens in rows.items()}

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled training batches: ``[batch_tokens, dim]`` per backbone.

        As `ActivationStore.token_batches`, one buffer at a time: the networks fill it with images
        drawn from all over the source, then its tokens are given in random order, then the next is
        filled. An image that cannot be read gives way to another one of its buffer, so the number
        of batches does not depend on it and `start` skips whole buffers at no cost; the buffer that
        it leads into is computed again. The same seed gives the same batches, on one kind of
        processor and number of threads.

        Raises:
            StoreError: a batch is larger than a buffer; no image of a buffer was readable.
        """
        plan = shuffled_buffers(
            len(self._train),
            self.tokens_per_image,
            batch_tokens,
            seed=seed,
            buffer_images=buffer_images,
            start=start,
        )
        for buffer in plan:
            tokens, places = self._read(buffer.images)
            for rows in buffer.rows:
                image, position = np.divmod(rows, self.tokens_per_image)
                chosen = places[image] * self.tokens_per_image + position
                yield {name: gather(values, chosen) for name, values in tokens.items()}

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return one paired random sample, float32 ``[tokens, dim]`` per backbone.

        Fewer than `tokens` if there are no more. At most 8 on average come from one image.
        """
        per_image = min(8, self.tokens_per_image)
        images = max(1, min(len(self._train), -(-tokens // per_image)))
        values, places = self._read(self._draw(images, seed))
        readable = len(np.unique(places)) * self.tokens_per_image
        rows = np.random.default_rng([seed % 2**64, images]).permutation(readable)[:tokens]
        return {name: gather(part, rows).float() for name, part in values.items()}

    def _draw(self, images: int, seed: int) -> NDArray[np.int64]:
        generator = np.random.default_rng([seed % 2**64, len(self._train)])
        return np.sort(generator.choice(len(self._train), images, replace=False))

    def _read(self, images: NDArray[np.int64]) -> tuple[dict[str, Tensor], NDArray[np.int64]]:
        """Return tokens ``[readable * tokens, dim]``, and for each of `images` its place in them.

        An unreadable image is given the place of a readable one.
        """
        wanted = [self._train[i] for i in images]
        space = {
            name: torch.empty((len(wanted), self.tokens_per_image, backbone.dim), dtype=self._dtype)
            for name, backbone in self._backbones.items()
        }
        found: dict[str, int] = {}
        for ids, rows in self._live(wanted):
            for name, tokens in rows.items():
                space[name][len(found) : len(found) + len(ids)] = tokens
            found |= {image_id: len(found) + n for n, image_id in enumerate(ids)}
        if not found:
            raise StoreError(
                "no image could be read",
                got="; ".join(f"{where}: {why}" for where, why in self._source.problems[:3]),
            )
        places = [found.get(image_id, n % len(found)) for n, image_id in enumerate(wanted)]
        read = {name: values[: len(found)].flatten(0, 1) for name, values in space.items()}
        return read, np.array(places)

    def _live(self, ids: Sequence[str]) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
        """Yield tokens as they would be stored."""
        size = self._recipe.activations.batch_images
        for found, rows in live_tokens(self._backbones, self._source, ids, size, self._dtype):
            for name, tokens in rows.items():
                if not torch.isfinite(tokens).all():
                    images = self._source.read(found).images
                    refuse_unstorable(self._backbones[name], images, self._dtype)
            yield found, rows
