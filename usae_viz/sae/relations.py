"""The relations that the paper draws between firing, co-firing and energy, beside its figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usae_viz.sae.statistics import CodeStatistics
from usae_viz.sae.universal import UniversalSAE

PAPER_CONCEPTS = 6144
TOP = {"top_1000": 1000, "top_100": 100}
"""Concepts of the paper's dictionary that it takes by energy; here, the same share."""
MANY = 1000
"""Co-fires from which on the paper correlates a second time."""
ENTROPY_NEAR = {"1": (0.95, 1.0), "0.6": (0.55, 0.65), "0": (0.0, 0.05)}
"""Where the paper's histogram of firing entropy has its peaks, and what is counted here."""

PAPER: dict[str, Any] = {
    "entropy": {"1": 1570 / 6144, "0.6": 1140 / 6144, "0": 250 / 6144},
    "energy_r": 0.63,
    "energy_r_many": 0.89,
    "cofire": {
        "top_1000": {"SigLIP": 0.344, "DinoV2": 0.266, "ViT": 0.326},
        "top_100": {"text": "0.5 to 0.8"},
    },
}
"""arXiv 2502.03714 on ImageNet's validation images; shares of entropy are read off its figure. Its
text gives the co-fire of the first hundred, its plot about 0.42 at rank 200."""


def relations(usae: UniversalSAE, statistics: CodeStatistics) -> dict[str, Any]:
    """Return the paper's relations on the tokens that were counted; dead concepts are apart.

    Returns:
        ``entropy``: share of all concepts, living ones only, whose firing entropy is near 1, 0.6
        and 0 (`ENTROPY_NEAR`). ``energy_r``: Pearson r of log energy (mean over backbones, eq. 9)
        and log co-fires over the concepts that co-fire; ``energy_r_many`` over the ``many`` that
        co-fire at more than 1,000 tokens (None below three). ``cofire``: mean co-fire proportion
        by backbone (eq. 14) of the concepts of largest energy in that backbone, as large a share
        of the dictionary as the paper's first 1,000 and 100. ``paper``: its figures by the same
        keys.
    """
    living = ~statistics.dead()
    entropy = statistics.entropy()[living]
    energy, together = statistics.energy(usae), statistics.all_fire
    cofire = statistics.cofire()
    many = together > MANY
    return {
        "entropy": {
            key: float(((entropy >= low) & (entropy <= high)).sum() / statistics.concepts)
            for key, (low, high) in ENTROPY_NEAR.items()
        },
        "energy_r": log_correlation(energy.mean(0), together),
        "energy_r_many": log_correlation(energy.mean(0)[many], together[many]),
        "many": int(many.sum()),
        "cofire": {
            key: {
                name: float(cofire[i][strongest(energy[i], count)].mean())
                for i, name in enumerate(statistics.names)
            }
            for key, count in TOP.items()
        },
        "paper": PAPER,
    }


def strongest(energy: NDArray[np.float64], of_paper: int) -> NDArray[np.int64]:
    """Return the concepts of largest energy ``[N]``: as many as `of_paper` of the paper's 6,144."""
    count = max(1, round(len(energy) * of_paper / PAPER_CONCEPTS))
    return np.argsort(-energy, kind="stable")[:count]


def log_correlation(energy: NDArray[np.float64], together: NDArray[np.float64]) -> float | None:
    """Return Pearson r of log energy and log co-fires over the concepts that co-fire.

    None where it is undefined: fewer than three concepts, or all alike.
    """
    use = (together > 0) & (energy > 0)
    if use.sum() < 3 or np.ptp(energy[use]) == 0 or np.ptp(together[use]) == 0:
        return None
    return float(np.corrcoef(np.log(energy[use]), np.log(together[use]))[0, 1])
