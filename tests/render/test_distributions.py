from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from usae_viz.errors import UsageError
from usae_viz.render import histogram_chart, matrix_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_high_as_their_counts_and_as_wide_as_their_bins() -> None:
    chart = histogram_chart(
        [0, 0.5, 1], [10, 20], title="a < b", x_label="x", y_label="y", width=200
    )
    root = ElementTree.fromstring(str(chart))
    bars = [{k: float(b.attrib[k]) for k in ("x", "y", "width", "height")}
            for b in root.iter(f"{SVG}rect")]  # fmt: skip
    assert bars[1]["height"] == pytest.approx(2 * bars[0]["height"], abs=0.2)
    assert bars[0]["width"] == pytest.approx(bars[1]["width"], abs=0.2)
    assert all(b["y"] + b["height"] == pytest.approx(186, abs=0.2) for b in bars)
    assert root.attrib["aria-label"] == "a < b"


def test_the_matrix_shows_each_value_where_it_belongs() -> None:
    values = np.array([[0.5, -0.2], [np.nan, 1.0]])
    chart = matrix_chart(values, ["one", "two"], title="R²", rows="from", columns="to")
    root = ElementTree.fromstring(str(chart))
    cells = list(root.iter(f"{SVG}rect"))
    assert [float(c.attrib["fill-opacity"]) for c in cells] == [0.5, 0.0, 0.0, 1.0]
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert [t for t in texts if t in ("0.500", "−0.200", "–", "1.000")] == [
        "0.500", "−0.200", "–", "1.000",
    ]  # fmt: skip


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="histogram cannot be drawn"):
        histogram_chart([0, 1], [1, 2], title="t", x_label="x", y_label="y")
    with pytest.raises(UsageError, match="names do not fit"):
        matrix_chart(np.eye(2), ["one"], title="t", rows="r", columns="c")
