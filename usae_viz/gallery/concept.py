"""What the page says about one concept, gathered from the run's files; nothing is computed here."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from usae_viz.concepts import ConceptIndex, Example
from usae_viz.concepts.index import Choice
from usae_viz.maximize.result import MaximizeResult, read_result
from usae_viz.render import Line, heat_table, line_chart, log_histogram
from usae_viz.run import Run


@dataclass(frozen=True)
class ExampleView:
    """A natural example.

    Attributes:
        image_id: content hash of the image.
        peak: largest gated activation over its tokens.
        alt: what a reader who does not see it should know.
    """

    image_id: str
    peak: float
    alt: str


@dataclass(frozen=True)
class Picture:
    """A maximized picture.

    Attributes:
        plain: its file.
        alpha: file of the same, transparent where the optimisation hardly pulled.
        side: pixels.
        share: activation on it over the natural level; None without such a level.
        spread: its standard deviation over seeds; 0 for one seed.
        rank: place of the concept among all in the picture's code, from 1; 0: not in it.
        portion: the concept's share of all activation in the picture.
    """

    plain: Path
    alpha: Path
    side: int
    share: float | None
    spread: float
    rank: int
    portion: float


@dataclass(frozen=True)
class ModeView:
    """The pictures of one mode and their numbers.

    Attributes:
        name: per-model, shared, contrast …
        verdict: the numbers in words.
        pictures: by backbone; those without one are missing.
        transfer, trajectory: table and chart.
        settings, seconds: how they were made.
    """

    name: str
    verdict: str
    pictures: dict[str, Picture]
    transfer: Markup
    trajectory: Markup
    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Examples:
    """One choice of natural images for one backbone: ``top``, ``random`` or ``joint``."""

    choice: str
    images: list[ExampleView]


@dataclass(frozen=True)
class Column:
    """One backbone's side of a concept.

    Attributes:
        name: of the backbone.
        natural: mean score of its natural top images; 0 if it never fires.
        top: largest value over the indexed images: the top of the heat's scale.
        rate, mean, energy: statistics of the index.
        interval: 95 % interval of `rate`.
        histogram: of the values where it fires; empty if it never does.
        examples: natural images, by how they were chosen.
    """

    name: str
    natural: float
    top: float
    rate: float
    mean: float
    energy: float
    interval: tuple[float, float]
    histogram: Markup
    examples: list[Examples]


@dataclass(frozen=True)
class Pair:
    """How two backbones agree on a concept."""

    names: tuple[str, str]
    share: float
    lift: float
    correlation: float


@dataclass(frozen=True)
class Near:
    """Concepts near this one: by what, and which, nearest first, with their nearness."""

    title: str
    note: str
    concepts: list[tuple[int, float]]


@dataclass(frozen=True)
class ConceptView:
    """All that the gallery shows of one concept; `data` is what its heatmaps are drawn from."""

    concept: int
    kind: str
    label: str | None
    modes: list[ModeView]
    columns: list[Column]
    pairs: list[Pair]
    near: list[Near]
    labels: list[tuple[str, float, list[float]]]
    entropy: float
    cofire: float
    lift: float
    data: str = field(repr=False)

    @property
    def images(self) -> set[str]:
        """Ids of all natural images that are shown."""
        return {e.image_id for c in self.columns for group in c.examples for e in group.images}


CHOICES: tuple[Choice, ...] = ("top", "random", "joint")
SHOWN = 9
"""Natural images of one choice, at most."""


def concept_view(
    run: Run, index: ConceptIndex, concept: int, out: Path, label: str | None = None
) -> ConceptView:
    """Gather one concept; what has not been made yet is left empty.

    Args:
        run: an indexed run.
        index: its concept index.
        concept: which; alive.
        out: the folder that holds ``maximized/``.
        label: its name, if it has one.

    Raises:
        ConceptError: the concept does not exist or is dead.
        RunError: a file of it is missing or damaged.
    """
    index.require(concept)
    examples = {
        name: {choice: index.examples(name, concept, choice)[:SHOWN] for choice in CHOICES}
        for name in run.names
    }
    return ConceptView(
        concept=concept,
        kind=index.kind(concept),
        label=label,
        modes=[
            _mode(read_result(run.maximized_dir(concept, out, kind)))
            for kind in run.maximized_kinds(concept, out)
        ],
        columns=[_column(index, concept, name, examples[name]) for name in run.names],
        pairs=_pairs(index, concept),
        near=_near(index, concept),
        labels=_labels(index, concept),
        entropy=float(index.entropy[concept]),
        cofire=float(index.cofire[concept]),
        lift=float(index.lift[concept]),
        data=heat_script(index, concept, examples),
    )


def _mode(result: MaximizeResult) -> ModeView:
    return ModeView(
        name=result.mode,
        verdict=result.verdict,
        pictures={name: _picture(result, name) for name in result.optimised},
        transfer=_transfer_table(result),
        trajectory=_trajectory(result),
        settings=result.settings,
        seconds=result.seconds,
    )


def _column(
    index: ConceptIndex, concept: int, name: str, examples: Mapping[Choice, list[Example]]
) -> Column:
    at = index.names.index(name)
    low, high = index.intervals["rate"][:, at, concept]
    return Column(
        name=name,
        natural=float(index.natural_score[at, concept]),
        top=float(index.maximum[at, concept]),
        rate=float(index.rate[at, concept]),
        mean=float(index.mean[at, concept]),
        energy=float(index.energy[at, concept]),
        interval=(float(low), float(high)),
        histogram=_histogram(index, at, concept),
        examples=[
            Examples(
                choice,
                [
                    _example(name, concept, choice, place, example)
                    for place, example in enumerate(found, start=1)
                ],
            )
            for choice, found in examples.items()
        ],
    )


def _histogram(index: ConceptIndex, at: int, concept: int) -> Markup:
    counts = index.counts.histogram[at, concept]
    edges = [float(edge) for edge in index.counts.edges]
    first = edges.index(min(edges, key=lambda edge: abs(edge - index.tau)))
    used = np.flatnonzero(counts)
    if not used.size or not index.counts.fires[at, concept]:
        return Markup("")
    last = max(int(used[-1]), first + 6)
    return log_histogram(
        counts[first + 1 : last + 1],
        edges[first : min(last + 1, len(edges))],
        title=f"Values of concept {concept} in {index.names[at]}, where it fires",
        series=at,
    )


def _near(index: ConceptIndex, concept: int) -> list[Near]:
    rows, values = "cosine of the dictionary rows", "cosine of the values over a sample of tokens"
    names = index.names
    tables = [(f"dictionary of {name}", rows, index.near(name)) for name in names]
    tables += [(f"fires with it in {name}", values, index.coactive(name)) for name in names]
    found = [
        Near(title, note, _listed(table.concept[concept], table.nearness[concept]))
        for title, note, table in tables
    ]
    return [near for near in found if near.concepts]


def _listed(concepts: NDArray[Any], nearness: NDArray[Any]) -> list[tuple[int, float]]:
    return [(int(k), float(value)) for k, value in zip(concepts, nearness, strict=True) if k >= 0][
        :6
    ]


def _labels(index: ConceptIndex, concept: int) -> list[tuple[str, float, list[float]]]:
    """Return the labels that go with the concept most, above their own rate: six at most."""
    if not index.labels:
        return []
    share = index.label_share[:, :, concept]
    lift = share.mean(0) / np.maximum(index.label_rate, 1e-9)
    order = np.argsort(-np.where(index.label_rate > 0, lift, 0), kind="stable")[:6]
    return [
        (index.labels[i], float(index.label_rate[i]), [float(x) for x in share[:, i]])
        for i in order
        if lift[i] > 1
    ]


def _picture(result: MaximizeResult, name: str) -> Picture:
    assert result.folder is not None  # it was read from there
    row, at = result.row_of(name), result.backbones.index(name)
    share = float(result.transfer[row, at])
    return Picture(
        plain=result.folder / result.file_of(name),
        alpha=result.folder / f"{name}.alpha.png",
        side=result.images[name].shape[0],
        share=None if math.isnan(share) else share,
        spread=0.0 if math.isnan(share) else float(result.spread[row, at]),
        rank=int(result.rank[row, at]),
        portion=float(result.share[row, at]),
    )


def _example(name: str, concept: int, choice: Choice, place: int, example: Example) -> ExampleView:
    row, column = example.position
    grid = example.grid.shape[0]
    which = {"top": "Strongest", "random": "Random", "joint": "Joint"}[choice]
    return ExampleView(
        image_id=example.image_id,
        peak=example.peak,
        alt=f"{which} natural example {place} of concept {concept} in {name}: peaks at "
        f"{example.peak:.2f}, token row {row + 1}, column {column + 1} of {grid}",
    )


def _pairs(index: ConceptIndex, concept: int) -> list[Pair]:
    names = index.names
    return [
        Pair(
            (names[i], names[j]),
            float(index.pair[i, j, concept]),
            float(index.pair_lift[i, j, concept]),
            float(index.correlation[i, j, concept]),
        )
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]


def _transfer_table(result: MaximizeResult) -> Markup:
    return heat_table(
        result.transfer,
        rows=result.rows,
        columns=result.backbones,
        corner="optimised for ↓ read by →",
        caption="Share of the reader’s natural level",
        marked=[(result.row_of(n), result.backbones.index(n)) for n in result.optimised],
    )


def _trajectory(result: MaximizeResult) -> Markup:
    return line_chart(
        [
            Line(name, result.backbones.index(name), result.moments[: len(values)], values)
            for name, values in result.trajectory.items()
        ],
        title=f"Pre-gate activation of concept {result.concept} over the steps",
        x_label="step",
        y_label="activation before the gate, mean over the views of a step",
    )


def heat_script(
    index: ConceptIndex, concept: int, examples: Mapping[str, Mapping[Choice, list[Example]]]
) -> str:
    """Return the script with the numbers that the heatmaps are drawn from.

    ``values`` are rows of uint8 in base64: the gated map as a share of `peak`, times 255; ``top``
    is the value of the brightest colour.
    """
    table = {
        "concept": concept,
        "grid": index.grid,
        "backbones": [
            {
                "name": name,
                "top": float(index.maximum[at, concept]),
                "examples": {
                    choice: [
                        {
                            "image": example.image_id,
                            "peak": round(example.peak, 4),
                            "values": base64.b64encode(example.grid.tobytes()).decode(),
                        }
                        for example in found
                    ]
                    for choice, found in examples[name].items()
                },
            }
            for at, name in enumerate(index.names)
        ],
    }
    return f"usaeViz.add({json.dumps(table, allow_nan=False)});\n"
