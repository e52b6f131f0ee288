"""Classes of concepts: who shares them, by thresholds that are stated here and nowhere else."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from usae_viz.sae.counts import CodeCounts

Kind = Literal["universal", "shared", "unique", "dense", "dead"]
KINDS: tuple[Kind, ...] = get_args(Kind)

UNIVERSAL_ENTROPY = 0.9
"""From this firing entropy on, a concept that all backbones share is universal."""
UNIQUE_ENTROPY = 0.2
"""Below this firing entropy a concept belongs to one backbone."""
SHARED_COFIRE = 0.3
"""Two backbones share a concept if it fires in both in this share of the more frequent one's
tokens …"""
SHARED_LIFT = 2.0
"""… and this many times more often than independent firing would give."""
DENSE_RATE = 0.5
"""A concept that fires in this share of a backbone's tokens says little about any of them."""


def sharing(counts: CodeCounts) -> NDArray[np.bool_]:
    """Return ``[M, N]``: whether a backbone shares a concept with another one.

    Judged on the same tokens (`SHARED_COFIRE`, `SHARED_LIFT`), since equal rates can come from
    different places.
    """
    often = counts.pair_share() >= SHARED_COFIRE
    above_chance = counts.pair_lift() >= SHARED_LIFT
    others = ~np.eye(len(counts.names), dtype=bool)[:, :, None]
    shares = np.logical_and.reduce(np.broadcast_arrays(often, above_chance, others))
    members: NDArray[np.bool_] = shares.any(1)
    return members


def classify(counts: CodeCounts) -> NDArray[np.int64]:
    """Return for each concept its place in `KINDS`.

    Dead: fires in no backbone. Dense: fires in half of some backbone's tokens. Universal: entropy
    of at least 0.9 and all backbones share it. Unique: entropy below 0.2, or no two share it.
    Shared: the rest, by two or more.
    """
    members = sharing(counts).sum(0)
    entropy = counts.entropy()
    kinds = np.full(counts.concepts, KINDS.index("shared"))
    kinds[(entropy < UNIQUE_ENTROPY) | (members < 2)] = KINDS.index("unique")
    everywhere = (entropy >= UNIVERSAL_ENTROPY) & (members == len(counts.names)) & (members > 1)
    kinds[everywhere] = KINDS.index("universal")
    kinds[counts.rate().max(0) >= DENSE_RATE] = KINDS.index("dense")
    kinds[counts.dead()] = KINDS.index("dead")
    return kinds.astype(np.int64)
