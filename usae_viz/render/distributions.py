"""Histograms and matrices as SVG, in the manner of `charts`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from usae_viz.errors import UsageError
from usae_viz.render.charts import SERIES, nice_ticks, render_template


def histogram_chart(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    title: str,
    x_label: str,
    y_label: str,
    width: int = 420,
    height: int = 220,
) -> Markup:
    """Draw how many values lie between rising edges.

    Args:
        edges: one more than `counts`, finite, rising.
        counts: at least 0.
        title: what the chart shows, read out to people who do not see it.
        x_label: under the axis, with its unit.
        y_label: above the axis, with its unit.
        width: of the view box; the picture scales with the page.
        height: of the view box.

    Raises:
        UsageError: edges and counts do not fit together.
    """
    x = np.asarray(edges, dtype=np.float64)
    if len(x) != len(counts) + 1 or not len(counts) or not (np.diff(x) > 0).all():
        raise UsageError(
            "a histogram cannot be drawn",
            expected="rising edges, one more than counts",
            got=f"{len(x)} edges, {len(counts)} counts",
        )
    left, right, top, bottom = 56, width - 12, 26, height - 34
    ticks = nice_ticks(0, max(1, *counts), 5)
    across = left + (x - x[0]) / (x[-1] - x[0]) * (right - left)
    up = [bottom - value / ticks[-1] * (bottom - top) for value in counts]
    bars = [
        (round(a + 1, 1), round(y, 1), round(b - a - 2, 1), round(bottom - y, 1), count)
        for a, b, y, count in zip(across, across[1:], up, counts, strict=False)
    ]
    return render_template(
        "histogram.svg.jinja",
        title=title,
        x_label=x_label,
        y_label=y_label,
        width=width,
        height=height,
        left=left,
        right=right,
        bottom=bottom,
        bars=bars,
        x_ticks=[
            (round(a, 1), f"{value:.3g}") for a, value in zip(across, x, strict=True)
        ][:: max(1, math.ceil(len(x) / 10))],
        y_ticks=[
            (round(bottom - t / ticks[-1] * (bottom - top), 1), f"{t:,.0f}") for t in ticks
        ],
        colour=SERIES[0],
    )  # fmt: skip


def matrix_chart(
    values: ArrayLike, names: Sequence[str], *, title: str, rows: str, columns: str
) -> Markup:
    """Draw a square matrix, the darker the larger: 0 (and below) is white, 1 is the darkest.

    Args:
        values: ``[n, n]``; what is not finite is shown as a dash.
        names: of rows and columns alike.
        title: what the chart shows.
        rows: what the rows are.
        columns: what the columns are.

    Raises:
        UsageError: the names do not fit.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.shape != (len(names), len(names)):
        raise UsageError(
            "a matrix's names do not fit its values",
            expected=f"[{len(names)}, {len(names)}]",
            got=str(list(matrix.shape)),
        )
    left = 24 + 7 * max(len(name) for name in names)
    cell, top = 72, 44
    cells = [
        (
            left + cell * j,
            top + 36 * i,
            round(float(np.clip(value, 0, 1)), 3) if np.isfinite(value) else 0.0,
            f"{value:.3f}".replace("-", "−") if np.isfinite(value) else "–",
        )
        for i, row in enumerate(matrix)
        for j, value in enumerate(row)
    ]
    return render_template(
        "matrix.svg.jinja",
        title=title,
        rows=rows,
        columns=columns,
        names=names,
        cells=cells,
        left=left,
        top=top,
        cell=cell,
        width=max(
            left + cell * len(names) + 12, 7 * len(f"{title}: rows {rows}, columns {columns}")
        ),
        height=top + 36 * len(names) + 12,
        colour=SERIES[0],
    )
