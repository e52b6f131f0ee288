"""Gates in training: which of a token's candidates are kept, and how a threshold learns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from usae_viz.sae.code import largest_entries
from usae_viz.sae.ranks import Ranks
from usae_viz.sae.universal import UniversalSAE

BANDWIDTH = 0.2
"""Width of the window around a threshold in which pre-gate activations move it, standardised."""

MEMORY = 0.01
"""Share of the newest batch in BatchTopK's stored threshold."""


class TopK:
    """The k largest of each token."""

    def __init__(self, usae: UniversalSAE) -> None:
        self.usae = usae
        self.width = usae.k
        """Candidates per token that the gate wants to see."""

    def choose(self, drawn: int, indices: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is kept of the candidates, ``[n, at most width]`` each.

        Args:
            drawn: number of the backbone.
            indices: candidates ``[n, width]``.
            known: their pre-gate activations.
        """
        del drawn
        return indices, known

    def values(self, drawn: int, pre_gate: Tensor, indices: Tensor) -> Tensor:
        """Return the code's values of pre-gate activations ``[n, kept]``, differentiable."""
        del drawn, indices
        return pre_gate.relu()

    def penalty(self, drawn: int, pre_gate: Tensor, indices: Tensor) -> Tensor | None:
        """Return what the gate adds to the loss, if anything."""
        del drawn, pre_gate, indices
        return None


class BatchTopK(TopK):
    """The k·n largest of a batch of n tokens (arXiv 2412.06410).

    A running mean of the smallest value kept is the model's threshold, by which single tokens are
    read later.
    """

    def __init__(self, usae: UniversalSAE, ranks: Ranks) -> None:
        super().__init__(usae)
        self.width, self.ranks = usae.limit, ranks
        self._edge = torch.zeros(())

    def choose(self, drawn: int, indices: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Find the batch's smallest value kept; leave out columns that nobody needs."""
        self._edge = _edge(self.usae.k, known, self.ranks).clamp_min(0)
        threshold = self.usae.threshold[drawn].data
        # At the first batch there is nothing to remember.
        share = torch.where(threshold[0] == 0, 1.0, MEMORY)
        threshold.add_(share * (self._edge - threshold))
        # The same on all ranks: what agrees at a column that is not kept counts as well.
        needed = max(1, self.ranks.largest((known >= self._edge).sum(1).max()))
        best = largest_entries(known, needed)
        return indices.gather(1, best), known.gather(1, best)

    def values(self, drawn: int, pre_gate: Tensor, indices: Tensor) -> Tensor:
        """Return what lies above the batch's threshold."""
        del drawn, indices
        return torch.where(pre_gate >= self._edge, pre_gate, 0).relu()


class JumpReLU(TopK):
    """A learnt threshold a concept and backbone (arXiv 2407.14435).

    Thresholds learn through straight-through estimators with a rectangular kernel. The penalty is
    the paper's for a target: (mean number kept / k − 1)².
    """

    def __init__(self, usae: UniversalSAE, ranks: Ranks) -> None:
        super().__init__(usae)
        self.width, self.ranks = usae.limit, ranks
        self._set: set[int] = set()

    def choose(self, drawn: int, indices: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Keep all candidates; the first batch sets thresholds that keep k of them on average."""
        threshold = self.usae.threshold[drawn].data
        if drawn not in self._set:
            if not bool(threshold.any()):
                threshold.fill_(float(_edge(self.usae.k, known, self.ranks).clamp_min(1e-3)))
            self._set.add(drawn)
        return indices, known

    def values(self, drawn: int, pre_gate: Tensor, indices: Tensor) -> Tensor:
        """Return what lies above each concept's threshold."""
        found: Tensor = _Jump.apply(pre_gate, self._thresholds(drawn, indices))
        return found

    def penalty(self, drawn: int, pre_gate: Tensor, indices: Tensor) -> Tensor | None:
        """Return (mean number kept / k − 1)², the mean over the tokens of all ranks."""
        count: Tensor = _Count.apply(pre_gate, self._thresholds(drawn, indices))
        own_sums = torch.stack([count.detach(), count.new_tensor(len(indices))])
        kept, tokens = self.ranks.sum_(own_sums)
        over: Tensor = kept / (self.usae.k * tokens) - 1
        own = count / (self.usae.k * len(indices))
        # A rank's share of the gradient: averaged over ranks it is that of the square.
        return over.square() + 2 * over * (own - own.detach())

    def _thresholds(self, drawn: int, indices: Tensor) -> Tensor:
        learnt: Tensor = self.usae.threshold[drawn]
        return learnt.index_select(0, indices.flatten()).view_as(indices).clamp_min(0)


def gate_of(usae: UniversalSAE, ranks: Ranks) -> TopK:
    """Return the gate of a model's variant."""
    if usae.gate == "batchtopk":
        return BatchTopK(usae, ranks)
    return JumpReLU(usae, ranks) if usae.gate == "jumprelu" else TopK(usae)


def _edge(k: int, known: Tensor, ranks: Ranks) -> Tensor:
    """Return the smallest of the k·n largest candidates ``[n, width]`` of the whole batch."""
    flat = ranks.gathered(known.flatten())
    kept = k * (len(flat) // known.shape[1])
    return flat.kthvalue(len(flat) - kept + 1).values


def _window(pre_gate: Tensor, threshold: Tensor) -> Tensor:
    return ((pre_gate - threshold).abs() < BANDWIDTH / 2) / BANDWIDTH


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre_gate: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(pre_gate, threshold)
        return pre_gate * (pre_gate > threshold)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        pre_gate, threshold = ctx.saved_tensors
        moved = -threshold * _window(pre_gate, threshold) * gradient
        return gradient * (pre_gate > threshold), moved


class _Count(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre_gate: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(pre_gate, threshold)
        return (pre_gate > threshold).sum().to(pre_gate.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, -_window(*ctx.saved_tensors) * gradient
