"""From images to the activation store."""

from __future__ import annotations

from pathlib import Path

from usae_viz.activations import ActivationStore, ActivationStream
from usae_viz.activations import extract as extract_activations
from usae_viz.images import open_source
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.workflow.backbones import describe_run, load_backbones
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.ranks import this_rank


def extract(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    verify: bool = True,
    progress: Progress | None = None,
) -> tuple[Run, ActivationStore | None]:
    """Make the run and write its activation store; what is there already is kept.

    Under torchrun each rank writes its share of the shards; see `activations.extract`.

    Args:
        recipe: what to read, how.
        out: the run's directory.
        device: where the backbones run; ``cuda`` is each rank's own GPU.
        verify: read the bytes of shards that are kept, not only their headers.
        progress: called with what is going on, done, total.

    Returns:
        The run, and its store; None for the store if other ranks are still to write theirs.

    Raises:
        UsaeVizError: a backbone, the images or the folder are not usable; nothing is half-written.
    """
    rank = this_rank()
    source = open_source(recipe.images)
    backbones = load_backbones(recipe, rank.device(device))
    run = Run.create(out, recipe, describe_run(recipe, backbones, source))
    with run.lock(shared=rank.total > 1):
        store = extract_activations(
            run,
            recipe,
            backbones,
            source,
            rank=rank.number,
            ranks=rank.total,
            verify=verify,
            progress=progress,
        )
    return run, store


def open_tokens(
    recipe: Recipe, out: Path, *, device: str = "cpu", progress: Progress | None = None
) -> tuple[Run, ActivationStore | ActivationStream | None]:
    """Return what a training reads: the store, extracted first, or the networks themselves.

    The recipe says which, by ``activations.store``. The rest is as of `extract`.
    """
    if recipe.activations.store:
        return extract(recipe, out, device=device, progress=progress)
    source = open_source(recipe.images)
    backbones = load_backbones(recipe, this_rank().device(device))
    run = Run.create(out, recipe, describe_run(recipe, backbones, source))
    return run, ActivationStream(recipe, backbones, source, run.activations_dir)
