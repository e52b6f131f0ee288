"""The ways to train, as sets of ingredients, so that each ingredient can be ablated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from usae_viz.recipe import TrainingSpec, UsaeSpec
from usae_viz.sae.config import Encoding, Gate

ARCHETYPES = 1024
"""Cluster centres that archetypal rows are mixed of, by default."""


@dataclass(frozen=True)
class Ingredients:
    """What a training is made of; each mode is a set of these."""

    encoder: Literal["linear", "batchnorm"]
    """Linear, or linear and BatchNorm (folded into the linear layer when saved)."""
    loss: Literal["l2", "l1"]
    """Reconstruction loss per standardised channel."""
    init: Literal["spread", "paired", "independent"]
    """Rows of all backbones from the activations of the same tokens, chosen far apart or drawn at
    random, or Gaussian ones."""
    update: Literal["all", "drawn"]
    """All parameters step, or the drawn backbone's encoder and dictionary only."""
    rows: Literal["unit", "joint"]
    """Each dictionary row has unit norm, or unit norm on average over the backbones: then a
    concept that one backbone lacks costs that backbone nothing."""
    agreement: float
    """Weight of the agreement loss between the backbones' pre-gate activations."""
    agreement_kind: Literal["cosine", "squared"]
    """Distance of directions, or squared distance as a share of the code's square."""
    agreement_detached: Literal["nothing", "code", "others"]
    """Which side of the agreement loss is a constant to the other."""
    agreement_schedule: Literal["constant", "falling", "late"]
    """At full weight throughout, falling to 0 with the budget, or only in its second half."""
    vote: float
    """Share of steps whose support is chosen by all backbones together."""
    shortlist: int
    """A vote is between the drawn backbone's strongest concepts, this many times k of them, so
    that the others need no product with all concepts; 0: between all."""
    voted_values: Literal["drawn", "mean", "sum"]
    """Values of a voted code: the drawn backbone's, or the mean or sum over the backbones."""
    decoded: Literal["all", "own"]
    """What a code reconstructs: every backbone, or only the one it is of."""
    auxiliary: float
    """Weight of the auxiliary loss by which concepts that were not kept learn the residual."""
    learning_rate: float
    final_learning_rate: float
    warmup: float
    """Share of the budget over which the rate rises; then it falls as a cosine."""
    weight_decay: float
    clip: float | None
    """Largest gradient norm, or None."""
    revival: float = 0.0
    """Weight of the loss by which concepts that fell silent are brought back."""
    gate: Gate = "topk"
    """What keeps a concept."""
    prefixes: tuple[int, ...] = ()
    """Sizes of nested dictionaries that each reconstruct; none: only the whole."""
    archetypes: int = 0
    """Cluster centres of which rows are convex combinations; 0: rows are free."""
    relaxation: float = 0.0
    """How far a row may leave the archetypes' hull, as a share of their mean norm."""

    def agreement_weight(self, share: float) -> float:
        """Return the agreement loss's weight when `share` of the budget, in [0, 1), is spent."""
        if self.agreement_schedule == "falling":
            return self.agreement * (1 - share)
        late = self.agreement_schedule == "late"
        return 0.0 if late and share < 0.5 else self.agreement


PAPER = Ingredients(
    encoder="batchnorm",
    loss="l1",
    init="independent",
    update="drawn",
    rows="unit",
    agreement=0.0,
    agreement_kind="cosine",
    agreement_detached="nothing",
    agreement_schedule="constant",
    vote=0.0,
    shortlist=0,
    voted_values="drawn",
    decoded="all",
    auxiliary=0.1,
    learning_rate=3e-4,
    final_learning_rate=1e-6,
    warmup=0.05,
    weight_decay=1e-5,
    clip=1.0,
)
"""arXiv 2502.03714: L1, BatchNorm encoder, one pair of encoder and dictionary a step, auxiliary
loss by the upper half of the concepts that were not kept. The schedule runs as the text has it,
over all steps; in the published code it advances only for the drawn model and hardly decays."""

OURS = Ingredients(
    encoder="linear",
    loss="l2",
    init="spread",
    update="all",
    rows="joint",
    agreement=0.3,
    agreement_kind="cosine",
    agreement_detached="nothing",
    agreement_schedule="late",
    vote=0.5,
    shortlist=2,
    voted_values="mean",
    decoded="all",
    auxiliary=0.0,
    learning_rate=2e-3,
    final_learning_rate=1e-5,
    warmup=0.05,
    weight_decay=0.0,
    clip=None,
)
"""Chosen by measurement; ``docs/training.md`` has the table."""


_BASELINE = replace(OURS, init="independent", rows="unit", agreement=0.0, vote=0.0, shortlist=0)

CROSSCODER = replace(_BASELINE, rows="joint", vote=1.0, voted_values="sum")
"""One code of all backbones together, the sum of their encodings (Lindsey et al. 2024, with TopK).
Row norms count together, so that a concept may have a short row where a backbone lacks it."""

SPARC = replace(_BASELINE, vote=1.0, voted_values="drawn")
"""Global TopK (arXiv 2507.06265): all backbones choose the support together, each has values of its
own, and each code reconstructs every backbone."""

INDEPENDENT = replace(_BASELINE, decoded="own")
"""An SAE a backbone, under one roof; what two of them share is chance."""

MODES = {
    "ours": OURS,
    "paper": PAPER,
    "crosscoder": CROSSCODER,
    "sparc": SPARC,
    "independent": INDEPENDENT,
}


def encoding(parts: Ingredients) -> Encoding:
    """Return how a model trained on these reads tokens of all backbones at once."""
    if parts.vote < 1:
        return "alone"
    return "joint" if parts.voted_values == "sum" else "shared"


def ingredients(usae: UsaeSpec, training: TrainingSpec) -> Ingredients:
    """Return the mode's ingredients with the recipe's overrides."""
    base = MODES[usae.mode]
    changes = {
        "agreement": usae.agreement,
        "init": usae.init,
        "update": usae.update,
        "learning_rate": training.lr,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    return replace(base, **given, **_variant(usae))  # type: ignore[arg-type]


def _variant(usae: UsaeSpec) -> dict[str, Any]:
    """Return the ingredients that a sparse variant changes."""
    if usae.variant in ("batchtopk", "jumprelu"):
        # Backbones cannot choose one support together where each has thresholds of its own.
        return {"gate": usae.variant, "vote": 0.0}
    if usae.variant == "matryoshka":
        halves = tuple(max(1, usae.concepts // 2**i) for i in range(4, -1, -1))
        return {"prefixes": usae.prefixes or tuple(sorted(set(halves)))}
    if usae.variant == "archetypal":
        return {"archetypes": usae.archetypes or ARCHETYPES, "relaxation": usae.relaxation or 0.0}
    return {}
