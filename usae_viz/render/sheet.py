"""Contact sheets: pictures in rows with a caption under each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from usae_viz.errors import UsageError

PAPER, INK, QUIET = (255, 255, 255), (28, 28, 30), (110, 110, 115)
MARGIN, GAP, TEXT = 16, 10, 13


class Tile(NamedTuple):
    """One picture of a sheet and the line under it."""

    picture: Image.Image
    caption: str = ""


def sheet(
    tiles: Sequence[Tile],
    columns: int,
    *,
    side: int = 192,
    headings: Sequence[str] = (),
    title: str = "",
    note: str = "",
) -> Image.Image:
    """Lay pictures out in rows.

    Args:
        tiles: row by row; the last row may be short.
        columns: pictures a row.
        side: pixels that each picture is fitted into, keeping its proportions.
        headings: one over each column, or none.
        title: a line above all.
        note: a quiet line below all, for the scale that the pictures share.

    Raises:
        UsageError: there is no tile, or the headings are not one a column.
    """
    if not tiles or columns < 1 or side < 1:
        raise UsageError(
            "a sheet has no picture",
            expected="at least one tile, one column and one pixel",
            got=f"{len(tiles)} tiles, {columns} columns, {side} pixels",
        )
    if headings and len(headings) != columns:
        raise UsageError(
            "a sheet's headings do not fit its columns",
            expected=str(columns),
            got=str(len(headings)),
        )
    rows = -(-len(tiles) // columns)
    line = TEXT + 7
    head = (line + 6 if title else 0) + (line if headings else 0)
    step_x, step_y = side + GAP, side + GAP + line
    width = 2 * MARGIN + columns * step_x - GAP
    height = 2 * MARGIN + head + rows * step_y - GAP + (line if note else 0)
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)
    if title:
        _write(pen, (MARGIN, MARGIN - 2), title, width - 2 * MARGIN, TEXT + 3, INK)
    for column, heading in enumerate(headings):
        at = (MARGIN + column * step_x, MARGIN + head - line)
        _write(pen, at, heading, side, TEXT, INK)
    for place, tile in enumerate(tiles):
        left = MARGIN + place % columns * step_x
        top = MARGIN + head + place // columns * step_y
        fitted = _fit(tile.picture, side)
        corner = (left + (side - fitted.width) // 2, top + (side - fitted.height) // 2)
        page.paste(fitted, corner)
        _write(pen, (left, top + side + 3), tile.caption, side, TEXT - 1, QUIET)
    if note:
        _write(pen, (MARGIN, height - MARGIN - TEXT), note, width - 2 * MARGIN, TEXT - 1, QUIET)
    return page


def _fit(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    width: int,
    size: int,
    ink: tuple[int, int, int],
) -> None:
    font = _font(size)
    if pen.textlength(text, font=font) > width:
        while text and pen.textlength(f"{text}…", font=font) > width:
            text = text[:-1]
        text = f"{text.rstrip()}…"
    pen.text(at, text, font=font, fill=ink)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
