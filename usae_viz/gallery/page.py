"""Building the page: one folder that opens by double-click and may be moved anywhere."""

from __future__ import annotations

import base64
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from usae_viz.concepts import load_index
from usae_viz.errors import RunError, UsageError
from usae_viz.gallery.concept import ConceptView, concept_view
from usae_viz.gallery.text import counted, listed, number, percent
from usae_viz.render import heat_table, sequential_table
from usae_viz.run import Run, read_json, write_bytes, write_json, write_text

FORMAT = 1
MANIFEST = "gallery.json"
"""Says that a folder was made here and may be replaced."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
SMALL = 96
"""Side in pixels of the pictures in the list of concepts."""


def build_page(
    run: Run, out: Path, concepts: Sequence[int], labels: Mapping[int, str] | None = None
) -> Path:
    """Build the page over some maximized concepts.

    Everything it shows is copied beside it: no network, no server, no absolute path. It is built in
    a folder of its own and then put in place of the one before, so a failure leaves that as it was.

    Args:
        run: an indexed run.
        out: the folder that holds ``maximized/``; the page goes to ``gallery/`` in it.
        concepts: which, in the order in which they are shown.
        labels: names of concepts, where they have one.

    Returns:
        The page, ``out/gallery/index.html``.

    Raises:
        ConceptError: a concept does not exist or is dead.
        RunError: the run is not indexed, a concept was not maximized, a file is missing, or
            ``out/gallery`` holds something that was not built here.
        UsageError: no concept is given.
    """
    wanted = list(dict.fromkeys(concepts))
    if not wanted:
        raise UsageError("a page needs at least one concept")
    index = load_index(run)
    views = [concept_view(run, index, k, out, (labels or {}).get(k)) for k in wanted]
    stored = run.find_evaluation()
    evaluation = None if stored is None else read_json(stored)
    target: Path = out / run.gallery_dir.name
    with _replacing(target) as folder:
        page = page_environment().get_template("page.html.jinja")
        text = page.render(
            run=run,
            index=index,
            concepts=views,
            policy=POLICY,
            evaluation=evaluation,
            r2=_r2(evaluation) if evaluation else None,
        )
        write_text(folder / "index.html", text)
        for view in views:
            write_text(folder / "data" / f"c{view.concept}.js", view.data)
            _copy_pictures(view, folder)
        for image_id in {e.image_id for v in views for c in v.columns for e in c.examples}:
            _copy(run.thumb_file(image_id), folder / "thumbs" / f"{image_id}.webp", "index again")
        _write_assets(folder / "assets")
        write_json(folder / MANIFEST, {"format": FORMAT, "run": run.info.name, "concepts": wanted})
    return target / "index.html"


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its place if all goes well."""
    if target.exists() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise RunError(
            f"{target} holds something that was not built by usae-viz",
            expected=f"no such folder, an empty one, or one with {MANIFEST}",
            hint="move it away, or give another --out",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        # The workshop is private; a folder made inside it is as open as the umask allows.
        made = workshop / "new"
        made.mkdir()
        yield made
        if target.exists():
            target.rename(workshop / "old")
        try:
            made.rename(target)
        except OSError:
            if (workshop / "old").exists():
                (workshop / "old").rename(target)
            raise
    finally:
        shutil.rmtree(workshop)


def _copy_pictures(view: ConceptView, folder: Path) -> None:
    place = folder / "pictures" / f"c{view.concept}"
    for name, picture in view.pictures.items():
        _copy(picture.plain, place / f"{name}.png", "maximize the concept again")
        _copy(picture.alpha, place / f"{name}.alpha.png", "maximize the concept again")
        with Image.open(picture.plain) as opened:
            small = opened.convert("RGB")
        small.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        small.save(data, "WEBP", quality=80, method=4)
        write_bytes(place / f"{name}.small.webp", data.getvalue())


def _copy(source: Path, target: Path, remedy: str) -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise RunError(
            f"{source} cannot be read", got=error.strerror or str(error), hint=remedy
        ) from None
    write_bytes(target, data)


def _write_assets(folder: Path) -> None:
    for file in resources.files("usae_viz.gallery").joinpath("assets").iterdir():
        write_bytes(folder / file.name, file.read_bytes())
    table = sequential_table()
    # The one place where the page's colours come from is the render room's table.
    colours = base64.b64encode(table.tobytes()).decode()
    write_text(folder / "colours.js", f"usaeViz.setColours({json.dumps(colours)});\n")
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(table[None])).save(data, "PNG", optimize=True)
    write_bytes(folder / "scale.png", data.getvalue())


def _r2(evaluation: Mapping[str, Any]) -> Markup:
    names = evaluation["backbones"]
    return heat_table(
        evaluation["r2"]["channel"],
        rows=names,
        columns=names,
        corner="encoded from ↓ decoded to →",
        caption="R² on held-out tokens, against each channel’s mean",
        percent=False,
        marked=[(i, i) for i in range(len(names))],
    )


@cache
def page_environment() -> Environment:
    """Return the templates of the gallery, escaping every value."""
    environment = Environment(
        loader=PackageLoader("usae_viz.gallery"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "counted": counted,
        "listed": listed,
    }
    return environment
