"""The page over what has been maximized."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from usae_viz.concepts import concept_names as find_names
from usae_viz.concepts import load_index, write_thumbnails
from usae_viz.gallery import build_single, build_site
from usae_viz.images import ImageSource, open_source
from usae_viz.lock import PATIENCE
from usae_viz.run import Run
from usae_viz.workflow.progress import Progress


def build_gallery(
    run: Run,
    concepts: Sequence[int] | Literal["all"] | None = None,
    *,
    out: Path | None = None,
    single_file: bool = False,
    sheets: bool = False,
    max_megabytes: float = 25,
    wait: float = PATIENCE,
    progress: Progress | None = None,
) -> Path:
    """Build the gallery: a front page over all living concepts, and a page for each of some.

    Args:
        run: an indexed run.
        concepts: which get a page: ``"all"`` living ones, or these; by default those that have been
            maximized, and with none the twelve most universal.
        out: folder that holds ``maximized/`` and gets ``gallery/``; the run's outputs by default.
        single_file: put the pages into one file too, for mail and archives.
        sheets: write a sheet of each concept (PNG, for a paper) and its numbers (JSON) as well, to
            ``gallery/sheets/``.
        max_megabytes: that file may be at most so large.
        wait: seconds to wait for another process that builds it.
        progress: called with what is going on, done, total.

    Returns:
        ``gallery/index.html``, or the single file.

    Raises:
        RunError: the run is not indexed, or a file is missing.
        BusyError: another process builds it.
        ConceptError: a concept does not exist or is dead.
    """
    run = run.writing_to(out)
    index = load_index(run)
    if concepts == "all":
        chosen = [int(k) for k in (~index.dead).nonzero()[0]]
    else:
        chosen = list(concepts or run.maximized_concepts() or index.most_universal(12))
    for concept in chosen:
        index.require(concept)
    tick = None if progress is None else lambda done, all_: progress("pages", done, all_)
    names = find_names(run)
    with run.lock_outputs(run.gallery_dir.name, wait=wait):
        page = build_site(
            run,
            run.outputs,
            chosen,
            names,
            sheets=sheets,
            make_thumbnails=_Thumbnails(run).make,
            progress=tick,
        )
        if single_file:
            page = build_single(run, run.outputs, chosen, names, max_megabytes=max_megabytes)
    return page


class _Thumbnails:
    """Makes what is missing: the bundled run ships none, since its world renders them again."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def source(self) -> ImageSource:
        """The run's images; opened for the first page that needs one."""
        return open_source(self.run.recipe().images)

    def make(self, ids: Sequence[str]) -> None:
        with self.run.lock_outputs("concepts", shared=True):
            write_thumbnails(self.run, ids, self.source)


def concept_names(run: Run) -> dict[int, str]:
    """Return names of concepts with the user's notes, see `usae_viz.concepts.concept_names`."""
    return {
        concept: " · ".join(filter(None, (named.name, named.note)))
        for concept, named in find_names(run).items()
    }
