"""Concepts against named labels: how well does a concept tell that a label holds of an image?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from usae_viz.sae import UniversalSAE
from usae_viz.sae.code import densify

Floats = NDArray[np.float64]


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


class LabelScorer:
    """Scores every concept against every label, batch by batch.

    A concept is scored by its mean and by its peak over the image's tokens; the better of the two,
    judged by its mean AUC over the backbones, counts (a background fills the image, an eye does
    not), and it is the same for all backbones. What is kept grows with images × concepts.

    Args:
        usae: the model.
        labels: names of the labels.
    """

    def __init__(self, usae: UniversalSAE, labels: Sequence[str]) -> None:
        self.usae, self.labels = usae, tuple(labels)
        self._mean: dict[str, list[Tensor]] = {name: [] for name in usae.names}
        self._peak: dict[str, list[Tensor]] = {name: [] for name in usae.names}
        self._truth: list[Tensor] = []

    @torch.no_grad()
    def add(self, rows: Mapping[str, Tensor], holds: Tensor) -> None:
        """Add raw tokens ``[images, tokens, dim]`` per backbone, labels ``[images, labels]``."""
        self._truth.append(holds)
        for name in self.usae.names:
            images, tokens, _ = rows[name].shape
            code = self.usae.encode(name, rows[name].flatten(0, 1))
            dense = densify(code, self.usae.concepts).view(images, tokens, -1)
            self._mean[name].append(dense.mean(1))
            self._peak[name].append(dense.amax(1))

    def scores(self) -> LabelScores:
        """Return the scores over all images added."""
        present = torch.cat(self._truth).numpy()
        mean, peak = (
            np.stack([_auc(torch.cat(parts[name]).numpy(), present) for name in self.usae.names])
            for parts in (self._mean, self._peak)
        )
        better = peak.mean(0) > mean.mean(0)
        auc = np.where(better, peak, mean)
        return LabelScores(auc, self.labels, self.usae.names, len(present))


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
