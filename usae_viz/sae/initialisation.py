"""The first rows of encoders and dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.errors import StoreError
from usae_viz.sae.archetypes import Archetypes, archetypes
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.rows import normalise_rows
from usae_viz.sae.universal import UniversalSAE

CANDIDATES, MOST_MORE = 4, 8192
"""Tokens drawn for each that becomes a row, and how many more than rows at most: to draw them, the
images that they are of are read."""
BLOCK = 1024
"""Rows chosen from one share of the candidates: time would grow with the square of the rows."""


class Sampled(Protocol):
    """What gives paired tokens."""

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return paired random tokens ``[n, dim]`` per backbone, fewer if there are no more."""
        ...


def first_tokens(store: Sampled, count: int, init: str, seed: int) -> dict[str, Tensor] | None:
    """Return the paired tokens that the first rows are made of, or None for Gaussian rows.

    Args:
        store: gives the tokens.
        count: rows.
        init: an ingredient, `modes.Ingredients.init`.
        seed: of the draws.
    """
    if init == "independent":
        return None
    if init == "paired":
        return store.sample(count, seed=seed)
    candidates = count + min((CANDIDATES - 1) * count, MOST_MORE)
    return spread(store.sample(candidates, seed=seed), count, seed=seed)


def spread(sample: Mapping[str, Tensor], count: int, *, seed: int) -> dict[str, Tensor]:
    """Choose paired tokens that lie far from each other, by k-means++ seeding.

    Each is drawn with probability in proportion to its squared distance from the nearest one before
    it (Arthur & Vassilvitskii 2007), over all backbones side by side; longer ones than the root
    mean square count as that long, so that a network's few huge tokens are not all taken. Of tokens
    drawn at random many are alike, on plain backgrounds most; of rows that are alike all but one
    soon die.

    Args:
        sample: ``[n, dim]`` per backbone; fewer than `count` are all taken, but none that is not
            finite in some backbone.
        count: how many.
        seed: of the draws.
    """
    from sklearn.cluster import kmeans_plusplus

    fine = torch.stack([own.isfinite().all(1) for own in sample.values()]).all(0)
    sample = {name: own[fine] for name, own in sample.items()}
    n = int(fine.sum())
    if n <= count:
        return sample
    joint = torch.cat([_within_unit(own - own.mean(0)) for own in sample.values()], dim=1)
    blocks = -(-count // BLOCK)
    chosen = []
    for part, share in zip(
        torch.arange(count).tensor_split(blocks), torch.arange(n).tensor_split(blocks), strict=True
    ):
        vectors = joint[share].cpu().numpy()
        _, places = kmeans_plusplus(vectors, len(part), random_state=seed % 2**32, n_local_trials=1)
        chosen.append(share[torch.from_numpy(places).long()])
    which = torch.cat(chosen)
    return {name: own[which] for name, own in sample.items()}


def _within_unit(tokens: Tensor) -> Tensor:
    """Return ``[n, dim]`` in units of their root mean square length, cut at 1."""
    lengths = torch.linalg.vector_norm(tokens, dim=1, keepdim=True)
    usual = lengths.square().mean().sqrt().clamp_min(torch.finfo(tokens.dtype).tiny)
    return tokens / torch.maximum(lengths, usual)


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
