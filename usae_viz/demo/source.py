"""The built-in world as an image source: ``world:images=6000,seed=0,first=0``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from usae_viz.demo.world import CONCEPTS, World
from usae_viz.errors import ImageSourceError, did_you_mean
from usae_viz.images import ImageBatch, ImageProblem
from usae_viz.recipe import ImagesSpec

VERSION = 1
"""Part of every id: raise it when the same seed and index give another picture."""


class WorldSource:
    """Images of the built-in world with their labels; see `ImageSource`.

    ``where`` is a list of settings: ``images`` (how many, default 6000), ``seed`` (of the world,
    default 0), ``first`` (index of the first image, default 0). An image is fixed by world seed,
    index and canvas; its id is the sha256 over these.

    Raises:
        ImageSourceError: an unknown setting, or one that is no number.
    """

    label_names: tuple[str, ...] = CONCEPTS
    mask_names: tuple[str, ...] = CONCEPTS

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        settings = {"images": 6000, "seed": 0, "first": 0}
        for part in filter(None, where.split(",")):
            key, _, value = part.partition("=")
            if key not in settings or not value.isdigit():
                raise ImageSourceError(
                    f"world:{where} cannot be read at {part!r}",
                    expected="world:images=N,seed=N,first=N",
                    hint=did_you_mean(key, settings),
                )
            settings[key] = int(value)
        if settings["images"] < 1:
            raise ImageSourceError("world:images=0 holds no image", expected="at least 1")
        self._world = World(size=spec.canvas, seed=settings["seed"])
        self._index = {
            _id(settings["seed"], index, spec.canvas): index
            for index in range(settings["first"], settings["first"] + settings["images"])
        }
        self.ids = tuple(sorted(self._index)[: spec.limit])
        self.problems: list[ImageProblem] = []

    def read(self, ids: Sequence[str]) -> ImageBatch:
        """Render images."""
        batch = self._world.render([self._index[i] for i in ids], masks=False)
        images = (batch.images * 255).round().to(torch.uint8)
        return ImageBatch(list(ids), images, batch.labels)

    def labels(self, ids: Sequence[str]) -> Tensor:
        """Return the images' labels ``[images, concepts]`` bool, without rendering them."""
        return self._world.labels([self._index[i] for i in ids])

    def masks(self, ids: Sequence[str]) -> Tensor:
        """Return where each concept is: bool ``[images, concepts, canvas, canvas]``."""
        masks = self._world.render([self._index[i] for i in ids], masks=True).masks
        assert masks is not None
        return masks

    def where(self, image_id: str) -> str:
        """Return which image of the world this is."""
        return f"world image {self._index[image_id]}"


def _id(seed: int, index: int, canvas: int) -> str:
    return hashlib.sha256(f"world/{VERSION}/{seed}/{index}/{canvas}".encode()).hexdigest()
