"""The first rows of encoders and dictionaries."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.errors import StoreError
from usae_viz.sae.archetypes import Archetypes, archetypes
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.rows import normalise_rows
from usae_viz.sae.universal import UniversalSAE


@torch.no_grad()
def initialise(
    usae: UniversalSAE,
    parts: Ingredients,
    sample: Mapping[str, Tensor] | None,
    generator: torch.Generator,
    points: Archetypes | None = None,
) -> None:
    """Set the first rows; encoders start as the dictionaries' transposes.

    Args:
        usae: the model, its standardisation set.
        parts: the ingredients.
        sample: paired raw tokens ``[n, dim]`` per backbone, which become the rows (the same tokens
            everywhere, so a concept starts as the same pixels in every backbone); None for
            independent Gaussian rows. Fewer tokens than concepts are filled up with Gaussian rows.
        generator: of those rows.
        points: become the centres of the sample's clusters, and the rows what is mixed of them.

    Raises:
        StoreError: there are fewer tokens than archetypes.
    """
    if points is not None:
        _set_archetypes(usae, points, parts.archetypes, sample, generator)
    for i, name in enumerate(usae.names):
        rows = torch.randn(usae.concepts, usae.dims[name], generator=generator)
        if points is not None:
            rows = points.rows()[i].cpu()
        elif sample is not None:
            tokens = usae.standardise(name, sample[name].to(usae.mean(name).device)).cpu()
            count = min(len(tokens), usae.concepts)
            rows[:count] = tokens[:count]
        usae.dictionary[i].copy_(F.normalize(rows, dim=1))
        usae.weight[i].copy_(usae.dictionary[i])
        usae.bias[i].zero_()
    normalise_rows(usae.dictionary, parts.rows)
    if sample is not None:
        _scale_encoders(usae, sample)


def _set_archetypes(
    usae: UniversalSAE,
    points: Archetypes,
    count: int,
    sample: Mapping[str, Tensor] | None,
    generator: torch.Generator,
) -> None:
    found = len(next(iter(sample.values()))) if sample else 0
    if sample is None or found < count:
        raise StoreError(
            "there are too few training tokens for the archetypes",
            expected=f"at least {count}",
            got=str(found),
            hint="lower usae.archetypes",
        )
    device = usae.bias[0].device
    tokens = {name: usae.standardise(name, own.to(device)) for name, own in sample.items()}
    for i, own in enumerate(archetypes(tokens, count, generator).values()):
        # Clusters that ran empty: the first ones serve twice.
        again = torch.arange(count, device=device) % len(own)
        getattr(points, f"points_{i}").copy_(own[again])


def _scale_encoders(usae: UniversalSAE, sample: Mapping[str, Tensor]) -> None:
    """Scale each encoder so that its first reconstruction has the best overall length.

    Rows that are tokens overlap; k of them at full projection would overshoot many times.
    """
    for i, name in enumerate(usae.names):
        tokens = sample[name].to(usae.mean(name).device)
        target = usae.standardise(name, tokens)
        made = usae.standardise(name, usae.decode(name, usae.encode(name, tokens)))
        usae.weight[i].mul_((target * made).sum() / made.square().sum().clamp_min(1e-12))
