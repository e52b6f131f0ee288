"""Building the gallery: a folder that opens by double-click and may be moved anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from usae_viz.concepts import ConceptIndex, load_index
from usae_viz.errors import RunError, UsageError
from usae_viz.gallery.concept import ConceptView, concept_view
from usae_viz.gallery.environment import POLICY, assets, page_environment, write_assets
from usae_viz.gallery.front import front
from usae_viz.run import Run, file_sha256, read_json, write_bytes, write_json, write_text

FORMAT = 2
MANIFEST = "gallery.json"
"""Says that a folder was made here, and of what state of the run each page is."""
SMALL = 96
"""Side in pixels of the pictures in the list of concepts."""

Progress = Callable[[int, int], None]
MakeThumbnails = Callable[[Sequence[str]], None]


def build_site(
    run: Run,
    out: Path,
    concepts: Sequence[int],
    labels: Mapping[int, str] | None = None,
    *,
    make_thumbnails: MakeThumbnails | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build the front page and a page for each of some concepts.

    Everything it shows is copied beside it: no network, no server, no absolute path. Pages whose
    concept has not changed since the last time are left as they are, those of concepts that are no
    longer asked for are removed; each file is there whole or not at all, and the front page comes
    last, so a build that was interrupted goes on where it ended.

    Args:
        run: an indexed run.
        out: the folder that holds ``maximized/``; the gallery goes to ``gallery/`` in it.
        concepts: which get a page; what has not been maximized is said so there.
        labels: names of concepts, where they have one.
        make_thumbnails: called with the images that a page shows and whose thumbnails the run does
            not have, before that page is written.
        progress: called with pages done and in all.

    Returns:
        The front page, ``out/gallery/index.html``.

    Raises:
        ConceptError: a concept does not exist or is dead.
        RunError: the run is not indexed, a file is missing or damaged, or ``out/gallery`` holds
            something that was not built here.
        UsageError: no concept is given.
    """
    wanted = list(dict.fromkeys(concepts))
    if not wanted:
        raise UsageError("a gallery needs at least one concept")
    index = load_index(run)
    for concept in wanted:
        index.require(concept)
    names = dict(labels or {})
    folder = out / run.gallery_dir.name
    before = _manifest(folder)
    look = site_look(run)
    pages: dict[str, Any] = {}
    for number, concept in enumerate(wanted):
        page = _fingerprint(run, out, concept, look, names.get(concept))
        key = str(concept)
        if before.get(key, {}).get("state") == page and _page_file(folder, concept).is_file():
            pages[key] = before[key]
        else:
            view = concept_view(run, index, concept, out, names.get(concept))
            missing = sorted(i for i in view.images if not run.thumb_file(i).is_file())
            if missing and make_thumbnails is not None:
                make_thumbnails(missing)
            _write_page(run, index, view, folder)
            pages[key] = {"state": page, "pictures": _pictured(view)}
        if progress:
            progress(number + 1, len(wanted))
    for key in set(before) - set(pages):
        _remove_page(folder, int(key))
    _write_front(run, index, folder, {int(k): v["pictures"] for k, v in pages.items()}, names)
    write_assets(folder / "assets")
    table = {"format": FORMAT, "run": run.info.name, "look": look, "pages": pages}
    write_json(folder / MANIFEST, table)
    return folder / "index.html"


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    if not file.is_file():
        # Nothing of ours: what an interrupted first build left has only our folders in it.
        ours = {"assets", "concepts", "data", "pictures", "thumbs", "index.html", "compare.html"}
        if folder.exists() and any(path.name not in ours for path in folder.iterdir()):
            raise RunError(
                f"{folder} holds something that was not built by usae-viz",
                expected=f"no such folder, an empty one, or one with {MANIFEST}",
                hint="move it away, or give another --out",
            )
        return {}
    table = read_json(file)
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        shutil.rmtree(folder)
        return {}
    found: dict[str, Any] = table["pages"]
    return found


