"""Concepts → class: how much of a class each concept accounts for, in rows that add up.

Along the straight line from the mean token map to the image's, integrated gradients in code space
(Sundararajan et al. 2017; Gauss–Legendre) give every concept a part, and what the USAE misses a row
of its own (an error node, Marks et al. 2024). The step from a blank map to the mean is the bias
row. All rows together are f(x) − f(blank).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from usae_viz.attribution.decomposition import Decomposition
from usae_viz.attribution.readout import Readout
from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.sae import UniversalSAE

Kind = Literal["concept", "others", "error", "bias"]


@dataclass(frozen=True)
class Row:
    """One bar of the chart.

    Attributes:
        kind: a concept; all other concepts together; what the USAE misses; the step from a blank
            map to the mean.
        concept: index of the code; None for the other kinds.
        value: its part of f(x) − f(blank), by integrated gradients (the bias row: exact).
        gradient: gradient × activation, the fast approximation; None for the bias.
        ablation: f(x) − f(x without the concept), exact; None where it was not computed.
    """

    kind: Kind
    concept: int | None
    value: float
    gradient: float | None = None
    ablation: float | None = None


@dataclass(frozen=True)
class ClassAttribution:
    """Which concepts make a class, in one backbone on one image.

    Attributes:
        backbone: its name.
        readout: kind of the target, see `Readout`.
        target: index of the class.
        name: of the class.
        score: f(x).
        mean_score: f of the mean token map, where the code is 0.
        baseline: f of a blank map (all tokens 0).
        rows: concepts by decreasing magnitude, then the others, the error, the bias.
        steps: nodes of the quadrature that were used.
    """

    backbone: str
    readout: str
    target: int
    name: str
    score: float
    mean_score: float
    baseline: float
    rows: tuple[Row, ...]
    steps: int

    @property
    def completeness(self) -> float:
        """\\|Σ rows − (f(x) − f(blank))\\| ÷ \\|f(x) − f(mean)\\|; the path starts at the mean."""
        gap = sum(row.value for row in self.rows) - (self.score - self.baseline)
        return abs(gap) / max(abs(self.score - self.mean_score), 1e-12)


def attribute_classes(
    usae: UniversalSAE,
    backbone: Backbone,
    image: Tensor,
    readout: Readout,
    target: int | None = None,
    *,
    top: int = 10,
    tolerance: float = 1e-3,
    steps: int = 32,
    max_steps: int = 512,
    batch_size: int = 16,
) -> ClassAttribution:
    """Attribute a class score of one image to the concepts in it.

    Args:
        usae: the USAE; it must know the backbone.
        backbone: the network.
        image: ``[1, 3, H, W]`` in [0, 1].
        readout: the scores.
        target: index of a class; None: the one of the largest score.
        top: concepts that get a row of their own; these are ablated too.
        tolerance: completeness that is aimed at.
        steps: nodes of the quadrature to begin with; doubled until the tolerance is met.
        max_steps: where doubling ends.
        batch_size: maps through the rest of the network at once.

    Raises:
        UsageError: the class does not exist, or a number is out of range.
    """
    if min(top, steps, batch_size) < 1 or max_steps < steps or tolerance <= 0:
        raise UsageError(
            "a setting of the attribution is out of range",
            expected="top, steps and batch_size of at least 1, max_steps ≥ steps, tolerance > 0",
            got=f"{top}, {steps}, {batch_size}, {max_steps}, {tolerance:g}",
        )
    view = Decomposition(usae, backbone, image)
    scores = _scores(readout, image, view.native, batch_size)[0]
    chosen = int(scores.argmax()) if target is None else target
    if not 0 <= chosen < readout.classes:
        raise UsageError(
            f"there is no class {chosen}", expected=f"0 to {readout.classes - 1}", got=str(chosen)
        )
    ends = torch.cat([view.mean, torch.zeros_like(view.mean)])
    mean, blank = _scores(readout, image, ends, batch_size)[:, chosen].tolist()
    score = float(scores[chosen])
    direction = view.native - view.mean
    while True:
        gradient = _mean_gradient(readout, image, view, direction, chosen, steps, batch_size)
        gap = abs(float((gradient * direction).cpu().double().sum()) - (score - mean))
        if gap <= tolerance * abs(score - mean) or 2 * steps > max_steps:
            break
        steps *= 2
    concepts = view.per_concept(view.parts(gradient))
    local = _gradient(readout, image, view.native, chosen)
    fast = view.per_concept(view.parts(local))
    present = view.present
    order = present[concepts[present].abs().argsort(descending=True, stable=True)]
    shown = [int(k) for k in order[:top]]
    removed = [view.scaled({k: 0.0}) for k in shown]
    without = (
        _scores(readout, image, torch.cat(removed), batch_size)[:, chosen].tolist() if shown else []
    )
    rows = [
        Row("concept", k, float(concepts[k]), float(fast[k]), score - after)
        for k, after in zip(shown, without, strict=True)
    ]
    rest = order[top:]
    rows.append(Row("others", None, float(concepts[rest].sum()), float(fast[rest].sum())))
    lost = [float((g * view.error).cpu().double().sum()) for g in (gradient, local)]
    rows.append(Row("error", None, lost[0], lost[1]))
    rows.append(Row("bias", None, mean - blank))
    return ClassAttribution(
        backbone=backbone.name,
        readout=readout.kind,
        target=chosen,
        name=readout.name(chosen),
        score=score,
        mean_score=mean,
        baseline=blank,
        rows=tuple(rows),
        steps=steps,
    )


@torch.no_grad()
def _scores(readout: Readout, image: Tensor, maps: Tensor, batch_size: int) -> Tensor:
    found = [readout.scores(image, part).cpu() for part in torch.split(maps, batch_size)]
    return torch.cat(found).double()


def _gradient(readout: Readout, image: Tensor, maps: Tensor, target: int) -> Tensor:
    leaf = maps.detach().clone().requires_grad_()
    score = readout.scores(image, leaf)[:, target].sum()
    (gradient,) = torch.autograd.grad(score, leaf)
    return gradient


def _mean_gradient(
    readout: Readout,
    image: Tensor,
    view: Decomposition,
    direction: Tensor,
    target: int,
    steps: int,
    batch_size: int,
) -> Tensor:
    """Return the gradient averaged along the line from the mean map to the image's."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    places = torch.from_numpy((nodes + 1) / 2).to(direction).view(-1, 1, 1, 1)
    shares = torch.from_numpy(weights / 2).to(direction).view(-1, 1, 1, 1)
    total = torch.zeros_like(direction)
    for place, share in zip(
        torch.split(places, batch_size), torch.split(shares, batch_size), strict=True
    ):
        gradient = _gradient(readout, image, view.mean + place * direction, target)
        total += (share * gradient).sum(0, keepdim=True)
    return total
