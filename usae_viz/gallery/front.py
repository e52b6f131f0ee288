"""The front page: what the run is, its charts, and the first concepts of the list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from usae_viz.concepts import ConceptIndex, ConceptName
from usae_viz.concepts.classes import KINDS
from usae_viz.gallery.listing import index_script
from usae_viz.images.settings import read_settings
from usae_viz.render import heat_table, histogram_chart, log_scatter
from usae_viz.run import Run

DRAWN = 2_000
"""Points of the scatter plot, at most; a fair sample of more."""
_SETTING = re.compile(r"[A-Za-z_]\w*=")
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
        kinds: concepts by class, with half the width of each count's 95 % interval. Its ends would
            mislead: resampling adds noise, which moves more concepts over a threshold than back.
        about: what the run is made from and by: term and description.
        entropy, scatter, r2: charts; None where nothing was measured.
        data: the script with all living concepts' columns.
    """

    cards: list[Card]
    pages: int
    kinds: dict[str, tuple[int, int | None]]
    about: list[tuple[str, str]]
    entropy: Markup
    scatter: Markup
    r2: Markup | None
    data: str


def front(
    run: Run,
    index: ConceptIndex,
    pages: Mapping[int, tuple[str, ...]],
    names: Mapping[int, ConceptName],
    evaluation: Mapping[str, Any] | None,
) -> Front:
    """Gather the front page.

    Args:
        run: the run.
        index: its concept index.
        pages: concepts with a page of their own, each with the backbones that have a picture.
        names: of concepts, where they have one.
        evaluation: ``evaluation.json``, if there is one.
    """
    living = np.flatnonzero(~index.dead)
    alike = index.worst_correlation()
    order = sorted(pages, key=lambda k: -float(alike[k]))
    kinds = {
        kind: (int((index.kinds == at).sum()), _half_width(index.kind_intervals.get(kind)))
        for at, kind in enumerate(KINDS)
    }
    return Front(
        cards=[
            Card(
                concept=k,
                kind=index.kind(k),
                label=(names[k].name or None) if k in names else None,
                pictures=pages[k],
                entropy=float(index.entropy[k]),
                cofire=float(index.cofire[k]),
            )
            for k in order[:LISTED]
        ],
        pages=len(pages),
        kinds={kind: found for kind, found in kinds.items() if found[0]},
        about=_about(run, index),
        entropy=_entropy(index, living),
        scatter=_scatter(index, living),
        r2=None if evaluation is None else _r2(evaluation),
        data=index_script(run, index, pages, names),
    )


def _about(run: Run, index: ConceptIndex) -> list[tuple[str, str]]:
    recipe = run.recipe()
    kind, _, rest = recipe.images.source.partition(":")
    # A source without a place has nothing but settings.
    where, settings = read_settings(f",{rest}" if _SETTING.match(rest) else rest)
    # A gallery names no place on the machine that it was made on.
    place = ", ".join(filter(None, [PurePath(where).name, *map(_setting, settings.items())]))
    usae, steps = recipe.usae, recipe.training.steps
    made = [f"{steps:,} steps", run.info.created_by]
    return [
        ("data", f"{kind} {place}".strip() + f", {recipe.images.canvas} px"),
        ("index", f"{index.images:,} images, {index.tokens:,} tokens"),
        (
            "code",
            f"{usae.concepts:,} concepts, {usae.k} kept a token, {usae.variant}, mode {usae.mode}",
        ),
        ("training", ", ".join(made)),
        ("recipe", f"{recipe.name}, sha256 {run.info.recipe_sha256[:12]}"),
        *([("date", run.info.created)] if run.info.created else []),
    ]


def _setting(item: tuple[str, Any]) -> str:
    key, value = item
    shown = PurePath(value).name if isinstance(value, str) else value
    return f"{key} {shown}"


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


def _half_width(ends: tuple[int, int] | None) -> int | None:
    return None if ends is None else -(-(ends[1] - ends[0]) // 2)
