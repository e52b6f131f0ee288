"""How well it worked: every picture read clean, by every backbone, against its natural level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from usae_viz.backbones import Backbone
from usae_viz.concepts import ConceptIndex
from usae_viz.maximize.engine import Maximized
from usae_viz.maximize.objective import read_clean
from usae_viz.sae import UniversalSAE

Floats = NDArray[np.float64]

REACHES = 1.0
"""A picture reaches the natural level at this share of the natural top images' mean score."""
TRANSFERS = 0.5
"""A picture transfers to another backbone at this share of that backbone's natural level."""


@dataclass(frozen=True)
class Reading:
    """What the code says about one concept's pictures from all seeds.

    Matrices are ``[seeds, R, M]``: a row is a backbone that was optimised for, a column one that
    reads the clean picture (no views, no noise, 8-bit pixels as saved).

    Attributes:
        score: mean over tokens of the gated activation, standardised units.
        peak: its maximum over tokens.
        transfer: `score` as share of the reader's natural level (mean score of the natural top
            images); not-a-number where the concept never fires naturally.
        transfer_peak: the same for `peak`.
        rank: place of the concept among all concepts by mean gated activation, 1 is first; 0 where
            it is not in the code of the picture at all.
        share: its share of the mean gated activation of all concepts, in [0, 1].
    """

    score: Floats
    peak: Floats
    transfer: Floats
    transfer_peak: Floats
    rank: NDArray[np.int64]
    share: Floats


@torch.no_grad()
def read_maximized(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    index: ConceptIndex,
    maximized: Maximized,
    *,
    batch: int = 16,
) -> list[Reading]:
    """Read every picture by every backbone.

    Args:
        usae: the USAE.
        backbones: all backbones of the run, in its order: the columns.
        index: gives the natural levels.
        maximized: the pictures; its backbones are the rows.
        batch: pictures read at once.

    Returns:
        One reading per concept.
    """
    count = len(maximized.concepts)
    rows = [
        [_read(usae, backbone, maximized, made_for, batch) for backbone in backbones.values()]
        for made_for in maximized.images
    ]
    # [rows, columns, (score, peak, rank, share), C, S] -> [C, (…), S, rows, columns]
    table = np.array(rows).transpose(3, 2, 4, 0, 1)
    readings = []
    for i in range(count):
        score, peak, rank, share = table[i]
        k = maximized.concepts[i]
        columns = [index.names.index(name) for name in backbones]
        readings.append(
            Reading(
                score=score,
                peak=peak,
                transfer=_share(score, index.natural_score[columns, k]),
                transfer_peak=_share(peak, index.natural_peak[columns, k]),
                rank=rank.astype(np.int64),
                share=share,
            )
        )
    return readings


def _read(
    usae: UniversalSAE, reader: Backbone, maximized: Maximized, made_for: str, batch: int
) -> Floats:
    pictures = maximized.images[made_for]
    count, seeds = pictures.shape[:2]
    device = reader.mean.device
    concepts = torch.tensor(maximized.concepts).repeat_interleave(seeds)
    parts = []
    for images, asked in zip(
        torch.split(pictures.flatten(0, 1), batch), torch.split(concepts, batch), strict=True
    ):
        maps = reader(images.to(device).float() / 255)
        score, peak, mean = read_clean(usae, reader.name, maps, asked.to(device))
        rank = torch.where(score > 0, 1 + (mean > score[:, None]).sum(1), 0)
        parts.append(torch.stack([score, peak, rank, score / mean.sum(1).clamp_min(1e-12)]).cpu())
    return torch.cat(parts, dim=1).double().numpy().reshape(4, count, seeds)


def _share(value: Floats, natural: NDArray[np.float32]) -> Floats:
    level = np.where(natural > 0, natural, np.nan).astype(np.float64)
    return value / level


def verdict(reading: Reading, rows: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Say in plain text what the numbers of the first seed mean, by the thresholds above.

    Args:
        reading: of one concept.
        rows: the backbones optimised for.
        columns: the backbones that read.
    """
    transfer, rank = reading.transfer[0], reading.rank[0]
    own = {name: transfer[i, columns.index(name)] for i, name in enumerate(rows)}
    absent = [name for j, name in enumerate(columns) if np.isnan(transfer[:, j]).all()]
    judged = {name: share for name, share in own.items() if not np.isnan(share)}
    parts = []
    if judged:
        reached = [name for name, share in judged.items() if share >= REACHES]
        text = f"Reaches its natural level in {len(reached)} of {len(judged)} backbones"
        short = [f"{name} {share:.2f}×" for name, share in judged.items() if share < REACHES]
        parts.append(text + (f" (not: {', '.join(short)})" if short else ""))
    pairs = {
        (a, b): transfer[i, j]
        for i, a in enumerate(rows)
        for j, b in enumerate(columns)
        if a != b and not np.isnan(transfer[i, j])
    }
    if pairs:
        good = sum(share >= TRANSFERS for share in pairs.values())
        (a, b), best = max(pairs.items(), key=lambda item: item[1])
        text = f"transfers (at least {TRANSFERS:g}×) to {good} of {len(pairs)} pairs"
        parts.append(text + (f", best {a} → {b} {best:.2f}×" if best > 0 else ""))
    first = sum(rank[i, columns.index(name)] == 1 for i, name in enumerate(rows))
    parts.append(f"is the strongest concept of its own picture in {first} of {len(rows)} backbones")
    if absent:
        parts.append(f"never fires on natural images in {', '.join(absent)}")
    return "; ".join(parts) + "."
