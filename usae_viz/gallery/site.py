"""Building the gallery: a folder that opens by double-click and may be moved anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import TemplateError

from usae_viz.concepts import ConceptIndex, ConceptName, load_index
from usae_viz.errors import RunError, UsageError
from usae_viz.gallery.concept import concept_view
from usae_viz.gallery.environment import POLICY, page_environment, write_assets
from usae_viz.gallery.front import front
from usae_viz.gallery.manifest import Manifest, page_state, site_look
from usae_viz.gallery.pages import ConceptPages, MakeThumbnails
from usae_viz.gallery.reports import (
    Report,
    find_reports,
    mentions,
    write_report,
    write_report_list,
)
from usae_viz.run import Run, read_json, write_text

Progress = Callable[[int, int], None]


def build_site(
    run: Run,
    out: Path,
    concepts: Sequence[int],
    names: Mapping[int, ConceptName] | None = None,
    *,
    sheets: bool = False,
    make_thumbnails: MakeThumbnails | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build the front page, a page for each of some concepts, and one for each report.

    Everything it shows is copied beside it: no network, no server, no absolute path. Pages whose
    concept has not changed since the last time are left as they are, those of concepts that are no
    longer asked for are removed; each file is there whole or not at all, and the front page comes
    last, so a build that was interrupted goes on where it ended.

    Args:
        run: an indexed run.
        out: the folder that holds ``maximized/`` and ``reports/``; the gallery goes to ``gallery/``
            in it.
        concepts: which get a page; what has not been maximized is said so there.
        names: of concepts, where they have one.
        sheets: make a sheet (PNG) and a file of the numbers (JSON) of each as well; those that are
            there already are kept up in any case.
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
    named = dict(names or {})
    folder = out / run.gallery_dir.name
    look = site_look(run)
    manifest = Manifest(run, folder, look)
    reports = find_reports(run, out)
    said = mentions(run, reports)
    maximized = set(run.maximized_concepts(out))
    pages = ConceptPages(run, index, folder, make_thumbnails)
    for number, concept in enumerate(wanted, start=1):
        sheet = sheets or pages.has_sheet(concept)
        name, about = named.get(concept), said.get(concept, ())
        state = page_state(
            run, out, concept, look, name, about, maximized=concept in maximized, sheet=sheet
        )
        before = manifest.pages.get(concept)
        if before is None or before["state"] != state or not pages.has(concept):
            view = concept_view(run, index, concept, out, name, about)
            pages.write(view, sheet=sheet)
            pictured = list(view.modes[0].pictures) if view.modes else []
            # What could not be read may be repaired without a change of what the state is made of.
            state = "" if view.unread else state
            manifest.pages[concept] = {"state": state, "pictures": pictured}
            manifest.save(soon=True)
        if progress:
            progress(number, len(wanted))
    for concept in set(manifest.pages) - set(wanted):
        pages.remove(concept)
        del manifest.pages[concept]
    _bring_reports(run, reports, folder, manifest, look)
    _write_front(run, index, folder, manifest, named, reports)
    write_assets(folder / "assets")
    manifest.save()
    return folder / "index.html"


def _bring_reports(
    run: Run, reports: Sequence[Report], folder: Path, manifest: Manifest, look: str
) -> None:
    place = folder / "reports"
    for report in reports:
        linked = [k for k in report.concepts if k in manifest.pages]
        state = "-".join([look[:16], report.state[:16], *map(str, linked)])
        written = (place / report.name / "index.html").is_file()
        if manifest.reports.get(report.name) != state or not written:
            write_report(run, report, place, manifest.pages)
            manifest.reports[report.name] = state
    for name in set(manifest.reports) - {report.name for report in reports}:
        shutil.rmtree(place / name, ignore_errors=True)
        del manifest.reports[name]
    if reports:
        write_report_list(run, reports, place)
    else:
        shutil.rmtree(place, ignore_errors=True)


def _write_front(
    run: Run,
    index: ConceptIndex,
    folder: Path,
    manifest: Manifest,
    names: Mapping[int, ConceptName],
    reports: Sequence[Report],
) -> None:
    pages = {k: tuple(entry["pictures"]) for k, entry in manifest.pages.items()}
    stored = run.find_evaluation()
    evaluation = None if stored is None else read_json(stored)
    shared = {"run": run, "index": index, "policy": POLICY, "root": ""}
    try:
        found = front(run, index, pages, names, evaluation)
        texts = {
            name: page_environment()
            .get_template(f"{name}.html.jinja")
            .render(**shared, front=found, evaluation=evaluation, reports=reports)
            for name in ("compare", "index")
        }
    except (LookupError, TypeError, ValueError, AttributeError, TemplateError) as error:
        if evaluation is None:
            raise
        raise RunError(
            f"{stored} is damaged", got=" ".join(str(error).split())[:200], hint="evaluate again"
        ) from error
    write_text(folder / "data" / "index.js", found.data)
    write_text(folder / "data" / "pages.js", f"usaeViz.setPages({json.dumps(sorted(pages))});\n")
    for name, text in texts.items():
        write_text(folder / f"{name}.html", text)
