"""Counting codes, sparse all the way: how often, how strongly and how much together they fire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from usae_viz.sae.code import SparseCode
from usae_viz.sae.counts import Array, CodeCounts
from usae_viz.sae.universal import UniversalSAE

SCRATCH = 1 << 22
"""Values of a code that are ever dense at once, per backbone: a few tokens, whatever the width."""


class ImageSums(NamedTuple):
    """What the codes of some images add up to, image by image (B images, P pairs i < j).

    Attributes:
        fires: ``[M, B, N]`` tokens in which a concept fires; `everywhere` ``[B, N]`` in all
            backbones at once, `together` ``[P, B, N]`` in both of a pair.
        total: ``[M, B, N]`` sum of values over the image's tokens; `peak` the largest.
    """

    fires: Tensor
    everywhere: Tensor
    together: Tensor
    total: Tensor
    peak: Tensor


class CodeStatistics(CodeCounts):
    """`CodeCounts` that grow by codes; memory grows with concepts, never with tokens."""

    def __init__(self, usae: UniversalSAE, tau: float | None = None) -> None:
        super().__init__(usae.names, usae.concepts, usae.tau if tau is None else tau)
        self.pairs = [(i, j) for i in range(len(self.names)) for j in range(i + 1, len(self.names))]

    def add(self, codes: Mapping[str, SparseCode], images: int | None = None) -> ImageSums:
        """Add the codes of the same tokens from every backbone.

        Args:
            codes: values ``[n, k]`` and indices per backbone; k may differ.
            images: the tokens are those of so many images, one after the other, equally many of
                each; None: of no image in particular, so that image counts stay as they are.
        """
        ordered = [codes[name] for name in self.names]
        n, count = len(ordered[0].values), images or 1
        keys = [self._keys(code, count) for code in ordered]
        values = [code.values.flatten() for code in ordered]
        fires = [value > self.tau for value in values]
        partners, lowest = self._meet(ordered)

        def sums(index: Tensor, weights: Tensor | None = None, rows: int = count) -> Tensor:
            found = torch.bincount(index, weights, minlength=rows * self.concepts)
            return found.double().view(rows, self.concepts)

        together = []
        for (i, j), other in partners.items():
            both = fires[i] & (other > self.tau)
            together.append(sums(keys[i][both]))
            concepts = ordered[i].indices.flatten()
            product = _plain(sums(concepts, values[i].double() * other.double(), 1)[0])
            self.products[i, j] += product
            self.products[j, i] += product
        found = ImageSums(
            fires=torch.stack([sums(k[f]) for k, f in zip(keys, fires, strict=True)]),
            everywhere=sums(keys[0][lowest > self.tau]),
            together=torch.stack(together) if together else torch.zeros(0, count, self.concepts),
            total=torch.stack([sums(k, v.double()) for k, v in zip(keys, values, strict=True)]),
            peak=torch.stack(
                [
                    v.new_zeros(count * self.concepts)
                    .scatter_reduce_(0, k, v, "amax")
                    .view(count, self.concepts)
                    for k, v in zip(keys, values, strict=True)
                ]
            ),
        )
        self._count(found, n, images)
        for i, code in enumerate(ordered):
            concepts = code.indices.flatten()
            self.products[i, i] += _plain(sums(concepts, values[i].double().square(), 1)[0])
            self.histogram[i] += self._by_value(concepts, values[i])
        self.joint_histogram += self._by_value(ordered[0].indices.flatten(), lowest)
        return found

    def energy(self, usae: UniversalSAE) -> Array:
        """Return ``[M, N]``: ‖E[Z_k] D_k‖² (paper eq. 9), in standardised units."""
        return self.mean() ** 2 * row_squares(usae)

    def _keys(self, code: SparseCode, images: int) -> Tensor:
        """Return for each value its place in ``[images, concepts]``, flattened."""
        n = len(code.values)
        image = torch.arange(n, device=code.indices.device) // max(n // images, 1)
        return (code.indices + image[:, None] * self.concepts).flatten()

    def _meet(self, codes: list[SparseCode]) -> tuple[dict[tuple[int, int], Tensor], Tensor]:
        """Return backbone j's value wherever i has one, by pair, and the lowest of all at 0's."""
        found: dict[tuple[int, int], list[Tensor]] = {pair: [] for pair in self.pairs}
        lowest: list[Tensor] = []
        n = len(codes[0].values)
        step = max(1, min(n, SCRATCH // self.concepts))
        scratch = [code.values.new_zeros(step, self.concepts) for code in codes]
        for start in range(0, n, step):
            parts = [
                SparseCode(code.values[start : start + step], code.indices[start : start + step])
                for code in codes
            ]
            for dense, part in zip(scratch, parts, strict=True):
                dense[: len(part.values)].scatter_(1, part.indices, part.values)
            least = parts[0].values
            for (i, j), others in found.items():
                other = scratch[j][: len(least)].gather(1, parts[i].indices)
                others.append(other.flatten())
                if i == 0:
                    least = torch.minimum(least, other)
            lowest.append(least.flatten())
            for dense, part in zip(scratch, parts, strict=True):
                dense[: len(part.values)].scatter_(1, part.indices, 0.0)
        empty = codes[0].values.new_zeros(0)
        joined = {pair: torch.cat([*others, empty]) for pair, others in found.items()}
        return joined, torch.cat([*lowest, empty])

    def _count(self, found: ImageSums, tokens: int, images: int | None) -> None:
        self.tokens += tokens
        fires, together = _plain(found.fires.sum(1)), _plain(found.together.sum(1))
        self.fires += fires
        self.all_fire += _plain(found.everywhere.sum(0))
        self.total += _plain(found.total.sum(1))
        np.maximum(self.maximum, _plain(found.peak.amax(1)), out=self.maximum)
        for i, own in enumerate(fires):
            self.pair_fires[i, i] += own
        for (i, j), both in zip(self.pairs, together, strict=True):
            self.pair_fires[i, j] += both
            self.pair_fires[j, i] += both
        if images is None:
            return
        self.images += images
        seen = found.fires > 0
        self.image_fires += _plain(seen.sum(1))
        self.image_all_fire += _plain(seen.all(0).sum(0))
        for i in range(len(self.names)):
            for j in range(len(self.names)):
                self.image_pair_fires[i, j] += _plain((seen[i] & seen[j]).sum(0))

    def _by_value(self, concepts: Tensor, values: Tensor) -> Array:
        bins = len(self.edges) + 1
        positive = values > 0
        edges = torch.from_numpy(self.edges).to(values.device, values.dtype)
        place = torch.bucketize(values[positive], edges)
        counted = torch.bincount(concepts[positive] * bins + place, minlength=self.concepts * bins)
        return _plain(counted).reshape(self.concepts, bins)


def row_squares(usae: UniversalSAE) -> Array:
    """Return ``[M, N]``: squared norms of the dictionaries' rows, in standardised units."""
    return np.stack([_plain(usae.rows(name).detach().square().sum(1)) for name in usae.names])


def _plain(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy().astype(np.float64)
