"""The alpha map: where on the canvas a backbone pulled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from usae_viz.maximize.views import Views, coverage

EVERY = 4
"""Steps between two looks at where the views lie: enough to know, at a quarter of the cost."""
LEAST_COVERAGE = 0.1
"""Pixels looked at less often than this share of the mean count as if looked at so often."""
QUANTILE = 0.99
"""Share of pixels below the value that counts as fully opaque."""


class AlphaMap:
    """Sums up the size of one backbone's gradients, and how often its views looked where.

    Args:
        seed_of: which seed each of the n pictures is of.
        height: of the canvas, pixels.
        width: of the canvas, pixels.
        input_size: of the backbone, pixels.
        device: where the gradients are.
    """

    def __init__(
        self,
        seed_of: Sequence[int],
        height: int,
        width: int,
        input_size: int,
        device: torch.device,
    ) -> None:
        self._seed_of, self._input_size = torch.tensor(seed_of), input_size
        self._pulls = torch.zeros(len(seed_of), height, width, device=device)
        self._covered = torch.zeros(int(self._seed_of.max()) + 1, height, width)

    def pull(self, pictures: Tensor | slice, strength: Tensor) -> None:
        """Add Σ|∂/∂image| over channels, ``[k, height, width]``, of some pictures."""
        self._pulls[pictures] += strength

    def cover(self, views: Sequence[Views]) -> None:
        """Note how often the views of a step look at each pixel; one view set per seed."""
        height, width = self._covered.shape[1:]
        for seed, drawn in enumerate(views):
            self._covered[seed] += coverage(drawn, height, width, self._input_size)

    def opacity(self) -> Tensor:
        """Return ``[n, height, width]`` in [0, 1]: how strong the pull was where views looked."""
        share = self._covered / self._covered.mean((1, 2), keepdim=True)
        # Where hardly a view has looked, there is nothing to tell.
        share = share.clamp_min(LEAST_COVERAGE)[self._seed_of].to(self._pulls)
        pulls = self._pulls / share
        full = pulls.flatten(1).quantile(QUANTILE, dim=1).clamp_min(1e-12)
        return (pulls / full[:, None, None]).clamp(0, 1)
