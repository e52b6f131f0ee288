"""The front page: what the run is, its charts, and the columns that the list is drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from usae_viz.concepts import ConceptIndex
from usae_viz.concepts.classes import KINDS
from usae_viz.render import heat_table, histogram_chart, log_scatter
from usae_viz.run import Run

DRAWN = 2_000
"""Points of the scatter plot, at most; a fair sample of more."""
LISTED = 200
"""Cards that stand in the page itself, for readers without scripts."""


@dataclass(frozen=True)
class Card:
    """One concept of the list."""

    concept: int
    kind: str
    label: str | None
    pictures: tuple[str, ...]
    entropy: float
    cofire: float


@dataclass(frozen=True)
class Front:
    """All that the front page shows.

    Attributes:
        cards: the concepts with a page, the most universal first; at most `LISTED`.
        pages: how many have one.
        kinds: living concepts by class, with the 95 % interval of each count.
        entropy, scatter, r2: charts; None where nothing was measured.
        data: the script with all living concepts' columns.
    """

    cards: list[Card]
    pages: int
    kinds: dict[str, tuple[int, tuple[int, int] | None]]
    entropy: Markup
    scatter: Markup
    r2: Markup | None
    data: str


def front(
    run: Run,
    index: ConceptIndex,
    pages: Mapping[int, tuple[str, ...]],
    labels: Mapping[int, str],
    evaluation: Mapping[str, Any] | None,
) -> Front:
    """Gather the front page.

    Args:
        run: the run.
        index: its concept index.
        pages: concepts with a page of their own, each with the backbones that have a picture.
        labels: names of concepts.
        evaluation: ``evaluation.json``, if there is one.
    """
    living = np.flatnonzero(~index.dead)
    alike = index.worst_correlation()
    order = sorted(pages, key=lambda k: -float(alike[k]))
    kinds = {
        kind: (int((index.kinds == at).sum()), index.kind_intervals.get(kind))
        for at, kind in enumerate(KINDS)
    }
    return Front(
        cards=[
            Card(
                concept=k,
                kind=index.kind(k),
                label=labels.get(k),
                pictures=pages[k],
                entropy=float(index.entropy[k]),
                cofire=float(index.cofire[k]),
            )
            for k in order[:LISTED]
        ],
        pages=len(pages),
        kinds={kind: found for kind, found in kinds.items() if found[0]},
        entropy=_entropy(index, living),
        scatter=_scatter(index, living),
        r2=None if evaluation is None else _r2(evaluation),
        data=index_script(run, index, pages, labels),
    )


def index_script(
    run: Run,
    index: ConceptIndex,
    pages: Mapping[int, tuple[str, ...]],
    labels: Mapping[int, str],
) -> str:
    """Return the script with a column for each statistic of the living concepts.

    Whole numbers keep it small: ``entropy``, ``cofire`` and ``correlation`` in thousandths,
    ``energy`` and ``rate`` as hundredths of their decimal logarithm, places on the map in 1/1023.
    """
    living = np.flatnonzero(~index.dead)
    energy = index.energy[:, living].mean(0)
    rate = index.rate[:, living].max(0)
    place = np.nan_to_num(index.place[living], nan=0.5)
    table = {
        "run": run.info.name,
        "names": list(run.names),
        "kinds": list(KINDS),
        "id": [int(k) for k in living],
        "kind": "".join(str(int(x)) for x in index.kinds[living]),
        "entropy": _whole(index.entropy[living], 1000),
        "cofire": _whole(index.cofire[living], 1000),
        "correlation": _whole(index.worst_correlation()[living], 1000),
        "energy": _whole(np.log10(np.maximum(energy, 1e-12)), 100),
        "rate": _whole(np.log10(np.maximum(rate, 1e-9)), 100),
        "x": _whole(place[:, 0], 1023),
        "y": _whole(place[:, 1], 1023),
        "label": {int(k): labels[int(k)] for k in living if int(k) in labels},
        "page": sorted(pages),
        "pictures": {
            k: [run.names.index(name) for name in names] for k, names in pages.items() if names
        },
    }
    return f"usaeViz.setIndex({json.dumps(table, separators=(',', ':'), allow_nan=False)});\n"


def _whole(values: NDArray[Any], unit: int) -> list[int]:
    return [int(x) for x in np.rint(np.nan_to_num(values) * unit)]


def _entropy(index: ConceptIndex, living: NDArray[np.int64]) -> Markup:
    counts, edges = np.histogram(index.entropy[living], 20, (0, 1))
    return histogram_chart(
        [float(e) for e in edges],
        [int(c) for c in counts],
        title="Living concepts by firing entropy",
        x_label="firing entropy: 0 in one backbone only, 1 equally often in all",
        y_label="concepts",
    )


def _scatter(index: ConceptIndex, living: NDArray[np.int64]) -> Markup:
    generator = np.random.default_rng(0)
    shown = living if len(living) <= DRAWN else np.sort(generator.choice(living, DRAWN, False))
    groups: Sequence[tuple[str, Any, Any]] = [
        (
            kind,
            index.energy[:, shown].mean(0)[index.kinds[shown] == at],
            index.counts.all_fire[shown][index.kinds[shown] == at],
        )
        for at, kind in enumerate(KINDS)
        if kind != "dead"
    ]
    return log_scatter(
        groups,
        title="Energy of living concepts against the tokens in which all backbones fire them",
        x_label="energy (mean over backbones)",
        y_label="tokens in which all fire it",
    )


def _r2(evaluation: Mapping[str, Any]) -> Markup:
    names = evaluation["backbones"]
    return heat_table(
        evaluation["r2"]["channel"],
        rows=names,
        columns=names,
        corner="encoded from ↓ decoded to →",
        caption="R² on held-out tokens, against each channel’s mean",
        percent=False,
        marked=[(i, i) for i in range(len(names))],
    )
