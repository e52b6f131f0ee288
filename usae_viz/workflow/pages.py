"""The page over what has been maximized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from usae_viz.concepts import load_index, write_thumbnails
from usae_viz.errors import RunError
from usae_viz.gallery import build_page
from usae_viz.images import open_source
from usae_viz.run import Run, read_json


def build_gallery(
    run: Run, concepts: Sequence[int] | None = None, *, out: Path | None = None
) -> Path:
    """Build the page over maximized concepts (all there are, or `concepts`); returns its path.

    Raises:
        RunError: nothing has been maximized yet.
    """
    run = run.writing_to(out)
    found = run.maximized_concepts()
    missing = [k for k in concepts or () if k not in found]
    if not found or missing:
        names = ", ".join(map(str, missing)) or "no concept"
        raise RunError(
            f"{names} has not been maximized in {run.outputs}",
            hint="run `usae-viz maximize --concept K` first",
        )
    chosen = found if concepts is None else list(concepts)
    _make_thumbnails(run, chosen)
    return build_page(run, run.outputs, chosen, concept_names(run))


def _make_thumbnails(run: Run, concepts: Sequence[int]) -> None:
    """Make what is missing: the bundled run ships none, since its world renders them again."""
    index = load_index(run)
    ids = [e.image_id for k in concepts for name in run.names for e in index.examples(name, k)]
    if any(not run.thumb_file(image_id).exists() for image_id in ids):
        write_thumbnails(run, ids, open_source(run.recipe().images))


def concept_names(run: Run) -> dict[int, str]:
    """Return names of concepts that the evaluation on a labelled world found."""
    stored = run.find_evaluation()
    labels = read_json(stored).get("world", {}).get("labels", {}) if stored else {}
    names: dict[int, list[str]] = {}
    for label, found in labels.items():
        if found["recovered"]:
            names.setdefault(found["concept"], []).append(label)
    return {concept: ", ".join(found) for concept, found in names.items()}
