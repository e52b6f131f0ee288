"""A concept on one sheet, for a paper or a slide, and the same numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from usae_viz.concepts import ConceptIndex, Example
from usae_viz.gallery.concept import Column, ConceptView, concept_table
from usae_viz.gallery.natural import find_examples
from usae_viz.gallery.text import NARROW, number, percent, shortened
from usae_viz.render import Tile, overlay, png, sheet
from usae_viz.run import Run, write_bytes, write_text

SIDE, GAP = 320, 5
"""Side in pixels of a picture of the sheet, and what lies between natural images."""
GRID = 3
"""Natural images in a row and in a column."""


def write_sheet(run: Run, index: ConceptIndex, view: ConceptView, path: Path) -> None:
    """Write ``path.png`` and ``path.json``: `concept_sheet` and `concept_table`."""
    write_bytes(path.with_suffix(".png"), png(concept_sheet(run, index, view)))
    text = json.dumps(concept_table(index, view), indent=1, allow_nan=False, ensure_ascii=False)
    write_text(path.with_suffix(".json"), text + "\n")


def concept_sheet(run: Run, index: ConceptIndex, view: ConceptView) -> Image.Image:
    """Draw a column per backbone: the maximized pictures, and the strongest images under heat.

    The heat of a backbone runs from 0 to its largest value over the indexed images, as on the page.

    Raises:
        OSError: a picture is missing.
    """
    examples = find_examples(index, view.concept)
    tiles = [
        Tile(_maximized(view, at, column), _words(view, at, column))
        for at in range(len(view.modes))
        for column in view.columns
    ]
    tiles += [
        Tile(
            _naturals(run, examples[column.name]["top"], column.top),
            f"heat 0 to {number(column.top)}",
        )
        for column in view.columns
    ]
    name = f": {view.label}" if view.label else ""
    return sheet(
        tiles,
        len(view.columns),
        side=SIDE,
        headings=[column.name for column in view.columns],
        title=f"Concept {view.concept}{name} ({view.kind}), {run.info.name}",
        note=f"Firing entropy {view.entropy:.2f}, co-fire {_share(view.cofire)}. Lower rows: "
        f"the strongest of {index.images:,} images.",
    )


def _maximized(view: ConceptView, mode: int, column: Column) -> Image.Image:
    picture = view.modes[mode].pictures.get(column.name)
    if picture is None:
        return Image.new("RGB", (SIDE, SIDE), (236, 236, 234))
    with Image.open(picture.plain) as opened:
        return opened.convert("RGB")


def _words(view: ConceptView, mode: int, column: Column) -> str:
    shown = view.modes[mode]
    picture = shown.pictures.get(column.name)
    if picture is None:
        return "not maximized"
    level = "no natural level" if picture.share is None else f"{_share(picture.share)} of natural"
    if len(view.modes) == 1:
        return level
    return f"{shown.name if shown.kind == shown.name else _plain(shown.title)}: {level}"


def _plain(title: str) -> str:
    """Return a title in letters that the font of sheets has; the level after it needs room."""
    known = title.replace("−", "-").replace("×", "x").encode("ascii", "replace").decode()
    return shortened(known, 28)


def _share(share: float) -> str:
    # The font of sheets has no narrow space.
    return percent(share).replace(NARROW, " ")


def _naturals(run: Run, found: Sequence[Example], top: float) -> Image.Image:
    cell = (SIDE - (GRID - 1) * GAP) // GRID
    page = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    for place, example in enumerate(found[: GRID**2]):
        with Image.open(run.thumb_file(example.image_id)) as opened:
            photo = opened.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
        values = example.grid.astype(np.float32) / 255 * example.peak
        heated = overlay(photo, values, vmax=top if top > 0 else 1.0)
        corner = ((place % GRID) * (cell + GAP), place // GRID * (cell + GAP))
        page.paste(heated.convert("RGB"), corner)
    return page
