"""What each network is trained for: one class a way of training, one loss a batch."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    binary_cross_entropy_with_logits,
    cross_entropy,
    grid_sample,
    normalize,
)

from demo_training.images import Store
from demo_training.views import two_views
from usae_viz.demo.networks import Network, prepare
from usae_viz.demo.world import FAMILIES


class Objective(Protocol):
    """A network in training."""

    modules: nn.ModuleDict
    """Everything with parameters; ``modules["network"]`` is what is kept in the end."""

    def loss(self, store: Store, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss over training images ``rows [batch]``."""
        ...


def _images(store: Store, rows: Tensor) -> Tensor:
    return torch.from_numpy(store.images[rows.numpy()]).float() / 255


def _mirror(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    flip = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(flip[:, None, None, None], images.flip(-1), images), flip


def _targets(store: Store, rows: Tensor, flip: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage ``[n, concepts, GRID, GRID]`` in [0, 1] of mirrored images, and their labels."""
    coverage = torch.from_numpy(store.coverage[rows.numpy()]).float() / 64
    coverage = torch.where(flip[:, None, None, None], coverage.flip(-1), coverage)
    return coverage, torch.from_numpy(store.labels[rows.numpy()]).float()


class ImageLabels:
    """Multi-label cross-entropy on the concepts of the whole image."""

    def __init__(self, network: Network, model: nn.Module) -> None:
        self.modules = nn.ModuleDict({"network": model.to(memory_format=torch.channels_last)})
        self._network = network
        self._columns = torch.tensor(network.concepts)

    def loss(self, store: Store, rows: Tensor, generator: torch.Generator) -> Tensor:
        """See :class:`Objective`."""
        images, _ = _mirror(_images(store, rows), generator)
        target = torch.from_numpy(store.labels[rows.numpy()]).float()[:, self._columns]
        pixels = prepare(self._network, images).contiguous(memory_format=torch.channels_last)
        logits = self.modules["network"](pixels).float()
        return binary_cross_entropy_with_logits(logits, target)


class Masks:
    """Cross-entropy of every cell of the layer that is read, through a linear head of its own.

    The image's labels through the model's own head are a share of the loss, so that the ordinary
    forward pass classifies too.

    Args:
        network: what is trained.
        model: its timm model.
        objects: how much more a cell counts that lies on an object than one on the ground.
    """

    def __init__(self, network: Network, model: nn.Module, objects: float = 1.0) -> None:
        self.modules = nn.ModuleDict(
            {
                "network": model.to(memory_format=torch.channels_last),
                "cells": nn.Conv2d(network.dim, len(network.concepts), 1),
            }
        )
        self._network = network
        self._objects = objects

    def loss(self, store: Store, rows: Tensor, generator: torch.Generator) -> Tensor:
        """See :class:`Objective`."""
        images, flip = _mirror(_images(store, rows), generator)
        coverage, labels = _targets(store, rows, flip)
        model = self.modules["network"]
        pixels = prepare(self._network, images).contiguous(memory_format=torch.channels_last)
        final, maps = model.forward_intermediates(
            pixels, indices=[self._network.layer], output_fmt="NCHW"
        )
        dense = self.modules["cells"](maps[0]).float()
        target = (2 * adaptive_avg_pool2d(coverage, self._network.grid)).clamp(max=1)
        on_object = target[:, list(FAMILIES["obj-colour"])].amax(1, keepdim=True)
        weight = 1 + (self._objects - 1) * on_object
        pooled = model.forward_head(final).float()
        return binary_cross_entropy_with_logits(
            dense, target, weight / weight.mean()
        ) + 0.5 * binary_cross_entropy_with_logits(pooled, labels)


def _projector(dim: int) -> nn.Module:
    return nn.Sequential(nn.Linear(dim, 256), nn.GELU(), nn.Linear(256, 64))


class PlaceContrast:
    """Self-supervision: know the same place again in another view of the image (InfoNCE).

    Half of each batch changes colour between the views and half does not, each with its own
    projection (cf. Xiao et al. 2021, "What should not be contrastive"), so that neither colour
    nor shape may be ignored. A second term does the same for whole images.
    """

    _TEMPERATURE = 0.12

    def __init__(self, network: Network, model: nn.Module) -> None:
        last = model.num_features
        assert isinstance(last, int)
        self._network = network
        self.modules = nn.ModuleDict(
            {
                "network": model.to(memory_format=torch.channels_last),
                "place": nn.ModuleList(_projector(network.dim) for _ in range(2)),
                "whole": nn.ModuleList(_projector(2 * last) for _ in range(2)),
            }
        )

    def loss(self, store: Store, rows: Tensor, generator: torch.Generator) -> Tensor:
        """See :class:`Objective`."""
        images = _images(store, rows)
        half = len(images) // 2
        views = two_views(images, torch.arange(len(images)) < half, generator)
        pixels = prepare(self._network, views.images.flatten(0, 1))
        final, maps = self.modules["network"].forward_intermediates(
            pixels.contiguous(memory_format=torch.channels_last),
            indices=[self._network.layer],
            output_fmt="NCHW",
        )
        grid = views.places.flatten(0, 1)[:, :, None]
        tokens = grid_sample(maps[0].float(), grid, align_corners=False)[..., 0].mT
        tokens = tokens.unflatten(0, (2, -1))  # [2, n, POINTS, dim]
        whole = torch.cat([final.mean((2, 3)), final.amax((2, 3))], 1).float()
        whole = whole.unflatten(0, (2, -1))
        total = torch.zeros(())
        for group, part in enumerate((slice(0, half), slice(half, None))):
            inside = views.inside[part]
            place = self.modules["place"][group](tokens[:, part][:, inside])
            total = total + 0.5 * self._info_nce(place)
            total = total + 0.25 * self._info_nce(self.modules["whole"][group](whole[:, part]))
        return total

    def _info_nce(self, pair: Tensor) -> Tensor:
        """Symmetric InfoNCE of ``pair [2, n, dim]``."""
        first, second = normalize(pair.float(), dim=-1).unbind(0)
        similar = first @ second.mT / self._TEMPERATURE
        target = torch.arange(len(similar))
        return 0.5 * (cross_entropy(similar, target) + cross_entropy(similar.mT, target))
