"""One streaming pass over codes: all that is known of every concept, in memory that stays flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from usae_viz.concepts.bootstrap import Bootstrap
from usae_viz.concepts.chance import Words, image_words, mixed, uniforms
from usae_viz.concepts.examples import Shelf, TokenCodes
from usae_viz.concepts.neighbours import TokenSample
from usae_viz.errors import UsageError
from usae_viz.sae import CodeStatistics, SparseCode, UniversalSAE
from usae_viz.sae.counts import Array, CodeCounts
from usae_viz.sae.statistics import ImageSums

TOP, SAMPLE, JOINT = 9, 12, 6
"""Images kept per concept: the strongest, a fair sample (both per backbone), and joint ones."""


class ConceptPass:
    """What a pass over a dataset gathers; parts of it (shards, ranks) may be gathered apart.

    Memory grows with concepts (times kept images and their tokens), never with images. Whatever
    is gathered does not depend on the order of images, the size of batches or the number of parts.

    Args:
        usae: gives backbones, width and τ.
        tokens: tokens of an image.
        tau: a concept fires where its value exceeds this; default: the model's own.
        top: images of the largest mean over tokens, kept per concept and backbone.
        sample: images drawn by chance from all that fire the concept, per concept and backbone.
        joint: images of the largest minimum over the backbones, per concept.
        labels: names of labels that images carry.
    """

    def __init__(
        self,
        usae: UniversalSAE,
        tokens: int,
        *,
        tau: float | None = None,
        top: int = TOP,
        sample: int = SAMPLE,
        joint: int = JOINT,
        labels: Sequence[str] = (),
    ) -> None:
        n, names = usae.concepts, usae.names
        self.names, self.tokens, self.labels = names, tokens, tuple(labels)
        self.ids: list[str] = []
        self.counts = CodeStatistics(usae, tau)
        self.bootstrap = Bootstrap(names, n, self.counts.tau)
        self.pairs = TokenSample()
        self.shelves = {f"top/{name}": Shelf(n, top, tokens) for name in names}
        self.shelves |= {f"sample/{name}": Shelf(n, sample, tokens) for name in names}
        self.shelves["joint"] = Shelf(n, joint, tokens, len(names))
        self.label_fires: Array = np.zeros((len(names), len(labels), n))
        self.label_images: Array = np.zeros(len(labels))

    @torch.no_grad()
    def add(
        self, ids: Sequence[str], codes: Mapping[str, SparseCode], labels: Tensor | None = None
    ) -> None:
        """Add the codes of some images.

        Args:
            ids: the images' content hashes.
            codes: per backbone the code of their tokens, image after image.
            labels: ``[images, labels]`` bool.

        Raises:
            UsageError: the codes are not of `tokens` tokens an image.
        """
        count = len(ids)
        for name in self.names:
            if len(codes[name].values) != count * self.tokens:
                raise UsageError(
                    f"codes of {name} do not fit their images",
                    expected=f"{count} images of {self.tokens} tokens",
                    got=f"{len(codes[name].values)} tokens",
                )
        if not count:
            return
        sums = ImageSums(*(part.cpu() for part in self.counts.add(codes, count)))
        here = {n: SparseCode(*(part.cpu() for part in codes[n])) for n in self.names}
        words = image_words(ids)
        self.bootstrap.add(words, sums, self.tokens)
        self.pairs.add(words, here, self.tokens)
        self._keep(words, sums, here)
        if labels is not None and self.labels:
            holds = labels.double()
            self.label_images += holds.sum(0).numpy()
            for i, fires in enumerate(sums.fires > 0):
                self.label_fires[i] += (holds.T.float() @ fires.float()).double().numpy()
        self.ids += ids

    def _keep(self, words: Words, sums: ImageSums, codes: Mapping[str, SparseCode]) -> None:
        numbers = torch.arange(len(self.ids), len(self.ids) + len(words))
        hashes = torch.from_numpy(words.view(np.int64))
        concepts = np.arange(self.counts.concepts, dtype=np.uint64) << np.uint64(40)
        drawn = torch.from_numpy(uniforms(mixed(mixed(words, 0)[:, None] ^ concepts, 1)))
        never = torch.tensor(-torch.inf, dtype=torch.float64)
        parts = [
            TokenCodes(codes[name], sums.total[i], sums.peak[i], self.tokens)
            for i, name in enumerate(self.names)
        ]
        for i, (name, part) in enumerate(zip(self.names, parts, strict=True)):
            score = part.total / self.tokens
            self.shelves[f"top/{name}"].add(
                torch.where(score > 0, score, never), numbers, hashes, [part]
            )
            self.shelves[f"sample/{name}"].add(
                torch.where(sums.fires[i] > 0, drawn, never), numbers, hashes, [part]
            )
        least = sums.total.amin(0) / self.tokens
        self.shelves["joint"].add(torch.where(least > 0, least, never), numbers, hashes, parts)

    def merge(self, other: ConceptPass) -> None:
        """Add what was gathered over other images."""
        offset = len(self.ids)
        CodeCounts.merge(self.counts, other.counts)
        self.bootstrap.merge(other.bootstrap)
        self.pairs.merge(other.pairs)
        for key, shelf in self.shelves.items():
            shelf.merge(other.shelves[key], offset)
        self.label_fires += other.label_fires
        self.label_images += other.label_images
        self.ids += other.ids

    def state(self) -> tuple[dict[str, Tensor], list[str]]:
        """Return everything gathered as tensors, and the ids of the images."""
        found: dict[str, Any] = {f"counts/{k}": v for k, v in self.counts.arrays().items()}
        found |= {
            f"bootstrap/{key}": getattr(self.bootstrap, key)
            for key in ("tokens", "fires", "everywhere", "together")
        }
        found |= {"label_fires": self.label_fires, "label_images": self.label_images}
        tensors = {key: torch.from_numpy(_signed(value)) for key, value in found.items()}
        for key, shelf in self.shelves.items():
            tensors |= {f"shelf/{key}/{part}": t for part, t in shelf.state().items()}
        tensors |= {f"pairs/{key}": t for key, t in self.pairs.state().items()}
        return {key: tensor.contiguous() for key, tensor in tensors.items()}, list(self.ids)

    def restore(self, tensors: Mapping[str, Tensor], ids: Sequence[str]) -> ConceptPass:
        """Take what the `state` of a pass of the same settings holds; returns this pass."""
        counts = {k.removeprefix("counts/"): t.numpy() for k, t in tensors.items()
                  if k.startswith("counts/")}  # fmt: skip
        loaded = CodeCounts.restore(self.names, self.counts.tau, counts)
        CodeCounts.merge(self.counts, loaded)
        for key in ("tokens", "fires", "everywhere", "together"):
            getattr(self.bootstrap, key)[...] = tensors[f"bootstrap/{key}"].numpy()
        self.label_fires[...] = tensors["label_fires"].numpy()
        self.label_images[...] = tensors["label_images"].numpy()
        for key in self.shelves:
            head = f"shelf/{key}/"
            parts = {k.removeprefix(head): t for k, t in tensors.items() if k.startswith(head)}
            self.shelves[key] = Shelf.restore(parts)
        self.pairs.restore(
            {k.removeprefix("pairs/"): t for k, t in tensors.items() if k.startswith("pairs/")}
        )
        self.ids = list(ids)
        return self


def _signed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return unsigned integers as int64, which torch knows everything of."""
    return array.astype(np.int64) if array.dtype.kind == "u" else array
