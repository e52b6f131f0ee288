from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.render import (
    heat_pixels,
    outline,
    over_ground,
    overlay,
    signed_overlay,
    to_picture,
    upsample,
)
from usae_viz.render.colour import diverging_table, sequential_table
from usae_viz.render.picture import GROUND


@pytest.fixture
def photo():
    pixels = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
    return Image.fromarray(pixels)


def test_pictures_come_from_bytes_and_from_unit_floats():
    floats = np.array([[[0.0, 0.5, 1.0]]])
    assert np.asarray(to_picture(floats)).tolist() == [[[0, 128, 255]]]
    assert np.asarray(to_picture(np.full((2, 3, 3), 7, np.uint8))).tolist() == [[[7] * 3] * 3] * 2


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((3, 4, 4)), "a picture has another shape"),
        (np.full((2, 2, 3), 1.2), "a picture leaves the range of sRGB"),
        (np.full((2, 2, 3), np.nan), "a picture leaves the range of sRGB"),
    ],
)
def test_other_arrays_are_no_pictures(array, problem):
    with pytest.raises(UsageError, match=problem):
        to_picture(array)


def test_upsampling_is_bilinear_between_the_middles_of_patches():
    grid = np.random.default_rng(1).random((4, 5)).astype(np.float32)
    expected = F.interpolate(torch.from_numpy(grid)[None, None], (24, 35), mode="bilinear")[0, 0]
    np.testing.assert_allclose(upsample(grid, 35, 24), expected, atol=1e-5)


def test_no_heat_leaves_the_image_untouched(photo):
    assert np.array_equal(np.asarray(overlay(photo, np.zeros((4, 4)), vmax=2)), np.asarray(photo))


def test_heat_at_the_top_of_the_scale_has_the_opacity_asked_for(photo):
    full = np.asarray(overlay(photo, np.full((4, 4), 9.0), vmax=2, opacity=1))
    assert (full == sequential_table()[255]).all()
    half = np.asarray(overlay(photo, np.full((4, 4), 2.0), vmax=2, opacity=0.5), np.float64)
    between = (np.asarray(photo, np.float64) + sequential_table()[255]) / 2
    np.testing.assert_allclose(half, between, atol=0.5)


def test_the_same_value_looks_the_same_whatever_else_is_in_the_map(photo):
    weak, strong = np.zeros((2, 2)), np.zeros((2, 2))
    weak[0, 0] = strong[0, 0] = 1.0
    strong[1, 1] = 4.0
    one, two = (np.asarray(overlay(photo, grid, vmax=4)) for grid in (weak, strong))
    assert np.array_equal(one[:6, :9], two[:6, :9])
    assert not np.array_equal(one[-6:, -9:], two[-6:, -9:])


def test_signed_heat_greys_the_image(photo):
    none = np.asarray(signed_overlay(photo, np.zeros((4, 4)), limit=1))
    assert (none == np.asarray(photo.convert("L"))[..., None]).all()
    for value, colour in ((-5, diverging_table()[0]), (5, diverging_table()[-1])):
        full = signed_overlay(photo, np.full((4, 4), value), limit=5, opacity=1)
        assert (np.asarray(full) == colour).all()


def test_transparency_shows_a_neutral_ground(photo):
    assert np.array_equal(np.asarray(over_ground(photo, np.ones((4, 4)))), np.asarray(photo))
    assert (np.asarray(over_ground(photo, np.zeros((4, 4)))) == GROUND).all()
    with pytest.raises(UsageError, match="alpha map leaves its range"):
        over_ground(photo, np.full((4, 4), 1.5))


def test_heat_pixels_carry_the_value_as_alpha():
    pixels = heat_pixels(np.array([[0.0, 1.0]]))
    assert pixels.tolist() == [[[*sequential_table()[0], 0], [*sequential_table()[255], 255]]]


def test_opacity_is_checked(photo):
    with pytest.raises(UsageError, match="opacity"):
        overlay(photo, np.zeros((2, 2)), vmax=1, opacity=1.5)


def test_an_outline_runs_around_what_reaches_the_level() -> None:
    grey = Image.new("RGB", (64, 64), (120, 120, 120))
    grid = np.zeros((8, 8))
    grid[2:5, 2:5] = 1
    drawn = np.asarray(outline(grey, grid, level=0.5, width=1))
    assert {tuple(c) for c in drawn.reshape(-1, 3)} == {(120,) * 3, (255,) * 3, (0,) * 3}
    assert tuple(drawn[28, 28]) == tuple(drawn[4, 4]) == (120,) * 3
    white = (drawn == 255).all(-1)
    rows, columns = np.nonzero(white)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 39, 16, 39)
    assert (np.asarray(outline(grey, grid, level=2)) == 120).all()
    assert (np.asarray(outline(grey, grid + 3, level=2)) == 120).all(), "no line along the edge"
    with pytest.raises(UsageError, match="cannot be drawn"):
        outline(grey, grid * np.nan, level=1)
