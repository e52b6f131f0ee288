"""Dissection: which named thing, whose place is known by masks, does a concept mark?

After Bau et al., "Network dissection" (CVPR 2017), with thresholds chosen on other images than the
ones that are scored, a runner-up, and a chance level that has had the same choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from usae_viz.concepts.index import ConceptIndex
from usae_viz.sae import SparseCode

Array = NDArray[np.float64]

LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Thresholds that are tried, as shares of a concept's maximum in a backbone."""
NAMED = 0.1
"""A concept takes the name of its best label from this IoU of its joint map on …"""
ABOVE_CHANCE = 2.0
"""… if it is this many times the best that masks of other images give it."""
ACTIVE = 0.1
"""Backbones count where they fire the concept at least this often, as a share of the most."""
JOINT = "joint"
"""What the map of all of a concept's backbones together is called."""


class JointMap:
    """One map of a concept from all of its backbones: the mean of their values in natural units.

    Args:
        index: gives the natural units (mean peak over a backbone's top images), and by `ACTIVE`
            the backbones that count.
    """

    def __init__(self, index: ConceptIndex) -> None:
        self.names = index.names
        rate, peak = index.rate, index.natural_peak
        self.active = (rate >= ACTIVE * rate.max(0)) & (rate > 0)
        count = self.active.sum(0).clip(1)
        self.weight = np.where(self.active & (peak > 0), 1 / (peak.clip(1e-9) * count), 0)

    def __call__(self, codes: Mapping[str, SparseCode]) -> csr_matrix:
        """Return the joint code of some tokens, sparse ``[tokens, N]``; about 1 is its best."""
        n = self.weight.shape[1]
        total = csr_matrix((len(codes[self.names[0]].values), n))
        for i, name in enumerate(self.names):
            values, indices = (part.numpy() for part in codes[name])
            ends = np.arange(len(values) + 1) * values.shape[1]
            scaled = values.ravel() * self.weight[i][indices.ravel()]
            total = total + csr_matrix((scaled, indices.ravel(), ends), shape=total.shape)
        return total


class Overlap:
    """Areas that concepts (above each threshold) and labels cover, alone and together.

    Areas are in tokens; a token that a mask covers in part counts in part, so that the overlap is
    that of the mask with the heatmap drawn in squares. Memory is concepts × labels × thresholds.

    Args:
        names: the backbones (or what else codes are given of).
        maximum: ``[M, N]`` the largest value of each concept, which thresholds are shares of.
        labels: how many.
    """

    def __init__(self, names: Sequence[str], maximum: NDArray[np.float32], labels: int) -> None:
        (m, n), t = maximum.shape, len(LEVELS)
        self.names, self.maximum = tuple(names), maximum
        self.tokens = 0
        self.label: Array = np.zeros(labels)
        self.fires: Array = np.zeros((m, t, n))
        self.both: Array = np.zeros((m, t, n, labels), np.float32)

    def add(
        self, codes: Mapping[str, SparseCode | csr_matrix], coverage: NDArray[np.float32]
    ) -> None:
        """Add codes of some tokens and how far each label covers each, ``[tokens, labels]``."""
        self.tokens += len(coverage)
        self.label += coverage.sum(0, dtype=np.float64)
        n = self.maximum.shape[1]
        for i, name in enumerate(self.names):
            token, concept, value = _entries(codes[name])
            for t, level in enumerate(LEVELS):
                above = value > level * self.maximum[i][concept]
                token, concept, value = token[above], concept[above], value[above]
                self.fires[i, t] += np.bincount(concept, minlength=n)
                ones = np.ones(len(concept), np.float32)
                marks = csr_matrix((ones, (concept, token)), shape=(n, len(coverage)))
                self.both[i, t] += marks @ coverage

    def iou(self) -> Array:
        """Return ``[M, T, N, L]``: overlap over union."""
        union = self.fires[..., None] + self.label - self.both
        return np.asarray(self.both / union.clip(1e-9), np.float64)

    def auc(self) -> Array:
        """Return ``[M, N, L]``: area under the ROC curve of a concept's value, token by token.

        By trapezoids between the thresholds: values between two of them count as equal.
        """
        here = self.label.clip(1e-9)
        away = (self.tokens - self.label).clip(1e-9)
        true = np.asarray(self.both / here, np.float64)
        false = (self.fires[..., None] - self.both) / away
        ends = [(0, 0), (0, 0), (0, 0), (0, 0)]
        ends[1] = (1, 1)
        # From "everywhere" (1, 1) by rising thresholds to "nowhere" (0, 0).
        true, false = (np.pad(each, ends) for each in (true, false))
        true[:, 0] = false[:, 0] = 1
        steps = (false[:, :-1] - false[:, 1:]) * (true[:, :-1] + true[:, 1:]) / 2
        return np.asarray(steps.sum(1), np.float64)


def _entries(code: SparseCode | csr_matrix) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the tokens, concepts and values of a code's entries."""
    if isinstance(code, SparseCode):
        values, indices = (part.numpy() for part in code)
        return np.repeat(np.arange(len(values)), values.shape[1]), indices.ravel(), values.ravel()
    entries = code.tocoo()
    return entries.row, entries.col, entries.data


