"""The trainings that are compared: the default, the published one, and one change at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

from usae_viz.sae.modes import CROSSCODER, INDEPENDENT, OURS, PAPER, SPARC, Ingredients


def _ours(**changes: Any) -> Ingredients:
    return dataclasses.replace(OURS, **changes)


VARIANTS: dict[str, Ingredients] = {
    "ours": OURS,
    "paper": PAPER,
    "paired rows at random": _ours(init="paired"),
    "independent init": _ours(init="independent"),
    "drawn pair only": _ours(update="drawn"),
    "unit rows": _ours(rows="unit"),
    "vote between all": _ours(shortlist=0),
    "shortlist 4": _ours(shortlist=4),
    "no vote": _ours(vote=0.0),
    "always vote": _ours(vote=1.0),
    "drawn values": _ours(voted_values="drawn"),
    "no agreement": _ours(agreement=0.0),
    "agreement 0.1": _ours(agreement=0.1),
    "agreement 1": _ours(agreement=1.0),
    "agreement falling": _ours(agreement_schedule="falling"),
    "agreement throughout": _ours(agreement_schedule="constant"),
    "agreement, code detached": _ours(agreement_detached="code"),
    "agreement, others detached": _ours(agreement_detached="others"),
    "agreement squared": _ours(agreement_kind="squared"),
    "agreement squared 0.1": _ours(agreement_kind="squared", agreement=0.1),
    "no vote, agreement squared 0.1": _ours(vote=0.0, agreement_kind="squared", agreement=0.1),
    "no vote, no agreement": _ours(vote=0.0, agreement=0.0),
    "vote between all, agreement throughout": _ours(shortlist=0, agreement_schedule="constant"),
    "L1 loss": _ours(loss="l1"),
    "BatchNorm": _ours(encoder="batchnorm"),
    "auxiliary loss": _ours(auxiliary=0.1),
    "revival 1/32": _ours(revival=1 / 32),
    "revival 1/4": _ours(revival=0.25),
    "rate 1e-3": _ours(learning_rate=1e-3),
    "rate 4e-3": _ours(learning_rate=4e-3),
    "no decay": _ours(final_learning_rate=OURS.learning_rate),
    # The other methods, each with our optimiser; none of them has paired rows.
    "paper's update": dataclasses.replace(INDEPENDENT, update="drawn", decoded="all"),
    "independent SAEs": INDEPENDENT,
    "global TopK": SPARC,
    "crosscoder": CROSSCODER,
}
