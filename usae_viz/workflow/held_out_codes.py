"""The codes that several models give to the same held-out tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.concepts.chance import image_words, mixed, uniforms
from usae_viz.concepts.comparison import Dictionary
from usae_viz.concepts.units import ChannelSums, shared_units
from usae_viz.errors import RunError
from usae_viz.sae import UniversalSAE
from usae_viz.sae.consistency import Floats, correlations
from usae_viz.workflow.progress import Progress

BATCH_IMAGES = 16

Alone = list[dict[str, UniversalSAE]]
"""By seed, by backbone: an SAE that reads it."""


class HeldOutCodes:
    """What every model makes of the same held-out tokens, kept sparse.

    Args:
        usae: names the backbones, and gives their standardisation.
        tau: a concept fires above this.
        models: of all backbones, by what they are called here.
        alone: by seed, by backbone, an SAE that reads it: called ``alone-0`` and so on.
        place: where the models are, and tokens are read.

    Attributes:
        count: tokens read.
    """

    def __init__(
        self,
        usae: UniversalSAE,
        tau: float,
        models: Mapping[str, UniversalSAE],
        alone: Alone,
        place: torch.device,
    ) -> None:
        self.usae, self.tau, self.place, self.count = usae, tau, place, 0
        self._models = [
            *((kind, name, model) for kind, model in models.items() for name in usae.names),
            *((f"alone-{i}", name, model.to(place)) for i, each in enumerate(alone)
              for name, model in each.items()),
        ]  # fmt: skip
        self._parts: dict[tuple[str, str], list[csr_matrix]] = {}
        self._values: dict[tuple[str, str], csr_matrix] = {}
        self._channels = ChannelSums(usae.dims)
        self._shifted = ChannelSums(usae.dims)

    def read(self, store: ActivationStore, tokens: int, progress: Progress | None) -> int:
        """Encode held-out images of the store; returns how many."""
        ids = store.ids("validation")
        wanted = max(1, tokens // store.tokens_per_image)
        draws = uniforms(mixed(image_words(ids), 4)) if ids else np.zeros(0)
        chosen = {ids[i] for i in np.argsort(draws, kind="stable")[:wanted]}
        done = 0
        for batch in _images(store, chosen):
            self._add(batch)
            done += len(next(iter(batch.values())))
            if progress:
                progress("encoding", done, len(chosen))
        if not done:
            raise RunError("there are no held-out images", hint="raise images.validation")
        self._values = {key: vstack(parts, format="csr") for key, parts in self._parts.items()}
        self._parts.clear()
        return done

    def _add(self, batch: Mapping[str, Tensor]) -> None:
        rows = {name: tokens.flatten(0, 1).to(self.place) for name, tokens in batch.items()}
        self.count += len(next(iter(rows.values())))
        for kind, name, model in self._models:
            values, indices = (part.cpu() for part in model.encode(name, rows[name]))
            fires = values > self.tau
            ends = np.concatenate([[0], fires.sum(1).cumsum(0).numpy()])
            made = csr_matrix(
                (values[fires].numpy(), indices[fires].to(torch.int32).numpy(), ends),
                shape=(len(values), model.concepts),
            )
            self._parts.setdefault((kind, name), []).append(made)
        images = {name: self.usae.standardise(name, rows[name]).cpu() for name in rows}
        self._channels.add(images)
        count = len(next(iter(batch.values())))
        if count >= len(images):
            # Each backbone sees other images than the one before it, at the same places.
            self._shifted.add({
                name: t.view(count, -1, t.shape[1]).roll(i, 0).flatten(0, 1)
                for i, (name, t) in enumerate(images.items())
            })  # fmt: skip

    def dictionary(self, kind: str, model: UniversalSAE, name: str) -> Dictionary:
        """Return a model's rows of a backbone, and where its concepts fire."""
        fires = self._values[kind, name].copy()
        fires.data = np.ones_like(fires.data)
        return Dictionary(model.rows(name).detach().cpu(), fires)

    def units(self) -> dict[str, Any]:
        """Return what backbones share by channels, by independent concepts, and by this run's."""
        names = self.usae.names
        pairs = list(combinations(names, 2))

        def codes(kind: str) -> dict[tuple[str, str], Floats]:
            return {
                (a, b): correlations(self._values[kind, a], self._values[kind, b]) for a, b in pairs
            }

        own, alone = codes("universal"), codes("alone-0")
        channels, shifted = (
            {pair: sums.correlation(*pair) for pair in pairs}
            for sums in (self._channels, self._shifted)
        )
        return {
            "channels": shared_units(names, channels),
            "channels_of_other_images": shared_units(names, shifted),
            "independent": shared_units(names, alone),
            "universal": shared_units(names, own),
            "universal_by_number": shared_units(names, own, by_number=True),
        }


def _images(store: ActivationStore, chosen: set[str]) -> Iterator[dict[str, Tensor]]:
    for ids, rows in store.image_batches("validation", BATCH_IMAGES):
        keep = torch.tensor([image_id in chosen for image_id in ids])
        if keep.any():
            yield {name: tokens[keep] for name, tokens in rows.items()}