def site_look(run: Run) -> str:
    """Return a hash of what every page depends on: templates, assets, the index, the run."""
    parts = hashlib.sha256()
    loader = page_environment().loader
    assert loader is not None
    for name in sorted(loader.list_templates()):
        parts.update(loader.get_source(page_environment(), name)[0].encode())
    for _, data in sorted(assets().items()):
        parts.update(data)
    parts.update(file_sha256(run.index_file).encode())
    parts.update(run.info.model_dump_json().encode())
    return parts.hexdigest()


def _fingerprint(run: Run, out: Path, concept: int, look: str, label: str | None) -> str:
    # By content, not by time: a gallery that was moved or checked out is not built anew.
    results = [
        (kind, file_sha256(run.maximized_dir(concept, out, kind) / "result.json"))
        for kind in run.maximized_kinds(concept, out)
    ]
    return hashlib.sha256(json.dumps([look, concept, label, results]).encode()).hexdigest()[:16]


def _page_file(folder: Path, concept: int) -> Path:
    return folder / "concepts" / f"{concept:06d}.html"


def _write_page(run: Run, index: ConceptIndex, view: ConceptView, folder: Path) -> None:
    for image_id in view.images:
        target = folder / "thumbs" / f"{image_id}.webp"
        if not target.is_file():
            _copy(run.thumb_file(image_id), target, "index again")
    place = folder / "pictures" / f"c{view.concept}"
    shutil.rmtree(place, ignore_errors=True)
    for mode in view.modes:
        for name, picture in mode.pictures.items():
            _copy(picture.plain, place / mode.name / f"{name}.png", "maximize the concept again")
            _copy(
                picture.alpha, place / mode.name / f"{name}.alpha.png", "maximize the concept again"
            )
    if view.modes:
        for name, picture in view.modes[0].pictures.items():
            _write_small(picture.plain, place / f"{name}.small.webp")
    write_text(folder / "data" / f"c{view.concept}.js", view.data)
    template = page_environment().get_template("concept_page.html.jinja")
    text = template.render(run=run, index=index, view=view, policy=POLICY, root="../")
    write_text(_page_file(folder, view.concept), text)


def _write_small(source: Path, target: Path) -> None:
    with Image.open(source) as opened:
        small = opened.convert("RGB")
    small.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "WEBP", quality=80, method=4)
    write_bytes(target, data.getvalue())


def _pictured(view: ConceptView) -> list[str]:
    return list(view.modes[0].pictures) if view.modes else []


def _remove_page(folder: Path, concept: int) -> None:
    _page_file(folder, concept).unlink(missing_ok=True)
    (folder / "data" / f"c{concept}.js").unlink(missing_ok=True)
    shutil.rmtree(folder / "pictures" / f"c{concept}", ignore_errors=True)


def _write_front(
    run: Run,
    index: ConceptIndex,
    folder: Path,
    pages: Mapping[int, Sequence[str]],
    names: Mapping[int, str],
) -> None:
    stored = run.find_evaluation()
    evaluation = None if stored is None else read_json(stored)
    found = front(run, index, {k: tuple(v) for k, v in pages.items()}, names, evaluation)
    write_text(folder / "data" / "index.js", found.data)
    write_text(folder / "data" / "pages.js", f"usaeViz.setPages({json.dumps(sorted(pages))});\n")
    shared = {"run": run, "index": index, "policy": POLICY, "root": ""}
    for name in ("compare", "index"):
        template = page_environment().get_template(f"{name}.html.jinja")
        text = template.render(**shared, front=found, evaluation=evaluation)
        write_text(folder / f"{name}.html", text)


def _copy(source: Path, target: Path, remedy: str) -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise RunError(
            f"{source} cannot be read", got=error.strerror or str(error), hint=remedy
        ) from None
    write_bytes(target, data)
