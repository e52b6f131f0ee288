"""The built-in world as a yardstick: which of its known concepts did a USAE find, and where?"""

from __future__ import annotations

from typing import Any

from usae_viz.concepts import ConceptIndex, LabelScores
from usae_viz.demo.world import COLOUR_FAMILIES

DETECTION = 0.9
"""AUC from which a concept detects a label."""
BACKBONES = 3
"""In at least this many backbones at once a label counts as recovered."""


def measure(scores: LabelScores, index: ConceptIndex, colour_blind: list[str]) -> dict[str, Any]:
    """Return the ``world`` part of the ``evaluate`` JSON contract.

    A label is recovered if one USAE concept detects it in at least three backbones. A colour
    counts as shared with a colour-blind backbone if a concept that detects it somewhere detects it
    there too, or is classed as shared with it (see `ConceptIndex.sharing`).

    Args:
        scores: AUC of every concept for every label of the world.
        index: the run's concept index.
        colour_blind: names of the backbones that are fed luma.
    """
    labels: dict[str, Any] = {}
    recovered = 0
    colour_shared = []
    for number, label in enumerate(scores.labels):
        concept, reached = scores.best(number, BACKBONES)
        found = reached >= DETECTION
        recovered += found
        labels[label] = {
            "concept": concept,
            "auc": {
                name: float(auc)
                for name, auc in zip(scores.names, scores.auc[:, number, concept], strict=True)
            },
            "recovered": found,
        }
        if label.split(":")[0] in COLOUR_FAMILIES:
            detectors = [
                k
                for k in range(index.concepts)
                if not index.dead[k] and scores.detected_in(number, k, DETECTION)
            ]
            for name in colour_blind:
                if any(
                    name in index.sharing(k) or name in scores.detected_in(number, k, DETECTION)
                    for k in detectors
                ):
                    colour_shared.append(label)
    return {
        "concepts": len(scores.labels),
        "recovered": recovered,
        "colour_shared_with_colour_blind": sorted(set(colour_shared)),
        "labels": labels,
    }
