"""Looking at held-out images while training: figures, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from usae_viz.sae.evaluation import evaluate_usae
from usae_viz.sae.universal import UniversalSAE

HeldOut = Callable[[], Iterable[Mapping[str, Tensor]]]
"""Gives paired held-out tokens ``[n, dim]`` per backbone, the same each time it is called."""


def validate(usae: UniversalSAE, held_out: HeldOut) -> dict[str, Any]:
    """Return what is shown and logged of a model in training.

    ``r2`` (per channel; rows encoded from, columns decoded to), ``dead``, ``cofire`` (mean over
    backbones), ``correlation`` (mean over pairs) and ``score``, the mean of the R² matrix, by which
    trainings are stopped early.
    """
    table, _ = evaluate_usae(usae, held_out())
    r2 = table["r2"]["channel"]
    flat = [value for row in r2 for value in row]
    cofire = list(table["cofire"]["proportion"].values())
    correlation = list(table["correlation"].values())
    return {
        "score": sum(flat) / len(flat),
        "r2": r2,
        "dead": table["dead"],
        "cofire": sum(cofire) / len(cofire),
        "correlation": sum(correlation) / max(len(correlation), 1),
    }


class Patience:
    """The best model so far, and how many looks ago that was.

    Args:
        looks: stop after this many without a better score; None never stops, and keeps no model.
    """

    def __init__(self, looks: int | None) -> None:
        self.looks = looks
        self.score, self.since = -float("inf"), 0
        self.best: dict[str, Tensor] | None = None

    def see(self, score: float, usae: UniversalSAE) -> None:
        """Take note of a score and, if it is the best, of the model."""
        if score > self.score:
            self.score, self.since = score, 0
            if self.looks is not None:
                state = usae.state_dict()
                self.best = {key: value.detach().clone() for key, value in state.items()}
        else:
            self.since += 1

    @property
    def over(self) -> bool:
        """True when it is time to stop."""
        return self.looks is not None and self.since >= self.looks

    def state(self) -> dict[str, Tensor]:
        """Return the best model's tensors."""
        return dict(self.best or {})

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self.best = dict(tensors) or None
