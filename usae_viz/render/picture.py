"""Pictures from arrays: heat over an image, transparency over a ground."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from usae_viz.errors import UsageError
from usae_viz.render.colour import Colours, diverging, sequential, unit_scale

GROUND = (128, 128, 128)
"""Neutral grey: neither end of the tonal range, so what is faint reads as absence."""


def to_picture(array: ArrayLike) -> Image.Image:
    """Make a Pillow image of sRGB ``[height, width, 3]``: uint8, or floats in [0, 1].

    Raises:
        UsageError: the shape is another, or floats leave [0, 1] or are not finite.
    """
    pixels = np.asarray(array)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UsageError(
            "a picture has another shape",
            expected="[height, width, 3]",
            got=str(list(pixels.shape)),
        )
    if pixels.dtype != np.uint8:
        if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise UsageError(
                "a picture leaves the range of sRGB",
                expected="uint8, or floats in [0, 1]",
                got=f"{pixels.dtype} from {pixels.min():g} to {pixels.max():g}",
            )
        pixels = np.rint(pixels * 255).astype(np.uint8)
    return Image.fromarray(pixels)


def upsample(grid: ArrayLike, width: int, height: int) -> NDArray[np.float32]:
    """Bring a token map ``[rows, columns]`` to ``[height, width]``, bilinear.

    A token's value sits at the middle of its patch; beyond the outer middles it stays constant.
    """
    values = np.asarray(grid, dtype=np.float32)
    if values.ndim != 2:
        raise UsageError(
            "a token map has another shape", expected="[rows, columns]", got=str(list(values.shape))
        )
    resized = Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def overlay(
    image: Image.Image,
    grid: ArrayLike,
    *,
    vmin: float = 0.0,
    vmax: float,
    opacity: float = 0.75,
) -> Image.Image:
    """Lay a token map over an image as heat (inferno).

    The heat's opacity grows in proportion to the value: at `vmin` the image shows through
    untouched, at `vmax` the heat has `opacity`. The scale is the caller's; nothing is normalised.

    Args:
        image: any size and mode.
        grid: ``[rows, columns]``, any unit.
        vmin: the value that is not drawn.
        vmax: the value of the brightest colour; larger ones are clipped.
        opacity: 0 … 1.

    Raises:
        UsageError: the scale or the opacity is not one, or the map is not finite.
    """
    _check_opacity(opacity)
    photo = np.asarray(image.convert("RGB"), dtype=np.float64)
    full = upsample(grid, image.width, image.height)
    return _mix(photo, sequential(full, vmin, vmax), opacity * unit_scale(full, vmin, vmax))


def outline(image: Image.Image, grid: ArrayLike, *, level: float, width: int = 2) -> Image.Image:
    """Draw a line around where a token map reaches a level: white beside black, seen on any ground.

    Args:
        image: any size and mode.
        grid: ``[rows, columns]``, any unit.
        level: in the map's unit; what reaches it is inside.
        width: of the white line in pixels; the black one beside it is as wide.

    Raises:
        UsageError: the map is not finite, or `width` is not positive.
    """
    if width < 1 or not np.isfinite(np.asarray(grid, dtype=np.float64)).all():
        raise UsageError(
            "an outline cannot be drawn", expected="a finite map and a width of at least 1 pixel"
        )
    inside = upsample(grid, image.width, image.height) >= level
    pixels = np.array(image.convert("RGB"))
    if not inside.any():
        return Image.fromarray(pixels)
    # Beyond the picture's edge the map goes on as it is, so no line is drawn along it.
    padded = np.pad(inside, 2 * width, mode="edge")
    core = (slice(2 * width, -2 * width),) * 2
    white = padded & ~binary_erosion(padded, iterations=width, border_value=1)
    black = binary_dilation(padded, iterations=width) & ~padded
    pixels[white[core]] = 255
    pixels[black[core]] = 0
    return Image.fromarray(pixels)


def signed_overlay(
    image: Image.Image, values: ArrayLike, *, limit: float, opacity: float = 0.85
) -> Image.Image:
    """Lay signed values over a greyed image: orange for, blue against.

    Args:
        image: any size and mode; only its lightness is kept, so its colours cannot be misread.
        values: ``[rows, columns]``, brought to the image's size.
        limit: the magnitude of the fullest colours; larger ones are clipped.
        opacity: 0 … 1, of the heat at `limit`; it grows in proportion to the magnitude.

    Raises:
        UsageError: the limit or the opacity is not one, or the map is not finite.
    """
    _check_opacity(opacity)
    photo = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64)
    full = upsample(values, image.width, image.height)
    return _mix(photo, diverging(full, limit), opacity * unit_scale(np.abs(full), 0, limit))


def over_ground(
    picture: Image.Image, alpha: ArrayLike, ground: tuple[int, int, int] = GROUND
) -> Image.Image:
    """Fade a picture into a neutral ground where its alpha is low.

    Args:
        picture: any mode.
        alpha: ``[rows, columns]`` in [0, 1]; 1 shows the picture.
        ground: sRGB in 0 … 255.

    Raises:
        UsageError: alpha leaves [0, 1] or is not finite.
    """
    mask = upsample(alpha, picture.width, picture.height)
    if not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1):
        raise UsageError(
            "an alpha map leaves its range",
            expected="values in [0, 1]",
            got=f"from {mask.min():g} to {mask.max():g}",
        )
    pixels = np.asarray(picture.convert("RGB"))
    back = np.broadcast_to(np.array(ground, np.float64), pixels.shape)
    return _mix(back, pixels, mask)


def heat_pixels(unit: ArrayLike) -> NDArray[np.uint8]:
    """Return heat ``[..., 4]`` (inferno, alpha = the value) for values ``[...]`` in [0, 1]."""
    alpha = np.rint(unit_scale(unit, 0, 1) * 255).astype(np.uint8)
    return np.concatenate([sequential(unit, 0, 1), alpha[..., None]], axis=-1)


def png(picture: Image.Image) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()


def _check_opacity(opacity: float) -> None:
    if not 0 <= opacity <= 1:
        raise UsageError("the opacity leaves its range", expected="0 to 1", got=f"{opacity:g}")


def _mix(below: NDArray[np.float64], above: Colours, alpha: NDArray[np.floating]) -> Image.Image:
    share = alpha[..., None].astype(np.float64)
    return Image.fromarray(np.rint(below * (1 - share) + above * share).astype(np.uint8))
