"""From images to the activation store."""

from __future__ import annotations

from pathlib import Path

from usae_viz.activations import ActivationStore
from usae_viz.activations import extract as extract_activations
from usae_viz.images import open_source
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.workflow.backbones import describe_run, load_backbones
from usae_viz.workflow.progress import Progress


def extract(
    recipe: Recipe, out: Path, *, device: str = "cpu", progress: Progress | None = None
) -> tuple[Run, ActivationStore]:
    """Make the run and write its activation store; what is there already is kept.

    Raises:
        UsaeVizError: a backbone, the images or the folder are not usable; nothing is half-written.
    """
    source = open_source(recipe.images)
    backbones = load_backbones(recipe, device)
    run = Run.create(out, recipe, describe_run(recipe, backbones, source))
    with run.lock():
        store = extract_activations(run, recipe, backbones, source, progress=progress)
    return run, store
