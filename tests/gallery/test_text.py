from __future__ import annotations

import pytest

from usae_viz.gallery.text import counted, listed, number, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.8349, "83 %"), (0.0996, "10 %"), (0.0123, "1.2 %"),
     (0.00126, "0.13 %"), (-0.25, "−25 %"), (12.5, "1,250 %")],
)  # fmt: skip
def test_shares_keep_the_digits_that_matter(share, text):
    assert percent(share).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (3.456, "3.46"), (34.56, "34.6"), (3456.0, "3,456"), (0.01234, "0.0123"),
     (0.00001234, "1.2·10⁻⁵"), (-2.0, "−2.00")],
)  # fmt: skip
def test_quantities_keep_three_digits(value, text):
    assert number(value) == text


def test_counts_and_names_are_words():
    assert [counted(n) for n in (1, 9, 10, 6144)] == ["one", "nine", "10", "6,144"]
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
