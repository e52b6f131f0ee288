"""How well it worked: every picture read clean, by every backbone, against its natural level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.concepts import ConceptIndex
from usae_viz.maximize.objective import read_clean
from usae_viz.maximize.penalties import descriptor, feature_distance
from usae_viz.maximize.pictures import Maximized
from usae_viz.maximize.statistics import corner_energy, radial_spectrum
from usae_viz.sae import UniversalSAE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """What the code says about one concept's pictures from all seeds.

    Matrices are ``[seeds, R, M]``: a row is a picture (in most modes of the backbone that it was
    optimised for), a column a backbone that reads it clean (no views, no noise, 8-bit pixels as
    saved).

    Attributes:
        score: mean over tokens of the gated activation, standardised units.
        peak: its maximum over tokens.
        transfer: `score` as share of the reader's natural level (mean score of the natural top
            images); not-a-number where the concept never fires naturally.
        transfer_peak: the same for `peak`.
        rank: place of the concept among all concepts by mean gated activation, 1 is first; 0 where
            it is not in the code of the picture at all.
        share: its share of the mean gated activation of all concepts, in [0, 1].
        spectrum: ``[seeds, R, bands]``, see `statistics.radial_spectrum`.
        corner: ``[seeds, R]``, see `statistics.corner_energy`.
        moved: ``[seeds, R, M]``, distance from the start image in features (`feature_distance`);
            None without one.
        start: ``[M]``, the start image's own transfer; None without one.
        likeness: ``[R, M]``, mean cosine between the pictures of different seeds in features that
            are not the concept's (`descriptor`); None for one seed.
    """

    score: Floats
    peak: Floats
    transfer: Floats
    transfer_peak: Floats
    rank: NDArray[np.int64]
    share: Floats
    spectrum: Floats
    corner: Floats
    moved: Floats | None = None
    start: Floats | None = None
    likeness: Floats | None = None


@torch.no_grad()
def read_maximized(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    index: ConceptIndex,
    maximized: Maximized,
    *,
    start: Tensor | None = None,
    batch: int = 16,
) -> list[Reading]:
    """Read every picture by every backbone.

    Args:
        usae: the USAE.
        backbones: all backbones of the run, in its order: the columns.
        index: gives the natural levels.
        maximized: the pictures; the rows.
        start: ``[3, size, size]`` in [0, 1], the photograph they began as, if they did.
        batch: pictures read at once.

    Returns:
        One reading per concept.
    """
    pictures = torch.stack(list(maximized.images.values()), dim=2)  # [C, S, R, 3, size, size]
    shape = tuple(pictures.shape[:3])
    flat = pictures.flatten(0, 2)
    asked = torch.tensor(maximized.concepts).repeat_interleave(shape[1] * shape[2])
    reads = [_read(usae, reader, flat, asked, start, batch) for reader in backbones.values()]
    numbers, looks = [r[0] for r in reads], [r[1] for r in reads]
    # [(score, peak, rank, share, moved), C, S, R, M]
    table = np.stack(numbers, axis=-1).reshape(5, *shape, len(backbones))
    spectrum = radial_spectrum(flat).reshape(*shape, -1)
    corner = corner_energy(flat).reshape(shape)
    columns = [index.names.index(name) for name in backbones]
    starts = None if start is None else _starts(usae, backbones, start, maximized.concepts)
    readings = []
    for i, k in enumerate(maximized.concepts):
        score, peak, rank, share, moved = table[:, i]
        levels = index.natural_score[columns, k]
        readings.append(
            Reading(
                score=score,
                peak=peak,
                transfer=_share(score, levels),
                transfer_peak=_share(peak, index.natural_peak[columns, k]),
                rank=rank.astype(np.int64),
                share=share,
                spectrum=spectrum[i],
                corner=corner[i],
                moved=None if start is None else moved,
                start=None if starts is None else _share(starts[:, i], levels),
                likeness=None if shape[1] == 1 else _alike([x.view(*shape, -1)[i] for x in looks]),
            )
        )
    return readings


def _read(
    usae: UniversalSAE,
    reader: Backbone,
    pictures: Tensor,
    concepts: Tensor,
    start: Tensor | None,
    batch: int,
) -> tuple[Floats, Tensor]:
    """Return ``[5, n]`` numbers and ``[n, dim]`` descriptors."""
    device = reader.mean.device
    from_there = None if start is None else reader(start[None].to(device))
    numbers, looks = [], []
    for images, asked in zip(
        torch.split(pictures, batch), torch.split(concepts, batch), strict=True
    ):
        maps, own = reader(images.to(device).float() / 255), asked.to(device)
        score, peak, mean = read_clean(usae, reader.name, maps, own)
        rank = torch.where(score > 0, 1 + (mean > score[:, None]).sum(1), 0)
        share = score / mean.sum(1).clamp_min(1e-12)
        moved = torch.zeros_like(score)
        if from_there is not None:
            moved = feature_distance(usae, reader.name, maps, from_there)
        numbers.append(torch.stack([score, peak, rank, share, moved]).cpu())
        looks.append(descriptor(usae, reader.name, maps, own).cpu())
    return torch.cat(numbers, dim=1).double().numpy(), torch.cat(looks)


def _starts(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    start: Tensor,
    concepts: tuple[int, ...],
) -> Floats:
    """Return ``[M, C]``, the scores of the photograph itself."""
    rows = []
    for reader in backbones.values():
        asked = torch.tensor(concepts, device=reader.mean.device)
        maps = reader(start[None].to(asked.device))
        _, _, mean = read_clean(usae, reader.name, maps, asked[:1])
        rows.append(mean[0, asked].cpu().double().numpy())
    return np.stack(rows)


def _alike(looks: list[Tensor]) -> Floats:
    """Return ``[R, M]`` from one ``[S, R, dim]`` per reader: mean cosine between seeds."""
    columns = []
    for directions in looks:
        seeds = len(directions)
        together = directions.sum(0).square().sum(-1)
        columns.append(((together - seeds) / (seeds * (seeds - 1))).double().numpy())
    return np.stack(columns, axis=1)


def _share(value: Floats, natural: NDArray[np.float32]) -> Floats:
    level = np.where(natural > 0, natural, np.nan).astype(np.float64)
    return value / level
