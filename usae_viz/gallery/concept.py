"""What the page says about one concept, gathered from the run's files; nothing is computed here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from usae_viz.concepts import ConceptIndex, ConceptName
from usae_viz.gallery.natural import Examples, Found, example_table, example_views, find_examples
from usae_viz.gallery.pictures import ModeView, mode_views
from usae_viz.gallery.reports import Mention
from usae_viz.render import log_histogram
from usae_viz.run import Run

LISTED = 6
"""Neighbours and labels that are named, at most."""


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
        maps: the same as plain values, from which heat is drawn.
    """

    name: str
    natural: float
    top: float
    rate: float
    mean: float
    energy: float
    interval: tuple[float, float]
    histogram: Markup
    examples: dict[str, Examples]
    maps: dict[str, list[dict[str, Any]]] = field(repr=False)


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
    """All that the gallery shows of one concept.

    Attributes:
        concept: its number.
        kind: its class.
        name: what it is called, and the user's note; None if it is neither named nor noted.
        modes: what was maximized.
        unread: kinds of it that cannot be read.
        columns: one a backbone.
        pairs: one a pair of backbones.
        near: neighbours.
        twin: the closest near-duplicate and their cosine.
        labels: label, its share of all images, and its share where each backbone fires.
        entropy, cofire, lift: statistics of the index.
        reports: attribution reports that speak of it.
    """

    concept: int
    kind: str
    name: ConceptName | None
    modes: list[ModeView]
    columns: list[Column]
    pairs: list[Pair]
    near: list[Near]
    twin: tuple[int, float] | None
    labels: list[tuple[str, float, list[float]]]
    entropy: float
    cofire: float
    lift: float
    reports: Sequence[Mention] = ()
    unread: Sequence[str] = ()

    @property
    def label(self) -> str | None:
        """Its name."""
        return (self.name.name or None) if self.name else None

    @property
    def images(self) -> set[str]:
        """Ids of all natural images that are shown."""
        return {
            image.image_id
            for column in self.columns
            for group in column.examples.values()
            for image in group.images
        }


def concept_view(
    run: Run,
    index: ConceptIndex,
    concept: int,
    out: Path,
    name: ConceptName | None = None,
    reports: Sequence[Mention] = (),
) -> ConceptView:
    """Gather one concept; what has not been made yet is left empty.

    Args:
        run: an indexed run.
        index: its concept index.
        concept: which; alive.
        out: the folder that holds ``maximized/``.
        name: what it is called, if it is.
        reports: attribution reports that speak of it.

    Raises:
        ConceptError: the concept does not exist or is dead.
        RunError: nothing of what was maximized can be read.
    """
    index.require(concept)
    modes, unread = mode_views(run, concept, out)
    found = find_examples(index, concept)
    twin = int(index.twin[concept])
    return ConceptView(
        concept=concept,
        kind=index.kind(concept),
        name=name,
        modes=modes,
        columns=[_column(index, concept, each, found[each]) for each in run.names],
        pairs=_pairs(index, concept),
        near=_near(index, concept),
        twin=(twin, float(index.twin_cosine[concept])) if twin >= 0 else None,
        labels=_labels(index, concept),
        entropy=float(index.entropy[concept]),
        cofire=float(index.cofire[concept]),
        lift=float(index.lift[concept]),
        reports=reports,
        unread=unread,
    )


def _column(index: ConceptIndex, concept: int, name: str, found: Found) -> Column:
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
        examples=example_views(name, concept, found),
        maps=example_table(found),
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
    found = zip(concepts, nearness, strict=True)
    return [(int(k), float(value)) for k, value in found if k >= 0][:LISTED]


def _labels(index: ConceptIndex, concept: int) -> list[tuple[str, float, list[float]]]:
    """Return the labels that go with the concept most, above their own rate."""
    if not index.labels:
        return []
    share = index.label_share[:, :, concept]
    lift = share.mean(0) / np.maximum(index.label_rate, 1e-9)
    order = np.argsort(-np.where(index.label_rate > 0, lift, 0), kind="stable")[:LISTED]
    return [
        (index.labels[i], float(index.label_rate[i]), [float(x) for x in share[:, i]])
        for i in order
        if lift[i] > 1
    ]


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


def concept_table(index: ConceptIndex, view: ConceptView) -> dict[str, Any]:
    """Return everything the page of a concept says as plain values, for JSON.

    ``backbones`` in the order of the run; in each, ``top`` is the value of the heat's brightest
    colour and ``examples`` are as in `example_table`. Rates are shares of all tokens.
    """
    return {
        "concept": view.concept,
        "class": view.kind,
        "name": view.label,
        "note": view.name.note if view.name else "",
        "grid": index.grid,
        "images": index.images,
        "tokens": index.tokens,
        "tau": index.tau,
        "entropy": view.entropy,
        "cofire": view.cofire,
        "lift": view.lift,
        "backbones": [
            {
                "name": column.name,
                "top": column.top,
                "natural": column.natural,
                "rate": column.rate,
                "rate_interval": list(column.interval),
                "mean": column.mean,
                "energy": column.energy,
                "examples": column.maps,
            }
            for column in view.columns
        ],
        "pairs": [
            {
                "backbones": list(pair.names),
                "cofire": pair.share,
                "lift": pair.lift,
                "correlation": pair.correlation,
            }
            for pair in view.pairs
        ],
        "labels": [
            {"label": label, "images": base, "where_it_fires": shares}
            for label, base, shares in view.labels
        ],
        "near": {near.title: near.concepts for near in view.near},
        "twin": view.twin,
        "maximized": [mode.table for mode in view.modes],
    }


def concept_script(index: ConceptIndex, view: ConceptView) -> str:
    """Return the script with `concept_table`, which heat is drawn from and JSON is saved from."""
    return f"usaeViz.add({json.dumps(concept_table(index, view), allow_nan=False)});\n"
