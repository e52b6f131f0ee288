"""Concepts against named labels: how well does a concept tell that a label holds of an image?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from usae_viz.sae import UniversalSAE
from usae_viz.sae.code import densify

Floats = NDArray[np.float64]
AGGREGATIONS: tuple[Literal["mean", "peak"], ...] = ("mean", "peak")
"""Over an image's tokens: what fills the image, and what is somewhere in it."""


class LabelScores(NamedTuple):
    """How well single concepts detect labels, per backbone.

    Attributes:
        auc: ``[M, labels, concepts]`` area under the ROC curve in [0, 1] of the concept's gated
            activation in one backbone as a detector of the label; 0.5 is chance.
        labels: names of the labels.
        names: backbones, in the order of `auc`.
        images: number of images scored.
    """

    auc: Floats
    labels: tuple[str, ...]
    names: tuple[str, ...]
    images: int

    def detected_in(self, label: int, concept: int, threshold: float = 0.9) -> list[str]:
        """Return the backbones in which a concept detects a label."""
        return [
            name
            for name, auc in zip(self.names, self.auc[:, label, concept], strict=True)
            if auc >= threshold
        ]

    def best(self, label: int, backbones: int) -> tuple[int, float]:
        """Return the concept whose `backbones`-th best AUC over the backbones is largest, and it.

        With ``backbones=3``: the concept that detects the label best in three backbones at once.
        """
        ordered = -np.sort(-self.auc[:, label, :], axis=0)
        reached = ordered[min(backbones, len(ordered)) - 1]
        concept = int(reached.argmax())
        return concept, float(reached[concept])


@torch.no_grad()
def score_labels(
    usae: UniversalSAE,
    batches: Iterable[tuple[dict[str, Tensor], Tensor]],
    labels: Sequence[str],
) -> LabelScores:
    """Score every concept against every label.

    A concept is scored by its mean and by its peak over the image's tokens; the better of the two,
    judged by its mean AUC over the backbones, counts (a background fills the image, an eye does
    not), and it is the same for all backbones.

    Args:
        usae: the model.
        batches: raw tokens ``[images, tokens, dim]`` per backbone with labels ``[images, labels]``.
        labels: names of the labels.
    """
    scores: dict[str, dict[str, list[Tensor]]] = {
        how: {name: [] for name in usae.names} for how in AGGREGATIONS
    }
    truth: list[Tensor] = []
    for rows, holds in batches:
        truth.append(holds)
        for name in usae.names:
            images, tokens, _ = rows[name].shape
            code = usae.encode(name, rows[name].flatten(0, 1))
            dense = densify(code, usae.concepts).view(images, tokens, -1)
            scores["mean"][name].append(dense.mean(1))
            scores["peak"][name].append(dense.amax(1))
    present = torch.cat(truth).numpy()
    auc = {
        how: np.stack([_auc(torch.cat(parts[name]).numpy(), present) for name in usae.names])
        for how, parts in scores.items()
    }
    better = auc["peak"].mean(0) > auc["mean"].mean(0)
    return LabelScores(
        np.where(better, auc["peak"], auc["mean"]), tuple(labels), usae.names, len(present)
    )


def _auc(scores: NDArray[np.float32], present: NDArray[np.bool_]) -> Floats:
    """Return ``[labels, concepts]`` from scores ``[images, concepts]``, ties counted half.

    The Mann–Whitney statistic, by one ranking for all labels; 0.5 for a label that holds of all
    images or of none.
    """
    ranks = rankdata(scores, axis=0)
    positive = present.sum(0).astype(np.float64)[:, None]
    negative = len(present) - positive
    total = present.T.astype(np.float64) @ ranks
    defined = (positive > 0) & (negative > 0)
    area = (total - positive * (positive + 1) / 2) / np.where(defined, positive * negative, 1)
    return np.where(defined, area, 0.5)
