"""From a recipe to a trained and indexed run."""

from __future__ import annotations

from pathlib import Path

from usae_viz.errors import RunError
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.sae.training import train_usae
from usae_viz.workflow.extraction import extract
from usae_viz.workflow.indexing import index
from usae_viz.workflow.progress import Progress


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Run:
    """Extract, train and index; `evaluate` is a call of its own.

    Args:
        recipe: what to train, on what.
        out: the run's directory.
        resume: go on from the last checkpoint of the training loop.
        device: where backbones and training run.
        progress: called with what is going on, done, total.

    Raises:
        UsaeVizError: anything unusable; finished shards and checkpoints are kept.
    """
    if (out / "usae.json").exists() and not resume:
        raise RunError(
            f"{out} is trained already",
            hint="give another --out, or --resume to keep what is there",
        )
    run, store = extract(recipe, out, device=device, progress=progress)
    with run.lock():
        if not run.usae_config_file.exists():
            train_usae(run, recipe, store, resume=resume, device=device, progress=progress)
    index(run, device=device, progress=progress)
    return run
