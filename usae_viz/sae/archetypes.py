"""Archetypal dictionaries: every row is a convex combination of tokens (arXiv 2502.12892).

Universal: the combination of a concept is the same in every backbone, of the same pixels' tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SHARPNESS = 4.0
"""Standard deviation of the first logits: a row starts as a mix of few archetypes."""


class Archetypes(nn.Module):
    """Rows as convex combinations of archetypes, the centroids of clusters of paired tokens.

    With `relaxation` each row may leave the hull by a vector of at most that norm, per unit of the
    archetypes' mean norm (RA-SAE). Rows are then normalised over the backbones, so they are points
    of the hull up to one positive factor a concept.

    Args:
        concepts: rows.
        points: archetypes of each backbone ``[archetypes, dim]``, standardised; paired.
        relaxation: largest step out of the hull, 0 for none.
        generator: of the first combinations.
    """

    def __init__(
        self,
        concepts: int,
        points: Mapping[str, Tensor],
        relaxation: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.names, self.relaxation = tuple(points), relaxation
        first = next(iter(points.values()))
        logits = torch.randn(concepts, len(first), generator=generator) * SHARPNESS
        self.logits = nn.Parameter(logits.to(first))
        self.steps = nn.ParameterList(
            nn.Parameter(own.new_zeros(concepts, own.shape[1]))
            for own in (points.values() if relaxation else ())
        )
        for i, own in enumerate(points.values()):
            self.register_buffer(f"points_{i}", own.clone())

    def rows(self) -> list[Tensor]:
        """Return each backbone's rows ``[concepts, dim]``, of unit norm on average over them."""
        mix = self.logits.softmax(1)
        points = [getattr(self, f"points_{i}") for i in range(len(self.names))]
        rows = [mix @ own for own in points]
        for i, step in enumerate(self.steps):
            most = self.relaxation * points[i].norm(dim=1).mean()
            norm = step.norm(dim=1, keepdim=True).clamp_min(1e-12)
            rows[i] = rows[i] + step * (most / norm).clamp_max(1.0)
        dims = [own.shape[1] for own in rows]
        shares = [own.square().sum(1) / dim for own, dim in zip(rows, dims, strict=True)]
        norm = (torch.stack(shares).mean(0) * (sum(dims) / len(dims))).sqrt().clamp_min(1e-6)
        return [own / norm[:, None] for own in rows]


@torch.no_grad()
def archetypes(
    tokens: Mapping[str, Tensor], count: int, generator: torch.Generator, rounds: int = 10
) -> dict[str, Tensor]:
    """Return centroids ``[count, dim]`` per backbone of clusters of paired tokens (Lloyd).

    Clusters are of the tokens of all backbones side by side, each scaled to count the same; a
    centroid is the mean of the same pixels everywhere, and so a point of each backbone's hull.

    Args:
        tokens: standardised, ``[n, dim]`` per backbone; up to `count` are taken as they are.
        count: clusters.
        generator: of the first centroids.
        rounds: of assignment.
    """
    n = len(next(iter(tokens.values())))
    if n <= count:
        return dict(tokens)
    joint = torch.cat([own / own.shape[1] ** 0.5 for own in tokens.values()], dim=1)
    centres = joint[torch.randperm(n, generator=generator)[:count].to(joint.device)]
    for _ in range(rounds):
        near = _nearest(joint, centres)
        size = torch.bincount(near, minlength=count)[:, None]
        mean = torch.zeros_like(centres).index_add_(0, near, joint) / size.clamp_min(1)
        centres = torch.where(size > 0, mean, centres)
    near = _nearest(joint, centres)
    full = torch.bincount(near, minlength=count) > 0
    return {
        name: (
            own.new_zeros(count, own.shape[1]).index_add_(0, near, own)
            / torch.bincount(near, minlength=count)[:, None].clamp_min(1)
        )[full]
        for name, own in tokens.items()
    }


def _nearest(rows: Tensor, centres: Tensor) -> Tensor:
    half = centres.square().sum(1) / 2
    return torch.cat([(part @ centres.T - half).argmax(1) for part in torch.split(rows, 4096)])