def overlap_of(index: ConceptIndex, labels: int) -> Overlap:
    """Return an empty overlap of every backbone of an index, and of the joint map."""
    ones = np.ones((1, index.concepts), np.float32)
    return Overlap((*index.names, JOINT), np.concatenate([index.maximum, ones]), labels)


def coverage(masks: Tensor, grid: int) -> Tensor:
    """Return shares ``[images * grid², labels]`` of bool masks ``[images, labels, h, w]``."""
    shares = F.adaptive_avg_pool2d(masks.float(), grid)
    return shares.flatten(2).transpose(1, 2).flatten(0, 1)


class LabelMatch(NamedTuple):
    """The concept that marks a label best; IoU on images that had no part in the choice.

    Attributes:
        concept: chosen by the IoU of its joint map, on the other images.
        iou, auc: by backbone.
        threshold: by backbone in units of the code; ``joint`` in natural units.
        joint: IoU of the joint map.
        mean: of the IoU over the concept's backbones.
        runner_up: the next best concept, and its joint IoU.
        chance: the best joint IoU of any concept with the masks of other images.
    """

    label: str
    concept: int
    iou: dict[str, float]
    auc: dict[str, float]
    threshold: dict[str, float]
    joint: float
    mean: float
    runner_up: tuple[int, float]
    chance: float


class Dissection(NamedTuple):
    """Labels and concepts, matched.

    Attributes:
        labels: the best concept of each label.
        concepts: by concept the JSON of its best label: ``name`` (None where no label fits),
            ``label``, ``iou`` (joint) and ``mean_iou`` (over its backbones), ``chance``,
            ``runner_up`` and its ``runner_up_iou``, ``auc``, and ``best_on_scored``, the label of
            largest IoU on the other images: the name is right where it is the same.
        images: how many were chosen on, and how many scored on.
    """

    labels: list[LabelMatch]
    concepts: dict[int, dict[str, Any]]
    images: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "images": {"chosen_on": self.images[0], "scored_on": self.images[1]},
            "labels": {match.label: match._asdict() for match in self.labels},
            "concepts": {str(concept): entry for concept, entry in self.concepts.items()},
        }


def dissect(
    index: ConceptIndex,
    labels: Sequence[str],
    chosen: Overlap,
    scored: Overlap,
    shuffled: Overlap,
    images: tuple[int, int],
) -> Dissection:
    """Match concepts and labels.

    Args:
        index: the run's index.
        labels: their names.
        chosen: overlaps on the images that thresholds and matches are chosen on.
        scored: overlaps on other images.
        shuffled: those of the first images with each other's masks: chance.
        images: how many of each.
    """
    m = len(index.names)
    active = JointMap(index).active
    weight = active / active.sum(0).clip(1)
    level, first = best_level(chosen.iou())
    held = np.take_along_axis(scored.iou(), level[:, None], 1)[:, 0]
    chance = best_level(shuffled.iou())[1][m]
    first, joint, held = first[m], held[m], held[:m]
    mean = np.einsum("mn,mnl->nl", weight, held)
    auc = scored.auc()[:m]
    shares = np.array(LEVELS)[level] * chosen.maximum[:, :, None]
    matches = []
    for number, label in enumerate(labels):
        best, second = np.argsort(-first[:, number], kind="stable")[:2]
        at = (best, number)
        matches.append(
            LabelMatch(
                label=label,
                concept=int(best),
                iou=_named(index.names, held[:, *at]),
                auc=_named(index.names, auc[:, *at]),
                threshold=_named(chosen.names, shares[:, *at]),
                joint=float(joint[at]),
                mean=float(mean[at]),
                runner_up=(int(second), float(joint[second, number])),
                chance=float(chance[:, number].max()),
            )
        )
    concepts = {
        int(k): _concept(labels, first[k], joint[k], mean[k], chance[k], weight[:, k] @ auc[:, k])
        for k in np.flatnonzero(~index.dead)
    }
    return Dissection(matches, concepts, images)


def best_level(iou: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the best threshold of each backbone, concept and label, and its IoU ``[M, N, L]``."""
    level = iou.argmax(1)
    return level, np.take_along_axis(iou, level[:, None], 1)[:, 0]


def _named(names: Sequence[str], values: NDArray[Any]) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _concept(
    labels: Sequence[str], first: Array, joint: Array, mean: Array, chance: Array, auc: Array
) -> dict[str, Any]:
    best, *rest = np.argsort(-first, kind="stable")[:2]
    named = first[best] >= NAMED and first[best] >= ABOVE_CHANCE * chance.max()
    return {
        "name": labels[best] if named else None,
        "label": labels[best],
        "iou": float(joint[best]),
        "mean_iou": float(mean[best]),
        "auc": float(auc[best]),
        "chance": float(chance.max()),
        "runner_up": labels[rest[0]] if rest else None,
        "runner_up_iou": float(joint[rest[0]]) if rest else 0.0,
        "best_on_scored": labels[int(joint.argmax())],
    }


def codes_on_cpu(codes: Mapping[str, SparseCode]) -> dict[str, SparseCode]:
    """Return codes as the overlaps take them."""
    return {n: SparseCode(*(p.detach().cpu() for p in code)) for n, code in codes.items()}


def rolled(cover: Tensor, tokens: int) -> Tensor:
    """Return each image's coverage as that of the image before it: masks of other images."""
    images = cover.view(-1, tokens, cover.shape[1])
    return torch.roll(images, 1, 0).flatten(0, 1)
