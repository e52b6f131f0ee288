"""Maximized pictures and the page over them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usae_viz.concepts import load_index
from usae_viz.errors import BusyError
from usae_viz.lock import PATIENCE
from usae_viz.maximize import is_readable
from usae_viz.maximize import maximize as maximize_concepts
from usae_viz.run import Run
from usae_viz.workflow.pages import build_gallery, concept_names
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.ranks import this_rank


def maximize(
    run: Run,
    concepts: Sequence[int],
    *,
    out: Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Maximize concepts and build the page over all that are there, these first.

    Of several ranks (torchrun) each makes its share of the concepts; the one that finds all of them
    there builds the page.

    Args:
        run: a trained and indexed run.
        concepts: which.
        out: folder in place of the run's own.
        device: where networks run; ``cuda`` is each rank's own GPU.
        progress: called with what is going on, done, total.
        settings: those of `usae_viz.maximize`; None leaves the default.

    Returns:
        The ``maximize`` JSON contract; ``page`` is None on a rank that leaves it to another.
    """
    started = time.perf_counter()
    settings = {key: value for key, value in settings.items() if value is not None}
    rank = this_rank()
    results = maximize_concepts(
        run,
        concepts,
        out=out,
        device=rank.device(device),
        part=(rank.number, rank.total),
        progress=progress,
        **settings,
    )
    page = None
    if len(results) == len(set(concepts)):
        page = _page(run.writing_to(out), concepts, ranks=rank.total)
    names = concept_names(run)
    return {
        "run": str(run.path),
        "mode": settings.get("mode", "per-model"),
        "backbones": list(run.names),
        "page": page and str(page),
        "seconds": time.perf_counter() - started,
        "concepts": [{**result.to_json(), "name": names.get(result.concept)} for result in results],
    }


def _page(run: Run, concepts: Sequence[int], ranks: int) -> Path | None:
    """Build the page; None if another rank is at it."""
    try:
        return build_gallery(
            run, [*concepts, *_others(run, concepts)], wait=0.0 if ranks > 1 else PATIENCE
        )
    except BusyError:
        if ranks == 1:
            raise
        return None


def _others(run: Run, concepts: Sequence[int]) -> list[int]:
    """Return what else can be shown.

    Left out is what would only fail now that the pictures asked for are made: concepts none of
    whose results can be read, and those that the index has no longer, or finds dead.
    """
    index = load_index(run)
    return [
        k
        for k in run.maximized_concepts()
        if k not in concepts
        and k < index.concepts
        and not index.dead[k]
        and any(is_readable(run.maximized_dir(k, kind=kind)) for kind in run.maximized_kinds(k))
    ]
