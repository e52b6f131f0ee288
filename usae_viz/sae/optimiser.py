"""How parameters move: Adam, the rate's rise and fall, clipping, gradients of all ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from usae_viz.errors import TrainingError
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.ranks import ONE, Ranks

FUSED = ("cpu", "cuda", "mps")
"""Devices on which torch updates all parameters in one kernel."""


def learning_rate(parts: Ingredients, share: float) -> float:
    """Return the rate at a share of the budget in [0, 1]: a linear rise times a falling cosine.

    It falls over the whole budget, whichever backbones are drawn, and ends at
    ``final_learning_rate``, or stays where it would have to rise to get there.
    """
    rise = min(1.0, share / parts.warmup) if parts.warmup else 1.0
    fall = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    final = min(parts.final_learning_rate, parts.learning_rate)
    return max(rise, 0.01) * (final + (parts.learning_rate - final) * fall)


class Optimiser:
    """AdamW over groups of parameters, one a backbone, of which each step moves some.

    Args:
        groups: parameters of each group, float32; a group may be empty.
        parts: rates, weight decay, clipping.
        ranks: the processes whose gradients are averaged.
    """

    def __init__(
        self, groups: Sequence[Sequence[nn.Parameter]], parts: Ingredients, ranks: Ranks = ONE
    ) -> None:
        self.groups = [list(group) for group in groups]
        self.parts, self.ranks = parts, ranks
        device = next(p.device.type for group in self.groups for p in group)
        fused = device in FUSED
        self.adams = [
            torch.optim.AdamW(
                group,
                lr=parts.learning_rate,
                weight_decay=parts.weight_decay,
                fused=fused,
                foreach=not fused,
            )
            if group
            else None
            for group in self.groups
        ]

    def parameters(self, which: Sequence[int]) -> list[nn.Parameter]:
        """Return the parameters of some groups: what a step must have gradients of."""
        return [p for i in which for p in self.groups[i]]

    def step(self, which: Sequence[int], share: float) -> float:
        """Move some groups along their gradients, then drop all gradients.

        Args:
            which: the groups that move; parameters of them without gradient stay.
            share: of the budget that is spent, in [0, 1].

        Returns:
            The learning rate.

        Raises:
            TrainingError: a gradient is not finite (seen before anything moves; on the CPU only,
                since elsewhere looking would make the device wait).
        """
        rate = learning_rate(self.parts, share)
        moving = [p for p in self.parameters(which) if p.grad is not None]
        gradients = [p.grad for p in moving if p.grad is not None]
        self.ranks.average_(gradients)
        # Whatever is not finite in a step reaches a gradient of a bias, which is quick to look at.
        if any(
            g.ndim == 1 and g.device.type == "cpu" and not g.isfinite().all() for g in gradients
        ):
            raise TrainingError(
                "the training has diverged: a gradient is not finite",
                hint="lower training.lr; the last checkpoint is from before",
            )
        for i in which:
            adam = self.adams[i]
            if adam is None:
                continue
            for group in adam.param_groups:
                group["lr"] = rate
        if self.parts.clip is not None:
            nn.utils.clip_grad_norm_(moving, self.parts.clip)
        for i in which:
            adam = self.adams[i]
            if adam is not None:
                adam.step()
        for p in self.parameters(range(len(self.groups))):
            p.grad = None
        return rate

    def state(self) -> dict[str, Tensor]:
        """Return the moments and step counts of every group."""
        return {
            f"{i}/{p}/{key}": value
            for i, adam in enumerate(self.adams)
            if adam is not None
            for p, state in adam.state_dict()["state"].items()
            for key, value in state.items()
        }

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, RuntimeError, ValueError: it is of other parameters.
        """
        for i, adam in enumerate(self.adams):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                at, number, key = name.split("/")
                if int(at) == i:
                    states.setdefault(int(number), {})[key] = value
            if adam is None:
                continue
            for place, state in states.items():
                shape = self.groups[i][place].shape
                if state["exp_avg"].shape != shape:
                    raise ValueError(f"moments of {list(state['exp_avg'].shape)}, not {shape}")
            table = adam.state_dict()
            adam.load_state_dict({"state": states, "param_groups": table["param_groups"]})
