"""The balance of a shared picture: how hard each backbone may pull."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

DECAY = 0.8
"""Of the running mean of shares over steps: views differ from step to step."""
TEMPERATURE = 0.2
"""``worst``: this far above the least share, in natural levels, a backbone pulls e times less."""
LEAST = 0.1
"""``log``: shares below this count as this."""


class Balance:
    """Factors of the backbones' pulls, from how far each has brought the concept so far.

    With shares s of natural levels, ``worst`` follows the gradient of the soft minimum
    -T log Σ exp(-s / T) (times the number of backbones), ``log`` that of Σ log s, ``sum`` that of
    Σ s. The shares are a running mean over the steps before, so that the backbones can be gone
    through one after the other.

    Args:
        kind: ``worst``, ``log`` or ``sum``.
        pictures: per backbone, the pictures that it has a say in.
    """

    def __init__(self, kind: str, pictures: Mapping[str, Tensor]) -> None:
        self.kind, self.pictures = kind, dict(pictures)
        n = 1 + max(int(p.max()) for p in pictures.values())
        self._column = {name: i for i, name in enumerate(pictures)}
        self._mean = torch.zeros(n, len(pictures))
        self._says = torch.zeros(n, len(pictures), dtype=torch.bool)
        for name, who in pictures.items():
            self._says[who, self._column[name]] = True
        self._now = self._mean.clone()
        self._factors = torch.ones(n, len(pictures))
        self._begun = False

    def factors(self, name: str) -> Tensor:
        """Return the factor of one backbone for each of its pictures, mean 1 over backbones."""
        return self._factors[self.pictures[name], self._column[name]]

    def see(self, name: str, at: Tensor, share: Tensor) -> None:
        """Take note of shares of some of a backbone's pictures."""
        self._now[self.pictures[name][at], self._column[name]] = share.cpu()

    def settle(self) -> None:
        """Take this step's shares into the running mean; the factors of the next step follow."""
        self._mean = DECAY * self._mean + (1 - DECAY) * self._now if self._begun else self._now
        self._mean = self._mean.clone()
        self._begun = True
        if self.kind == "sum" or len(self.pictures) == 1:
            return
        if self.kind == "worst":
            pull = (-self._mean / TEMPERATURE).masked_fill(~self._says, -torch.inf).softmax(1)
        else:
            pull = torch.where(self._says, 1 / self._mean.clamp_min(LEAST), 0)
            pull = pull / pull.sum(1, keepdim=True)
        self._factors = pull * self._says.sum(1, keepdim=True)
