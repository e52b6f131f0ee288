"""From readings to results: everything that is told with a concept's pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from usae_viz.concepts import ConceptIndex, write_thumbnails
from usae_viz.errors import ImageSourceError
from usae_viz.images import open_source
from usae_viz.maximize.pictures import Maximized
from usae_viz.maximize.readings import Reading
from usae_viz.maximize.result import MaximizeResult
from usae_viz.maximize.statistics import natural_spectra, power_law, spectral_distance
from usae_viz.maximize.verdict import verdict
from usae_viz.run import Run

TYPICAL = 0.95
"""Share of a concept's natural examples whose spectra lie within the distance called natural."""


def natural_reference(run: Run, index: ConceptIndex, concept: int) -> NDArray[np.float64] | None:
    """Return the radial spectra of the concept's natural examples; None if they are gone."""
    ids = list(
        dict.fromkeys(
            example.image_id for name in index.names for example in index.examples(name, concept)
        )
    )
    if not all(run.thumb_file(image_id).is_file() for image_id in ids):
        try:
            write_thumbnails(run, ids, open_source(run.recipe().images))
        except ImageSourceError:
            return None
    files = [run.thumb_file(image_id) for image_id in ids]
    there = [np.array(Image.open(file).convert("RGB")) for file in files if file.is_file()]
    return natural_spectra(there) if there else None


def make_result(
    maximized: Maximized,
    i: int,
    reading: Reading,
    index: ConceptIndex,
    nature: NDArray[np.float64] | None,
    made_by: dict[str, Any],
    seconds: float,
) -> MaximizeResult:
    """Put together what is told of one concept.

    Args:
        maximized: the pictures of all concepts of a batch.
        i: which of its concepts.
        reading: what the backbones say about its pictures.
        index: the concept index.
        nature: from `natural_reference`.
        made_by: what decides the pictures, for telling later whether they are up to date.
        seconds: wall time, for one concept of the batch.
    """
    concept, rows = maximized.concepts[i], maximized.rows
    pictures = {
        name: found[i].permute(0, 2, 3, 1).numpy() for name, found in maximized.images.items()
    }
    images = {name: pictures[row.name][0] for row in rows for name in row.raised}
    reference = power_law() if nature is None else nature.mean(0)
    distance = spectral_distance(reading.spectrum[0], reference)
    natural = None
    if nature is not None:
        natural = float(np.quantile(spectral_distance(nature, reference), TYPICAL))
    return MaximizeResult(
        concept=concept,
        backbones=index.names,
        images={name: images[name] for name in index.names if name in images},
        alpha={
            name: _eight_bit(maximized.alpha[name][i, 0])
            if name in maximized.alpha
            # A backbone without a natural level has no say in a shared picture.
            else np.zeros(images[name].shape[:2], np.uint8)
            for name in images
        },
        variants={name: list(seeds[1:]) for name, seeds in pictures.items()},
        natural=_levels(index, index.natural_score, concept),
        natural_peak=_levels(index, index.natural_peak, concept),
        transfer=reading.transfer[0],
        transfer_peak=reading.transfer_peak[0],
        spread=reading.transfer.std(axis=0),
        rank=reading.rank[0],
        share=reading.share[0],
        trajectory={name: _curve(found[i, 0]) for name, found in maximized.trajectory.items()},
        moments=maximized.moments,
        verdict=verdict(
            reading,
            made_by["mode"],
            rows,
            index.names,
            None if natural is None else (float(np.median(distance)), natural),
        ),
        settings=made_by,
        seconds=round(seconds, 2),
        lowered={
            row: {name: _curve(found[i, 0]) for name, found in curves.items()}
            for row, curves in maximized.lowered.items()
        },
        transfers=reading.transfer,
        spectrum={
            "against": "1/f² power law" if nature is None else "the concept's natural examples",
            "distance": {
                row.name: round(float(x), 4) for row, x in zip(rows, distance, strict=True)
            },
            "natural": natural and round(natural, 4),
        },
        corner={
            row.name: round(float(x), 4) for row, x in zip(rows, reading.corner[0], strict=True)
        },
        moved=None if reading.moved is None else reading.moved[0],
        start=None
        if reading.start is None
        else dict(zip(index.names, map(float, reading.start), strict=True)),
        likeness=reading.likeness,
    )


def _curve(values: Tensor) -> list[float]:
    return [round(float(x), 4) for x in values[~values.isnan()]]


def _eight_bit(alpha: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = (alpha * 255).round().byte().numpy()
    return pixels


def _levels(index: ConceptIndex, levels: NDArray[Any], concept: int) -> dict[str, float]:
    return {name: float(levels[i, concept]) for i, name in enumerate(index.names)}
