"""Charts as text that a page can hold: SVG lines and tables with coloured cells.

Written by autoescaping templates; no inline style, no script. Colours stand as presentation
attributes, which a style sheet may override by the classes ``series-0`` …, ``level-0`` ….
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import ArrayLike

from usae_viz.errors import UsageError

SERIES = ("#2a6fbb", "#c2590c", "#7d57b2", "#0b8a86", "#a3446c", "#7c6a1b", "#4d6475", "#b07d10")
"""Colours of lines: told apart by colour-blind people; dashes differ as well."""
DASHES = ("", "6 3", "2 3", "8 3 2 3")
LEVELS = 10
"""Cells of a heat table are coloured in steps of a tenth of its scale."""


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        name: written at its end.
        series: place in `SERIES`; the same thing keeps its colour from chart to chart.
        x: finite positions, rising.
        y: finite values, one a position.
    """

    name: str
    series: int
    x: Sequence[float]
    y: Sequence[float]


class _Label(NamedTuple):
    series: int
    name: str
    y: float


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    y_label: str,
    reference: float | None = None,
    reference_label: str = "",
    percent: bool = False,
    width: int = 560,
    height: int = 220,
) -> Markup:
    """Draw lines over a common scale that starts at 0 or, if a value is negative, below it.

    Args:
        lines: at least one.
        title: what the chart shows, read out to people who do not see it.
        x_label: under the axis, with its unit.
        y_label: above the axis, with its unit.
        reference: a dashed level to compare with.
        reference_label: written at that level.
        percent: write the values of the y axis as per cent.
        width: of the view box; the picture scales with the page.
        height: of the view box.

    Raises:
        UsageError: a line is empty, not finite, or has another number of positions than values.
    """
    for line in lines:
        if not len(line.x) or len(line.x) != len(line.y):
            raise UsageError(
                f"the line {line.name!r} cannot be drawn",
                expected="as many positions as values, at least one",
                got=f"{len(line.x)} and {len(line.y)}",
            )
        if not np.isfinite([*line.x, *line.y]).all():
            raise UsageError(f"the line {line.name!r} holds values that are not finite")
    if not lines:
        raise UsageError("a chart without lines cannot be drawn")
    left, right, top, bottom = 48, width - 92, 26, height - 34
    values = [value for line in lines for value in line.y] + [0.0]
    if reference is not None:
        values.append(reference)
    y_ticks = nice_ticks(min(values), max(values), 6)
    x_ticks = nice_ticks(min(min(line.x) for line in lines), max(max(line.x) for line in lines), 5)
    x_low, x_high = min(min(line.x) for line in lines), max(max(line.x) for line in lines)
    x_high = x_high if x_high > x_low else x_low + 1
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def across(x: float) -> float:
        return round(left + (x - x_low) / (x_high - x_low) * (right - left), 1)

    def up(y: float) -> float:
        return round(bottom - (y - y_low) / (y_high - y_low) * (bottom - top), 1)

    paths = [
        (
            line.series % len(SERIES),
            " ".join(f"{across(x)},{up(y)}" for x, y in zip(line.x, line.y, strict=True)),
        )
        for line in lines
    ]
    ends = [_Label(line.series % len(SERIES), line.name, up(line.y[-1])) for line in lines]
    return render_template(
        "line_chart.svg.jinja",
        title=title,
        x_label=x_label,
        y_label=y_label,
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        paths=paths,
        labels=_spread(ends, 13),
        x_ticks=[(across(t), f"{t:g}") for t in x_ticks if x_low <= t <= x_high],
        y_ticks=[(up(t), f"{100 * t:g} %" if percent else f"{t:g}") for t in y_ticks],
        reference=None if reference is None else up(reference),
        reference_label=reference_label,
        colours=SERIES,
        dashes=DASHES,
    )


def heat_table(
    values: ArrayLike,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    corner: str,
    caption: str,
    vmax: float = 1.0,
    percent: bool = True,
    marked: Sequence[tuple[int, int]] = (),
) -> Markup:
    """Write a matrix as a table whose cells are the darker the larger their value.

    Args:
        values: ``[rows, columns]``; NaN is shown as a dash.
        rows: names of the rows.
        columns: names of the columns.
        corner: what rows and columns are, for the corner cell.
        caption: what the table shows.
        vmax: the value of the darkest cell; the scale starts at 0.
        percent: write values as per cent, else with two decimals.
        marked: cells to be set off (row, column), such as a model with itself.

    Raises:
        UsageError: the names do not fit the matrix, or the scale is empty.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.shape != (len(rows), len(columns)):
        raise UsageError(
            "a table's names do not fit its values",
            expected=f"[{len(rows)}, {len(columns)}]",
            got=str(list(matrix.shape)),
        )
    if not vmax > 0:
        raise UsageError("the scale of a table is empty", expected="vmax > 0", got=f"{vmax:g}")

    def cell(row: int, column: int) -> tuple[str, int, bool]:
        value = float(matrix[row, column])
        if math.isnan(value):
            return "–", 0, (row, column) in marked
        text = f"{100 * value:.0f} %" if percent else f"{value:.2f}"
        text = text.replace("-", "−")
        level = round(LEVELS * min(max(value / vmax, 0), 1))
        return text, level, (row, column) in marked

    body = [
        (name, [cell(row, column) for column in range(len(columns))])
        for row, name in enumerate(rows)
    ]
    return render_template("heat_table.html.jinja", body=body, columns=columns, corner=corner,
                   caption=caption)  # fmt: skip


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Return round numbers (1, 2 or 5 times a power of ten apart) that enclose `low` … `high`."""
    span = high - low if high > low else max(abs(high), 1.0)
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _spread(labels: Sequence[_Label], apart: float) -> list[_Label]:
    """Move labels down where they would stand on each other, then back up as a block."""
    placed: list[_Label] = []
    for label in sorted(labels, key=lambda label: label.y):
        y = label.y if not placed else max(label.y, placed[-1].y + apart)
        placed.append(label._replace(y=y))
    over = (sum(p.y for p in placed) - sum(label.y for label in labels)) / len(placed)
    return [p._replace(y=round(p.y - over, 1)) for p in placed]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("usae_viz.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_template(template: str, **context: object) -> Markup:
    """Return a template of the render room filled in; every value is escaped."""
    # The templates escape every value they are given; their result is markup.
    return Markup(_environment().get_template(template).render(context))
