"""The pull of one backbone on its pictures: what it gains and loses, and the gradient of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from usae_viz.backbones import Backbone
from usae_viz.errors import UsaeVizError
from usae_viz.maximize.modes import Row
from usae_viz.maximize.objective import over_tokens, token_activation
from usae_viz.maximize.penalties import descriptor, feature_distance, other_concepts, sideways
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.maximize.views import Views, apply_views
from usae_viz.sae import UniversalSAE

BATCH = 128
"""Most views in one graph, where the settings leave it open."""


@dataclass(frozen=True)
class Pulled:
    """What one backbone says about n pictures in one step.

    Attributes:
        gradient: ``[n, 3, height, width]`` of what is to fall, with respect to the images.
        activation: ``[n]``, pre-gate activation of the picture's concept, mean over views.
        share: ``[n]``, the positive part of it over tokens, as share of the natural level.
        gain: ``[n]``, what was to rise, in natural levels.
        likeness: ``[n, dim]`` descriptors, in diverse mode; else None.
    """

    gradient: Tensor
    activation: Tensor
    share: Tensor
    gain: Tensor
    likeness: Tensor | None


class Puller:
    """One backbone and the pictures it has a say in.

    Args:
        usae: the USAE.
        backbone: the backbone.
        pictures: ``[n]``, which pictures of the batch, ascending.
        concepts: ``[n, K]``, each picture's own concept and those that go along.
        weights: ``[n, K]``, their weights; all negative for a picture that is kept down here.
        levels: ``[n, K]``, natural levels of these concepts in this backbone.
        settings: how.
    """

    def __init__(
        self,
        usae: UniversalSAE,
        backbone: Backbone,
        pictures: Tensor,
        concepts: Tensor,
        weights: Tensor,
        levels: Tensor,
        settings: MaximizeSettings,
    ) -> None:
        device = backbone.mean.device
        self.usae, self.backbone, self.settings = usae, backbone, settings
        self.pictures = pictures
        self.concepts, self.weights = concepts.to(device), weights.to(device)
        self.levels = levels.to(device)
        self.raised = weights[:, 0] > 0
        self._number = over_tokens(settings.objective)
        self._read = torch.compile(backbone) if settings.compile else backbone
        wanted = settings.precision
        if wanted == "auto":
            able = device.type == "cuda" and torch.cuda.is_bf16_supported()
            wanted = "bfloat16" if able else "float32"
        self._half = wanted == "bfloat16"
        self._channels_last = settings.in_channels_last(device.type)

    def maps(self, looks: Tensor) -> Tensor:
        """Return the token maps of views ``[batch, 3, size, size]``, in float32.

        Of more views than may be in one graph, each part's is made anew on the way back: what
        follows (a likeness, a distance) sees all views of a picture at once.
        """
        parts = torch.split(looks, self.settings.batch or BATCH)
        if len(parts) == 1:
            return self._maps(looks)
        again = partial(checkpoint, self._maps, use_reentrant=False, preserve_rng_state=False)
        return torch.cat([again(part) for part in parts])

    def _maps(self, looks: Tensor) -> Tensor:
        if self._channels_last:
            looks = looks.contiguous(memory_format=torch.channels_last)
        with torch.autocast(looks.device.type, torch.bfloat16, enabled=self._half):
            maps: Tensor = self._read(looks)
        return maps.float()

    def look(self, images: Tensor, views: Views) -> Tensor:
        """Return views of images for this backbone."""
        return apply_views(images, views, self.backbone.input_size)

    def pull(
        self,
        images: Tensor,
        at: Tensor,
        seeds: Sequence[int],
        views: Sequence[Views],
        *,
        balance: Tensor,
        start: Sequence[Tensor] | None = None,
        likeness: Tensor | None = None,
    ) -> Pulled:
        """Look at some pictures through this step's views and pull at them.

        Args:
            images: ``[n, 3, height, width]``.
            at: ``[n]``, places of these pictures among `pictures`.
            seeds: ``[n]``, which views each picture is seen through, ascending.
            views: this step's views by seed.
            balance: ``[n]``, factor of what is raised.
            start: token maps of the start image by seed, in accentuate mode.
            likeness: ``[n, dim]``, sum of the descriptors of the pictures that each is to differ
                from, divided by their number, in diverse mode.

        Raises:
            UsaeVizError: the backbone gives no gradient.
        """
        device = self.backbone.mean.device
        seen = images.detach().to(device).requires_grad_()
        parts = {s: [i for i, own in enumerate(seeds) if own == s] for s in dict.fromkeys(seeds)}
        maps = self.maps(
            torch.cat([self.look(seen[own[0] : own[-1] + 1], views[s]) for s, own in parts.items()])
        )
        concepts, weights, levels = self.concepts[at], self.weights[at], self.levels[at]
        tokens = token_activation(self.usae, self.backbone.name, maps, concepts)
        activation = self._per_picture(tokens)
        positive = self._per_picture(tokens.relu())
        # What is kept down is no longer pulled at once it is below zero, so that it cannot outweigh
        # the rest for ever.
        terms = weights * torch.where(weights > 0, activation, positive) / levels
        value = (balance.to(device)[:, None] * terms).sum(1)
        gain = terms.sum(1).detach()
        if self.settings.selectivity:
            others = other_concepts(self.usae, self.backbone.name, maps, concepts) / levels[:, 0]
            value = value - self.settings.selectivity * others * self.raised.to(device)[at]
        if start is not None:
            far = [
                feature_distance(self.usae, self.backbone.name, part, start[s].to(device))
                for s, part in zip(
                    parts,
                    torch.split(maps, [len(v) * self.settings.views for v in parts.values()]),
                    strict=True,
                )
            ]
            value = value - self.settings.closeness * torch.cat(far)
        if not value.requires_grad:
            raise UsaeVizError(
                f"no gradient of {self.backbone.name}'s token map reaches the image",
                hint="look with `usae-viz doctor` for a layer that gives one",
            )
        own_likeness = None
        # Images share nothing, so the sum gives each the gradient of its own value.
        (gradient,) = torch.autograd.grad(-value.sum(), seen, retain_graph=likeness is not None)
        if likeness is not None:
            own_likeness = descriptor(self.usae, self.backbone.name, maps, concepts[:, 0])
            alike = (own_likeness * likeness.to(device)).sum(1)
            (apart,) = torch.autograd.grad(alike.sum(), seen)
            gradient += sideways(apart, gradient, self.settings.diversity * alike.detach())
            own_likeness = own_likeness.detach().to(images.device)
        return Pulled(
            gradient.to(images.device),
            activation[:, 0].detach().to(images.device),
            (positive[:, 0] / levels[:, 0]).detach().to(images.device),
            gain.to(images.device),
            own_likeness,
        )

    def _per_picture(self, tokens: Tensor) -> Tensor:
        """Return ``[n, K]`` from ``[n * views, K, grid, grid]``: objective, mean over views."""
        batch, k = tokens.shape[:2]
        numbers = self._number(tokens.flatten(0, 1)).view(batch, k)
        return numbers.view(-1, self.settings.views, k).mean(1)


def make_puller(
    usae: UniversalSAE,
    backbone: Backbone,
    asked: Tensor,
    rows: Sequence[Row],
    levels: Mapping[str, Sequence[float]] | None,
    settings: MaximizeSettings,
) -> Puller | None:
    """Return what pulls at pictures for one backbone; None if it has no say in any.

    Args:
        usae: the USAE.
        backbone: the backbone.
        asked: ``[n]``, the concept of each picture of the batch.
        rows: what each picture is of.
        levels: natural levels of every concept by backbone; None: 1 each.
        settings: how.
    """
    name, also = backbone.name, settings.also
    further = torch.tensor(list(also), dtype=torch.long).expand(len(asked), -1)
    concepts = torch.cat([asked[:, None], further], dim=1)
    weights = torch.tensor([[1.0, *also.values()]]).repeat(len(asked), 1)
    level = torch.ones(concepts.shape)
    if levels is not None:
        level = torch.as_tensor(levels[name], dtype=torch.float32)[concepts]
    for place, row in enumerate(rows):
        unknown = len(row.raised) > 1 and level[place, 0] == 0
        if name in row.lowered:
            weights[place] = -settings.suppression * weights[place].abs()
        elif name not in row.raised or unknown:
            weights[place] = 0
    # A level of 0 measures nothing; what is raised or lowered there is taken as it is.
    level = torch.where(level > 0, level, 1.0)
    (say,) = torch.nonzero(weights[:, 0], as_tuple=True)
    if not len(say):
        return None
    return Puller(usae, backbone, say, concepts[say], weights[say], level[say], settings)
