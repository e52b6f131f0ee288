"""The length of dictionary rows."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F


@torch.no_grad()
def normalise_rows(dictionaries: Iterable[Tensor], kind: str) -> None:
    """Give each concept's rows unit norm, in place.

    Args:
        dictionaries: ``[concepts, dim]`` of each backbone; any part of the concepts will do.
        kind: ``unit``: each row; ``joint``: on average over the backbones.
    """
    rows = list(dictionaries)
    if kind == "unit":
        for own in rows:
            own.copy_(F.normalize(own, dim=1))
        return
    # Tokens have squared norm `dim` on average; compare rows as shares of that.
    dims = [own.shape[1] for own in rows]
    width = sum(dims) / len(dims)
    squared = [
        torch.linalg.vector_norm(own, dim=1).square() / dim
        for own, dim in zip(rows, dims, strict=True)
    ]
    norm = (torch.stack(squared).mean(0) * width).sqrt().clamp_min(1e-6)[:, None]
    for own in rows:
        own.div_(norm)
