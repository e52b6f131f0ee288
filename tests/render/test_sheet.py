from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from usae_viz.errors import UsageError
from usae_viz.render import Tile, sheet

RED = Image.new("RGB", (20, 20), "red")


def red(page: Image.Image) -> np.ndarray:
    return (np.asarray(page) == (255, 0, 0)).all(2)


def test_pictures_stand_in_rows():
    page = sheet([Tile(RED, f"picture {i}") for i in range(5)], columns=3, side=40)
    found = red(page)
    assert found.sum() == 5 * 40 * 40
    columns = np.flatnonzero(np.diff(np.pad(found.any(0), 1).astype(int)) == 1)
    rows = np.flatnonzero(np.diff(np.pad(found.any(1), 1).astype(int)) == 1)
    assert (len(columns), len(rows)) == (3, 2)


def test_proportions_are_kept():
    wide = sheet([Tile(Image.new("RGB", (40, 10), "red"))], columns=1, side=80)
    assert red(wide).sum() == 80 * 20


def test_texts_are_written_and_never_leave_the_sheet():
    bare = sheet([Tile(RED)], columns=1, side=60)
    told = sheet([Tile(RED, "a caption far longer than the picture is wide")], columns=1, side=60)
    assert told.size == bare.size
    ink = np.asarray(told).sum(2) < np.asarray(bare).sum(2)
    assert ink.any()
    assert np.flatnonzero(ink.any(0)).max() < 16 + 60
    full = sheet([Tile(RED)], 1, side=60, headings=["vit"], title="Concept 7", note="scale 0 to 4")
    assert full.height > bare.height
    assert red(full).sum() == red(bare).sum()


def test_the_same_sheet_twice_has_the_same_pixels():
    one, two = (sheet([Tile(RED, "peak 3.10")], columns=1) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_what_cannot_be_laid_out_is_refused():
    with pytest.raises(UsageError, match="a sheet has no picture"):
        sheet([], columns=2)
    with pytest.raises(UsageError, match="headings do not fit") as caught:
        sheet([Tile(RED)], columns=2, headings=["one"])
    assert (caught.value.expected, caught.value.got) == ("2", "1")
