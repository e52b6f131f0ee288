"""Maximized pictures and the page over them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usae_viz.maximize import is_readable
from usae_viz.maximize import maximize as maximize_concepts
from usae_viz.run import Run
from usae_viz.workflow.pages import build_gallery
from usae_viz.workflow.progress import Progress


def maximize(
    run: Run,
    concepts: Sequence[int],
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Maximize concepts and build the page over all that are there, these first.

    Returns the ``maximize`` JSON contract.

    `settings` are those of `usae_viz.maximize`; None leaves the default.
    """
    started = time.perf_counter()
    settings = {key: value for key, value in settings.items() if value is not None}
    results = maximize_concepts(run, concepts, out=out, progress=progress, **settings)
    page = build_gallery(run, [*concepts, *_others(run.writing_to(out), concepts)], out=out)
    return {
        "run": str(run.path),
        "mode": settings.get("mode", "per-model"),
        "backbones": list(run.names),
        "page": str(page),
        "seconds": time.perf_counter() - started,
        "concepts": [result.to_json() for result in results],
    }


def _others(run: Run, concepts: Sequence[int]) -> list[int]:
    """Return what else can be shown; results of an older format are left out."""
    return [
        k
        for k in run.maximized_concepts()
        if k not in concepts and is_readable(run.maximized_dir(k, kind=run.maximized_kinds(k)[0]))
    ]
