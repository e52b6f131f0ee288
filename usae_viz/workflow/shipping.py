"""A trained run made small enough to be given away: no activations, no photographs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from usae_viz.concepts import index_run
from usae_viz.errors import RunError
from usae_viz.images import open_source
from usae_viz.portable import has_own_images
from usae_viz.run import Run, write_text
from usae_viz.sae import load_usae, save_usae
from usae_viz.sae.config import read_config
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.dissecting import dissect_run
from usae_viz.workflow.evaluation import evaluate
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.sharing import scrub

SHIPPED_EXAMPLES = {"sample": 6, "joint": 4}
"""Fewer examples than usual: they are most of an index's size."""
LOG_LINES = 500
"""Lines of the training log that are kept, evenly spaced."""


def ship(
    run: Run, target: Path, *, max_megabytes: float = 14.0, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a small copy of a trained run that loads wherever its backbones' weights are reachable.

    Weights are rounded to float16 first, and the run indexed and evaluated again from its stored
    activations, so that every figure is of the very weights that are shipped. Left out are
    activations, thumbnails and paths of this machine; of photographs also which ones the natural
    examples are, and their heat. The statistics (rates, natural tops …) stay. The images of the
    built-in world can be drawn again, so their examples stay.

    Args:
        run: a trained run with its activations.
        target: folder to write; an older run there is replaced at the end.
        max_megabytes: largest size, of all files together.
        progress: called with what is going on, done, total.

    Returns:
        ``run``, ``megabytes``, ``evaluation``.

    Raises:
        RunError: the run has no activations, the copy is too large, or `target` holds something
            that is no run.
    """
    if not (run.activations_dir / "manifest.json").is_file():
        raise RunError(
            f"{run.path} has no activations, so it cannot be measured as it is shipped",
            hint="`usae-viz extract RECIPE --out RUN` writes them again",
        )
    if target.exists() and not (target / "run.json").is_file():
        raise RunError(f"{target} is there and is no run", hint="give another folder")
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        evaluation = _measured(run, fresh, progress)
        made = Run(fresh, run.info)
        scrub(made, run)
        _thin_log(made, run)
        size = sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file()) / 1e6
        if size > max_megabytes:
            raise RunError(
                f"{run.path} is too large to ship",
                expected=f"at most {max_megabytes:g} MB",
                got=f"{size:.1f} MB",
                hint="train fewer concepts",
            )
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return {"run": str(target), "megabytes": round(size, 2), "evaluation": evaluation}


def _measured(run: Run, folder: Path, progress: Progress | None) -> dict[str, Any]:
    recipe = run.recipe()
    made = Run.create(folder, recipe, run.info)
    save_usae(made, load_usae(run), read_config(run), half=True)
    link = made.activations_dir
    link.symlink_to(run.activations_dir.resolve(), target_is_directory=True)
    try:
        source = open_source(recipe.images)
        images, count = token_images(made, recipe, source, "all", "cpu")
        index_run(
            made,
            load_usae(made),
            images,
            source,
            thumbnails=False,
            examples=recipe.concepts.examples,
            progress=(lambda done: progress("indexing", done, count)) if progress else None,
            sample=SHIPPED_EXAMPLES["sample"],
            joint=SHIPPED_EXAMPLES["joint"],
        )
        if run.dissection_file is not None and has_own_images(recipe):
            # Masks of photographs lie elsewhere; those of the built-in world come with it.
            dissect_run(made, progress=progress)
        return evaluate(made, progress=progress)
    finally:
        link.unlink()


def _thin_log(made: Run, run: Run) -> None:
    if run.training_log.is_file():
        lines = run.training_log.read_text(encoding="utf-8").splitlines(keepends=True)
        every = max(1, len(lines) // LOG_LINES)
        write_text(made.training_log, "".join(lines[every - 1 :: every]))
