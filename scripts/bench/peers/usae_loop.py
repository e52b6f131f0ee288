"""The published USAE training step, re-implemented from its description (docs/training.md).

Dense codes, every decoder decoded and differentiated, the drawn pair alone stepped; with the
defaults also BatchNorm, L1 and an auxiliary loss that is selected once per decoder. No line is
theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PublishedLoop:
    """One training step on standardised tokens.

    Args:
        dims: channels of each backbone.
        concepts: width of the code.
        k: concepts kept per token.
        stripped: squared error and a linear encoder, no auxiliary loss.
    """

    def __init__(self, dims: Sequence[int], concepts: int, k: int, *, stripped: bool) -> None:
        self.k, self.stripped = k, stripped
        self.encoders = [nn.Linear(dim, concepts) for dim in dims]
        self.norms = [nn.BatchNorm1d(concepts) for _ in dims]
        self.rows = [nn.Parameter(torch.randn(concepts, dim)) for dim in dims]
        self.parameters = [
            [*encoder.parameters(), *([] if stripped else norm.parameters()), rows]
            for encoder, norm, rows in zip(self.encoders, self.norms, self.rows, strict=True)
        ]
        self.optimisers = [
            torch.optim.AdamW(own, lr=3e-4, weight_decay=1e-5) for own in self.parameters
        ]

    def __call__(self, batch: Mapping[str, Tensor], drawn: int) -> float:
        """Take a step with the code of backbone number `drawn`; returns the loss."""
        tokens = list(batch.values())
        before = self.encoders[drawn](tokens[drawn])
        active = (before if self.stripped else self.norms[drawn](before)).relu()
        kept = active.topk(self.k, dim=1)
        code = torch.zeros_like(active).scatter(1, kept.indices, kept.values)
        loss = tokens[0].new_zeros(())
        for target, rows in zip(tokens, self.rows, strict=True):
            normed = F.normalize(rows, dim=1)
            made = code @ normed
            if self.stripped:
                loss = loss + (target - made).square().mean()
                continue
            loss = loss + (target - made).abs().mean()
            rest = active - code
            half = rest.topk(rest.shape[1] // 2, dim=1)
            second = torch.zeros_like(rest).scatter(1, half.indices, half.values)
            residual = (target - made).detach()
            loss = loss + 0.1 * (residual - second @ normed).abs().mean()
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        for own in self.parameters:
            nn.utils.clip_grad_norm_(own, 1.0)
        self.optimisers[drawn].step()
        return loss.item()
