"""Histograms and scatter plots on logarithmic axes, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from usae_viz.errors import UsageError
from usae_viz.render.charts import SERIES, render_template


def log_histogram(
    counts: ArrayLike, edges: Sequence[float], *, title: str, series: int = 0
) -> Markup:
    """Write a histogram over bins that are equally wide on a logarithmic axis; no vertical axis.

    Args:
        counts: one a bin.
        edges: rising and positive, one more than bins, or as many (the last bin is open above).
        title: for readers who do not see the chart.
        series: place in `SERIES`.

    Raises:
        UsageError: the edges do not fit the counts.
    """
    values = np.asarray(counts, dtype=np.float64)
    if values.ndim != 1 or not values.size or len(edges) - len(values) not in (0, 1):
        raise UsageError("a histogram's edges do not fit its counts")
    width, height, left, bottom = 240, 84, 4, 66
    step = (width - 2 * left) / len(values)
    peak = values.max() or 1
    bars = [
        (
            round(left + step * at + 0.5, 1),
            round(bottom - (bottom - 6) * value / peak, 1),
            round(step - 1, 1),
            round((bottom - 6) * value / peak, 1),
        )
        for at, value in enumerate(values)
    ]
    every = max(1, math.ceil(len(values) / 5))
    ticks = [
        (round(left + step * at, 1), f"{edges[at]:.2g}")
        for at in range(0, len(values), every)
        if at < len(edges)
    ]
    return render_template(
        "log_histogram.svg.jinja",
        bars=bars,
        ticks=ticks,
        title=title,
        width=width,
        height=height,
        left=left,
        right=width - left,
        bottom=bottom,
        colour=SERIES[series % len(SERIES)],
        series=series % len(SERIES),
    )


def log_scatter(
    groups: Sequence[tuple[str, ArrayLike, ArrayLike]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    width: int = 420,
    height: int = 220,
) -> Markup:
    """Write points on two logarithmic axes, a colour a group.

    Args:
        groups: name, positions and values, both positive; others are left out.
        title: for readers who do not see the chart.
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        width: of the drawing, in its own units.
        height: of the drawing.
    """
    kept = []
    for name, x, y in groups:
        a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
        good = (a > 0) & (b > 0)
        kept.append((name, np.log10(a[good]), np.log10(b[good])))
    everything = [
        np.concatenate([np.zeros(0), *(group[axis] for group in kept)]) for axis in (1, 2)
    ]
    left, right, top, bottom = 46, width - 16, 26, height - 34
    ranges = []
    for values in everything:
        low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
        ranges.append((math.floor(low), max(math.ceil(high), math.floor(low) + 1)))
    (x_low, x_high), (y_low, y_high) = ranges

    def place(x: float, y: float) -> str:
        across = left + (x - x_low) / (x_high - x_low) * (right - left)
        up = bottom - (y - y_low) / (y_high - y_low) * (bottom - top)
        return f"M{across:.0f} {up:.0f}h0"

    def powers(low: int, high: int) -> list[int]:
        return list(range(low, high + 1, max(1, math.ceil((high - low) / 5))))

    return render_template(
        "scatter.svg.jinja",
        groups=[
            (name, at % len(SERIES), "".join(place(a, b) for a, b in zip(x, y, strict=True)))
            for at, (name, x, y) in enumerate(kept)
        ],
        colours=SERIES,
        title=title,
        x_label=x_label,
        y_label=y_label,
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=[
            (round(left + (p - x_low) / (x_high - x_low) * (right - left), 1), p)
            for p in powers(x_low, x_high)
        ],
        y_ticks=[
            (round(bottom - (p - y_low) / (y_high - y_low) * (bottom - top), 1), p)
            for p in powers(y_low, y_high)
        ],
    )
