from __future__ import annotations

import numpy as np
import pytest

from usae_viz.errors import UsageError
from usae_viz.render import diverging, sequential
from usae_viz.render.colour import diverging_table, sequential_table


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours, a second opinion beside the OKLab that the tables are made in."""
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_the_sequential_map_rises_in_even_steps_of_lightness():
    table = sequential_table()
    assert table.shape == (256, 3)
    steps = np.diff(lightness(table)[::15])
    assert steps.min() > 0
    # Near black L* and CAM02-UCS, in which the map is uniform, part ways.
    assert steps[1:].max() < 1.5 * steps[1:].min()


def test_the_diverging_map_is_balanced():
    table = diverging_table()
    light = lightness(table)
    assert np.array_equal(table[128], [245, 244, 243])
    assert abs(light[0] - light[-1]) < 5
    assert np.abs(light[:129][::-1] - light[128:]).max() < 5
    # Blue on one side and orange on the other: told apart by all common kinds of colour vision.
    assert (table[:100, 2] > table[:100, 0]).all()
    assert (table[-100:, 0] > table[-100:, 2]).all()


def test_the_scale_is_the_callers_and_clips():
    table = sequential_table()
    values = np.array([[-9.0, 2.0], [4.0, 60.0]])
    colours = sequential(values, vmin=2, vmax=6)
    assert colours.dtype == np.uint8
    assert np.array_equal(colours[0, 0], table[0])
    assert np.array_equal(colours[0, 1], table[0])
    assert np.array_equal(colours[1, 0], table[128])
    assert np.array_equal(colours[1, 1], table[255])
    # A weak map stays dark: nothing is stretched to the range of the values.
    assert sequential([0.1, 0.2], 0, 10).max() < 20


def test_zero_is_the_middle_of_a_signed_map():
    colours = diverging([-2.0, 0.0, 2.0], limit=2)
    assert np.array_equal(colours, diverging_table()[[0, 128, 256]])
    assert np.array_equal(diverging([-99.0], limit=2)[0], diverging_table()[0])


@pytest.mark.parametrize(("vmin", "vmax"), [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan), (0.0, np.inf)])
def test_an_empty_scale_is_refused(vmin, vmax):
    with pytest.raises(UsageError, match="the scale of a colour map is empty") as caught:
        sequential([0.5], vmin, vmax)
    assert caught.value.got == f"vmin = {vmin:g}, vmax = {vmax:g}"


def test_what_is_not_finite_is_refused():
    with pytest.raises(UsageError, match="not finite") as caught:
        diverging([0.0, np.nan, np.inf], 1)
    assert caught.value.got == "2 of 3 values are NaN or infinite"
