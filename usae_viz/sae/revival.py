"""Concepts that fell silent are brought back by what the code leaves over (AuxK of dead latents).

Gao et al. 2024 (arXiv 2406.04093): silent concepts alone reconstruct the residual. They get a
gradient without a place in the code, and those that are negative everywhere are raised, so nothing
that works is disturbed and the loss does not jump, as it does where concepts are drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.sae.code import SparseCode, top_k, weighted_rows
from usae_viz.sae.encoding import Encoder
from usae_viz.sae.ranks import Ranks
from usae_viz.sae.sparse import Support, Tokens

SILENT_AFTER = 500_000
"""A concept counts as silent that no token of this many has kept."""

MOST = 256
"""Silent concepts brought back at a time, the longest silent first; bounds the loss's cost."""


class Revival:
    """Counts how long each concept has been silent; a loss for those that are.

    Args:
        concepts: width of the code.
        device: of the model.
        ranks: the processes that train together, which count together.
    """

    def __init__(self, concepts: int, device: torch.device, ranks: Ranks) -> None:
        self.ranks = ranks
        self.silent = torch.zeros(concepts, dtype=torch.int64, device=device)
        """Tokens since each concept was last kept."""

    @torch.no_grad()
    def count(self, values: Tensor, support: Support) -> None:
        """Take note of which concepts a batch's code keeps."""
        kept = torch.zeros_like(self.silent)
        kept.scatter_add_(0, support.flat, (values.reshape(-1) > 0).long())
        self.ranks.sum_(kept)
        self.silent.add_(len(values) * self.ranks.count).masked_fill_(kept > 0, 0)

    def loss(
        self,
        encoder: Encoder,
        own: Tokens,
        rows: Mapping[str, Tensor],
        targets: Mapping[str, Tokens],
        values: Tensor,
        support: Support,
    ) -> Tensor | None:
        """Return the silent concepts' error on the residual as a share of it, or None without any.

        Args:
            encoder: of the drawn backbone.
            own: tokens of that backbone.
            rows: dictionary of each backbone ``[concepts, dim]``.
            targets: tokens of each backbone that the code reconstructs.
            values: of the code ``[n, k]``.
            support: concepts of the code.
        """
        # The one look at the device; as many as are looked after at most.
        longest, which = self.silent.topk(min(MOST, len(self.silent)))
        which = which[longest >= SILENT_AFTER]
        if not len(which):
            return None
        n = len(values)
        pre_gate = F.linear(own.rows(0, n), encoder.weight[which], encoder.bias[which])
        best = top_k(pre_gate, min(support.indices.shape[1], len(which)))
        second = torch.zeros_like(pre_gate).scatter(1, best.indices, best.values)
        code = SparseCode(values.detach(), support.indices)
        # Where a concept is negative on every token, nothing else would raise it.
        total = (-pre_gate).relu().mean()
        for name, target in targets.items():
            residual = target.rows(0, n) - weighted_rows(code, rows[name].detach())
            error = residual - second @ rows[name][which]
            total = total + error.square().mean() / residual.square().mean().clamp_min(1e-12)
        return total
