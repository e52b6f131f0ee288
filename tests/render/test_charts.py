from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from usae_viz.errors import UsageError
from usae_viz.render import Line, heat_table, line_chart
from usae_viz.render.charts import nice_ticks

SVG = "{http://www.w3.org/2000/svg}"


def chart(lines, **settings):
    text = line_chart(lines, title="A <title>", x_label="step", y_label="value", **settings)
    assert "style=" not in text
    return ET.fromstring(text)


def points(line):
    return [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]


def test_lines_are_drawn_to_one_scale():
    root = chart([Line("a", 0, [0, 50, 100], [0, 1, 2]), Line("b", 3, [0, 100], [2, 0])])
    a, b = root.iter(f"{SVG}polyline")
    assert a.get("class") == "line series-0"
    assert b.get("class") == "line series-3"
    (x0, y0), (x1, y1), (x2, y2) = points(a)
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
    assert y0 > y2
    assert points(b) == [(x0, y2), (x2, y0)]
    assert root.get("aria-label") == "A <title>"


def test_names_at_the_ends_do_not_stand_on_each_other():
    root = chart([Line(f"<{i}>", i, [0, 1], [0, 1 + i / 1000]) for i in range(4)])
    labels = [e for e in root.iter(f"{SVG}text") if (e.get("class") or "").startswith("name")]
    assert sorted(label.text for label in labels) == ["<0>", "<1>", "<2>", "<3>"]
    heights = sorted(float(label.get("y")) for label in labels)
    assert min(np.diff(heights)) >= 12.9


def test_a_single_moment_and_a_flat_line_can_be_drawn():
    root = chart([Line("a", 0, [5], [0.0])], reference=1.0, reference_label="natural", percent=True)
    (line,) = root.iter(f"{SVG}polyline")
    assert all(np.isfinite(points(line)).flatten())
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert {"natural", "100 %"} <= set(texts)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "without lines"),
        ([Line("a", 0, [0, 1], [1])], "'a' cannot be drawn"),
        ([Line("a", 0, [0], [float("nan")])], "not finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(lines, problem):
    with pytest.raises(UsageError, match=problem):
        chart(lines)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.3, 9.4), (0, 0), (3, 1e6), (0, 7e-5)])
def test_ticks_enclose_what_is_drawn(low, high):
    ticks = nice_ticks(low, high, 5)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert ticks[0] < ticks[-1]
    assert len(ticks) <= 9
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[0])
    assert re.match(r"[125]", f"{steps[0]:.0e}")


def table(values, **settings):
    text = heat_table(values, rows=["r<1>", "r2"], columns=["c1", "c2"], corner="corner",
                      caption="a & b", **settings)  # fmt: skip
    assert "style=" not in text
    return text, ET.fromstring(text)


def test_cells_are_the_darker_the_larger_their_value():
    text, root = table([[0.0, 0.5], [1.0, 7.0]], marked=[(1, 1)])
    cells = list(root.iter("td"))
    assert [c.text for c in cells] == ["0 %", "50 %", "100 %", "700 %"]
    assert [c.get("class") for c in cells] == ["level-0", "level-5", "level-10", "level-10 marked"]
    assert "r&lt;1&gt;" in text
    assert "a &amp; b" in text
    assert [e.get("scope") for e in root.iter("th")] == ["col"] * 3 + ["row"] * 2


def test_what_is_missing_is_a_dash_and_negative_is_not_dark():
    _, root = table([[np.nan, -0.4], [0.25, 2.0]], percent=False, vmax=2.5)
    cells = [(c.text, c.get("class")) for c in root.iter("td")]
    assert cells == [
        ("–", "level-0"),
        ("−0.40", "level-0"),
        ("0.25", "level-1"),
        ("2.00", "level-8"),
    ]


def test_a_table_needs_names_and_a_scale():
    with pytest.raises(UsageError, match="names do not fit"):
        table([[1.0, 2.0]])
    with pytest.raises(UsageError, match="scale of a table is empty"):
        table([[1.0, 2.0], [1.0, 2.0]], vmax=0.0)
