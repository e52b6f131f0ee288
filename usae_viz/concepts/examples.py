"""Images kept for every concept, a few out of all: the strongest, the joint ones, a fair sample."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.sae import SparseCode

EMPTY = -1
"""Image number of a place that is still free."""


class TokenCodes(NamedTuple):
    """One backbone's code of a batch of images, with what its values add up to by image.

    Attributes:
        code: of the batch's tokens, image after image.
        total: ``[images, concepts]`` sum of values; `peak` the largest.
        tokens: tokens of an image.
    """

    code: SparseCode
    total: Tensor
    peak: Tensor
    tokens: int


class Shelf:
    """The `places` images of highest priority for every concept, with their maps.

    What is kept does not depend on the order or the batches in which images come: equal priorities
    are decided by the images' hashes. Memory is concepts × places × tokens bytes a backbone.

    Attributes:
        priority: ``[concepts, places]``, falling; minus infinity where free.
        image: ``[concepts, places]`` number of the image, `EMPTY` where free.
        order: ``[concepts, places]`` the images' tie-breaking hashes.
        score, peak: ``[backbones, concepts, places]``.
        grid: ``[backbones, concepts, places, tokens]`` uint8, the map as a share of its peak.
            `score`, `peak` and `grid` are in this order only after `settle`.
    """

    def __init__(self, concepts: int, places: int, tokens: int, backbones: int = 1) -> None:
        shape = (backbones, concepts, places)
        self.priority = torch.full((concepts, places), -torch.inf, dtype=torch.float64)
        self.image = torch.full((concepts, places), EMPTY, dtype=torch.int64)
        self.order = torch.zeros(concepts, places, dtype=torch.int64)
        self.score, self.peak = torch.zeros(shape), torch.zeros(shape)
        self.grid = torch.zeros(*shape, tokens, dtype=torch.uint8)
        # Where the contents of each place lie: maps stay where they are when their rank changes.
        self._lies = torch.arange(places).expand(concepts, -1).clone()

    def add(
        self, priority: Tensor, numbers: Tensor, hashes: Tensor, parts: list[TokenCodes]
    ) -> None:
        """Offer a batch of images.

        Args:
            priority: ``[images, concepts]`` float64; minus infinity: not to be kept.
            numbers: ``[images]`` int64.
            hashes: ``[images]`` int64, of each image.
            parts: the codes, one a backbone of the shelf.
        """
        wanted = (priority >= self.priority[:, -1]) & (priority > -torch.inf)
        changed = wanted.any(0).nonzero().flatten()
        if not len(changed):
            return
        places, batch = self.priority.shape[1], len(numbers)
        candidates = torch.cat([self.priority[changed], priority[:, changed].T], 1)
        width = len(changed)
        ties = torch.cat([self.order[changed], hashes.expand(width, -1)], 1)
        best = _falling(candidates, ties)[:, :places]
        numbered = torch.cat([self.image[changed], numbers.expand(width, -1)], 1).gather(1, best)
        self.priority[changed] = candidates.gather(1, best)
        self.order[changed] = ties.gather(1, best)
        kept = self.priority[changed] > -torch.inf
        self.image[changed] = torch.where(kept, numbered, EMPTY)
        lies = self._relocate(changed, best)
        self._lies[changed] = lies
        row, place = ((best >= places) & kept).nonzero(as_tuple=True)
        image, concept = best[row, place] - places, changed[row]
        slot = torch.full((batch * priority.shape[1],), -1, dtype=torch.int64)
        slot[image * priority.shape[1] + concept] = torch.arange(len(image))
        at = lies[row, place]
        for i, part in enumerate(parts):
            peak = part.peak[image, concept]
            self.score[i, concept, at] = (part.total[image, concept] / part.tokens).float()
            self.peak[i, concept, at] = peak
            self.grid[i, concept, at] = _maps(part, slot, peak)

    def _relocate(self, changed: Tensor, best: Tensor) -> Tensor:
        """Return where each place of the changed rows now lies: newcomers where others went."""
        places = best.shape[1]
        fresh = best >= places
        stays = torch.zeros(len(best), places + 1, dtype=torch.bool)
        stays.scatter_(1, best.clamp_max(places), True)
        vacant = stays[:, :places].to(torch.uint8).argsort(dim=1, stable=True)
        newcomer = (fresh.cumsum(1) - 1).clamp_min(0)
        column = torch.where(fresh, vacant.gather(1, newcomer), best.clamp_max(places - 1))
        return self._lies[changed].gather(1, column)

    def settle(self) -> None:
        """Bring what is kept into the order of its priority, as the attributes say it is."""
        across = self._lies.expand(len(self.score), -1, -1)
        self.score, self.peak = self.score.gather(2, across), self.peak.gather(2, across)
        cells = across[..., None].expand(-1, -1, -1, self.grid.shape[3])
        self.grid = self.grid.gather(2, cells)
        self._lies = torch.arange(self._lies.shape[1]).expand(len(self._lies), -1).clone()

    def merge(self, other: Shelf, offset: int) -> None:
        """Add what another shelf kept of other images, whose numbers begin at `offset`."""
        self.settle()
        other.settle()
        places = self.priority.shape[1]
        priority = torch.cat([self.priority, other.priority], 1)
        ties = torch.cat([self.order, other.order], 1)
        best = _falling(priority, ties)[:, :places]
        theirs = torch.where(other.image == EMPTY, EMPTY, other.image + offset)
        self.image = torch.cat([self.image, theirs], 1).gather(1, best)
        self.priority, self.order = priority.gather(1, best), ties.gather(1, best)
        across = best.expand(len(self.score), -1, -1)
        self.score = torch.cat([self.score, other.score], 2).gather(2, across)
        self.peak = torch.cat([self.peak, other.peak], 2).gather(2, across)
        cells = across[..., None].expand(-1, -1, -1, self.grid.shape[3])
        self.grid = torch.cat([self.grid, other.grid], 2).gather(2, cells)

    def state(self) -> dict[str, Tensor]:
        """Return all tensors, as `restore` takes them."""
        self.settle()
        return {key: tensor for key, tensor in vars(self).items() if not key.startswith("_")}

    @classmethod
    def restore(cls, state: dict[str, Tensor]) -> Shelf:
        """Return the shelf that `state` gave away."""
        backbones, concepts, places, tokens = state["grid"].shape
        made = cls(concepts, places, tokens, backbones)
        vars(made).update(state)
        return made


def _falling(priority: Tensor, ties: Tensor) -> Tensor:
    """Return the columns of each row by falling priority, then by rising tie-break."""
    first = ties.argsort(dim=1, stable=True)
    return first.gather(1, priority.gather(1, first).argsort(dim=1, stable=True, descending=True))


def _maps(part: TokenCodes, slot: Tensor, peak: Tensor) -> Tensor:
    """Return uint8 maps ``[slots, tokens]`` of the (image, concept) pairs that have a slot."""
    values, indices = part.code
    token = torch.arange(len(values))
    image = token // part.tokens
    to = slot[indices + (image * (len(slot) // part.total.shape[0]))[:, None]]
    found = to >= 0
    maps = torch.zeros(len(peak), part.tokens, dtype=torch.uint8)
    level = values[found] / peak[to[found]].clamp_min(1e-6) * 255
    where = (token % part.tokens)[:, None].expand_as(to)[found]
    maps[to[found], where] = level.round().clamp(0, 255).to(torch.uint8)
    return maps
