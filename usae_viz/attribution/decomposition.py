"""A token map taken apart: the mean, every concept's part, and what the USAE misses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.sae import SparseCode, UniversalSAE


class Decomposition:
    """A backbone's native token map of one image as mean + Σ concepts + SAE error, exactly.

    The code lives on the run's common grid and the network goes on from its own; what resampling
    loses is part of the error, so the sum is the map itself.

    Attributes:
        image: ``[1, 3, H, W]``.
        native: the map ``[1, dim, h, w]``.
        code: of the tokens on the common grid, row by row.
        mean: ``[1, dim, h, w]``, what the code 0 stands for: the mean token everywhere.
        error: ``[1, dim, h, w]``.

    Raises:
        UsageError: not one image.
    """

    @torch.no_grad()
    def __init__(self, usae: UniversalSAE, backbone: Backbone, image: Tensor) -> None:
        if image.ndim != 4 or len(image) != 1:
            raise UsageError(
                "one image is taken apart at a time",
                expected="[1, 3, H, W]",
                got=str(list(image.shape)),
            )
        self.usae, self.backbone, self.image = usae, backbone, image
        self.native = backbone.native_map(image)
        tokens = backbone(image).permute(0, 2, 3, 1).flatten(0, 2)
        self.code = usae.encode(backbone.name, tokens)
        self.mean = self.decode(self._nothing())
        self.error = self.native - self.decode(self.code)

    def decode(self, code: SparseCode) -> Tensor:
        """Return what a code of the common grid stands for, as native maps ``[1, dim, h, w]``."""
        return self.resample(self.usae.decode(self.backbone.name, code))

    def resample(self, tokens: Tensor) -> Tensor:
        """Return tokens ``[n · grid², dim]`` of the common grid as native maps, differentiably."""
        grid = self.backbone.grid
        maps = tokens.view(-1, grid, grid, tokens.shape[1]).permute(0, 3, 1, 2)
        size = self.native.shape[-2:]
        if tuple(size) == (grid, grid):
            return maps
        return F.interpolate(maps, tuple(size), mode="bilinear", antialias=True)

    def pull_back(self, gradient: Tensor) -> Tensor:
        """Return the gradient ``[grid², dim]`` by tokens for one ``[1, dim, h, w]`` by the map."""
        with torch.enable_grad():
            tokens = self.code.values.new_zeros(
                (self.backbone.grid**2, gradient.shape[1]), requires_grad=True
            )
            (pulled,) = torch.autograd.grad(self.resample(tokens), tokens, gradient)
        return pulled

    def parts(self, gradient: Tensor) -> Tensor:
        """Return each code entry's part of ⟨gradient, map − mean − error⟩, like ``code.values``."""
        rows = self.usae.rows(self.backbone.name)
        # A dictionary row moves the token by the standardisation's scale.
        pulled = self.pull_back(gradient) * self.usae.scale(self.backbone.name)
        return self.code.values * torch.einsum("tkd,td->tk", rows[self.code.indices], pulled)

    def per_concept(self, entries: Tensor) -> Tensor:
        """Return entries like ``code.values`` summed by concept: float64 ``[concepts]``, CPU."""
        total = torch.zeros(self.usae.concepts, dtype=torch.float64)
        where = self.code.indices.flatten().cpu()
        return total.index_add(0, where, entries.flatten().cpu().double())

    @property
    def present(self) -> Tensor:
        """Concepts of a positive value in some token, int64, in ascending order, on the CPU."""
        found: Tensor = torch.unique(self.code.indices[self.code.values > 0]).cpu()
        return found

    def scaled(self, factors: dict[int, float]) -> Tensor:
        """Return the map with some concepts' values multiplied, the rest and the error kept."""
        values = self.code.values.clone()
        for concept, factor in factors.items():
            values[self.code.indices == concept] *= factor
        return self.decode(SparseCode(values, self.code.indices)) + self.error

    def _nothing(self) -> SparseCode:
        return SparseCode(torch.zeros_like(self.code.values), self.code.indices)
