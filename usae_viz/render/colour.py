"""Colour maps: perceptually uniform, readable by colour-blind people, no plotting library."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usae_viz.errors import UsageError

Colours = NDArray[np.uint8]
"""sRGB in 0 … 255; the last axis is red, green, blue."""

LEVELS = 256

# Ends and middle of the signed map in OKLab. Both ends have the same lightness and chroma, so equal
# magnitudes of either sign look equally strong.
_BLUE, _MIDDLE, _ORANGE = (0.62, -0.043, -0.139), (0.968, 0.001, 0.002), (0.62, 0.0935, 0.1115)

# From linear sRGB to cone responses and from those to OKLab: B. Ottosson, "A perceptual color
# space for image processing", 2020, https://bottosson.github.io/posts/oklab/.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@cache
def sequential_table() -> Colours:
    """Return the 256 colours of inferno, dark to light, ``[256, 3]``.

    The table is matplotlib's (N. J. Smith and S. van der Walt, CC0); it is uniform in CAM02-UCS
    and its lightness never falls.
    """
    text = resources.files("usae_viz.render").joinpath("inferno.json").read_text("utf-8")
    words = " ".join(json.loads(text)["colours"]).split()
    return np.array([[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in words], np.uint8)


@cache
def diverging_table() -> Colours:
    """Return 257 colours from blue over near-white (the middle one) to orange, ``[257, 3]``.

    Straight lines in OKLab from either end to the middle, so steps look equal on both sides.
    """
    blue, middle, orange = np.array(_BLUE), np.array(_MIDDLE), np.array(_ORANGE)
    at = np.linspace(-1, 1, LEVELS + 1)[:, None]
    return _from_oklab(middle + np.where(at < 0, -at * (blue - middle), at * (orange - middle)))


def sequential(values: ArrayLike, vmin: float, vmax: float) -> Colours:
    """Colour values ``[...]`` by inferno: `vmin` is black, `vmax` pale yellow, beyond is clipped.

    Returns:
        ``[..., 3]`` uint8.

    Raises:
        UsageError: the scale is empty or not finite, or a value is not finite.
    """
    return _pick(sequential_table(), unit_scale(values, vmin, vmax))


def diverging(values: ArrayLike, limit: float) -> Colours:
    """Colour signed values ``[...]``: `-limit` is blue, 0 near-white, `limit` orange.

    Returns:
        ``[..., 3]`` uint8.

    Raises:
        UsageError: `limit` is not positive and finite, or a value is not finite.
    """
    return _pick(diverging_table(), unit_scale(values, -limit, limit))


def unit_scale(values: ArrayLike, vmin: float, vmax: float) -> NDArray[np.float64]:
    """Bring values from the declared scale `vmin` … `vmax` to 0 … 1, clipping what lies outside.

    Raises:
        UsageError: the scale is empty or not finite, or a value is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(vmin) and np.isfinite(vmax) and vmin < vmax):
        raise UsageError(
            "the scale of a colour map is empty",
            expected="vmin < vmax, both finite",
            got=f"vmin = {vmin:g}, vmax = {vmax:g}",
        )
    if not np.isfinite(array).all():
        raise UsageError(
            "a map to be coloured is not finite",
            got=f"{int((~np.isfinite(array)).sum())} of {array.size} values are NaN or infinite",
        )
    unit: NDArray[np.float64] = ((array - vmin) / (vmax - vmin)).clip(0, 1)
    return unit


def _pick(table: Colours, unit: NDArray[np.float64]) -> Colours:
    picked: Colours = table[np.rint(unit * (len(table) - 1)).astype(np.intp)]
    return picked


def _from_oklab(lab: NDArray[np.float64]) -> Colours:
    cones = (lab @ np.linalg.inv(_OKLAB).T) ** 3
    linear = (cones @ np.linalg.inv(_CONES).T).clip(0, 1)
    unit = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    srgb: Colours = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    return srgb
