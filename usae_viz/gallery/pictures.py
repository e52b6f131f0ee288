"""Maximized pictures as a page shows them: by mode, each with the numbers that go with it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from usae_viz.errors import RunError
from usae_viz.gallery.text import shortened
from usae_viz.maximize.result import MaximizeResult, read_result
from usae_viz.render import Line, heat_table, line_chart
from usae_viz.run import Run

NAMED = 3
"""Further concepts that a heading names, at most."""


@dataclass(frozen=True)
class Picture:
    """A maximized picture.

    Attributes:
        plain: its file.
        alpha: file of the same, transparent where the optimisation hardly pulled.
        seeds: files of the pictures from further seeds.
        side: pixels.
        share: activation on it over the natural level; None without such a level.
        spread: its standard deviation over seeds; 0 for one seed.
        rank: place of the concept among all in the picture's code, from 1; 0: not in it.
        portion: the concept's share of all activation in the picture.
    """

    plain: Path
    alpha: Path
    seeds: tuple[Path, ...]
    side: int
    share: float | None
    spread: float
    rank: int
    portion: float


@dataclass(frozen=True)
class ModeView:
    """The pictures of one kind and their numbers.

    Attributes:
        kind: name of their folder. A mode may have several kinds: of other photographs, of other
            concepts raised along; else it is the mode's name.
        name: the mode: per-model, shared, contrast …
        title: the kind in words; no two of a concept are alike.
        verdict: the numbers in words.
        pictures: by backbone; those without one are missing.
        transfer, trajectory: table and chart.
        settings, seconds: how they were made.
        table: the numbers as plain values, for JSON.
    """

    kind: str
    name: str
    title: str
    verdict: str
    pictures: dict[str, Picture]
    transfer: Markup
    trajectory: Markup
    settings: dict[str, Any]
    seconds: float
    table: dict[str, Any]


def mode_views(run: Run, concept: int, out: Path) -> tuple[list[ModeView], list[str]]:
    """Return what was maximized for a concept, per-model pictures first, and kinds left out.

    Left out is what cannot be read, as long as there is anything else.

    Raises:
        RunError: nothing of it can be read: a file is missing, damaged or of another format.
    """
    found: list[ModeView] = []
    failures: dict[str, RunError] = {}
    for kind in dict.fromkeys(run.maximized_kinds(concept, out)):
        try:
            found.append(_mode(read_result(run.maximized_dir(concept, out, kind)), kind))
        except RunError as error:
            failures[kind] = error
    if failures and not found:
        raise next(iter(failures.values()))
    often = Counter(mode.title for mode in found)
    views = [
        # Two photographs may have one name.
        replace(mode, title=f"{mode.title} ({mode.kind})") if often[mode.title] > 1 else mode
        for mode in found
    ]
    return views, list(failures)


def _title(result: MaximizeResult, kind: str) -> str:
    parts = [result.mode.replace("-", " ")]
    if kind == result.mode:
        return parts[0]
    # Settings are whatever stands in the file.
    start, also = result.settings.get("start"), result.settings.get("also")
    if isinstance(start, dict) and "file" in start:
        parts.append(shortened(str(start["file"]), 40))
    if isinstance(also, dict) and also:
        named = [f"{_weight(weight)} × {k}" for k, weight in list(also.items())[:NAMED]]
        named += [f"{len(also) - NAMED} more"] if len(also) > NAMED else []
        parts.append(f"also {', '.join(named)}")
    return ", ".join(parts)


def _weight(weight: Any) -> str:
    text = f"{weight:g}" if isinstance(weight, int | float) else str(weight)
    return text.replace("-", "−")


def _mode(result: MaximizeResult, kind: str) -> ModeView:
    pictures = {name: _picture(result, name) for name in result.optimised}
    return ModeView(
        kind=kind,
        name=result.mode,
        title=_title(result, kind),
        verdict=result.verdict,
        pictures=pictures,
        transfer=_transfer_table(result),
        trajectory=_trajectory(result),
        settings=result.settings,
        seconds=result.seconds,
        table={
            "mode": result.mode,
            "verdict": result.verdict,
            "optimised_for": list(result.rows),
            "read_by": list(result.backbones),
            "transfer": [
                [None if math.isnan(x) else float(x) for x in row] for row in result.transfer
            ],
            "rank": {name: picture.rank for name, picture in pictures.items()},
            "share_of_code": {name: picture.portion for name, picture in pictures.items()},
            "settings": result.settings,
        },
    )


def _picture(result: MaximizeResult, name: str) -> Picture:
    assert result.folder is not None  # it was read from there
    row, at = result.row_of(name), result.backbones.index(name)
    share = float(result.transfer[row, at])
    others = len(result.variants.get(result.rows[row], ()))
    return Picture(
        plain=result.folder / result.file_of(name),
        alpha=result.folder / f"{name}.alpha.png",
        seeds=tuple(
            result.folder / f"{result.rows[row]}.seed-{number}.png"
            for number in range(2, others + 2)
        ),
        side=result.images[name].shape[0],
        share=None if math.isnan(share) else share,
        spread=0.0 if math.isnan(share) else float(result.spread[row, at]),
        rank=int(result.rank[row, at]),
        portion=float(result.share[row, at]),
    )


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
