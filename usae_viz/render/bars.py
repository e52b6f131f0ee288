"""Signed bars that add up, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from usae_viz.errors import UsageError
from usae_viz.render.charts import nice_ticks, render_template


class Bar(NamedTuple):
    """One bar.

    Attributes:
        name: written on the left.
        value: its length and, in words, at its end.
        quiet: drawn hatched: a bar that is no finding, such as what a model misses.
        note: what a reader sees on hover.
    """

    name: str
    value: float
    quiet: bool = False
    note: str = ""


def signed_bars(
    bars: Sequence[Bar], *, title: str, x_label: str, limit: float | None = None
) -> Markup:
    """Write horizontal bars to both sides of a zero line: orange for, blue against.

    Args:
        bars: from top to bottom.
        title: for readers who do not see the chart.
        x_label: what the values are.
        limit: magnitude that fills one side; the largest of the bars by default.

    Raises:
        UsageError: there is no bar, or a value is not finite.
    """
    if not bars or not all(math.isfinite(bar.value) for bar in bars):
        raise UsageError("bars cannot be drawn", expected="at least one, all finite")
    low = min(0.0, *(bar.value for bar in bars)) if limit is None else -limit
    high = max(0.0, *(bar.value for bar in bars)) if limit is None else limit
    low, high = (low, high) if high > low else (-1.0, 1.0)
    left, right, step, top = 176, 500, 21, 8
    # Room for the figures at the bars' ends, on the sides where there are bars.
    first = left + (46 if low < 0 else 0)
    last = right - (46 if high > 0 else 0)

    def across(value: float) -> float:
        return round(first + (min(max(value, low), high) - low) / (high - low) * (last - first), 1)

    zero = across(0.0)
    rows = [
        {
            "name": bar.name,
            "note": bar.note,
            "text": f"{bar.value:+.2f}".replace("-", "−"),
            "x": min(zero, across(bar.value)),
            "width": max(round(abs(across(bar.value) - zero), 1), 0.6),
            "end": across(bar.value),
            "kind": ("for" if bar.value >= 0 else "against") + (" quiet" if bar.quiet else ""),
            "fill": "#c2590c" if bar.value >= 0 else "#2a6fbb",
            "opacity": 0.45 if bar.quiet else 1,
            "negative": bar.value < 0,
            "y": top + step * number,
        }
        for number, bar in enumerate(bars)
    ]
    bottom = top + step * len(bars)
    ticks = [(across(t), f"{t:g}".replace("-", "−")) for t in nice_ticks(low, high, 4)
             if low <= t <= high]  # fmt: skip
    return render_template(
        "bars.svg.jinja",
        rows=rows,
        title=title,
        x_label=x_label,
        zero=zero,
        left=left,
        top=top,
        bottom=bottom,
        width=right,
        height=bottom + 36,
        middle=round((first + last) / 2, 1),
        ticks=ticks,
    )
