"""From a recipe to a trained and indexed run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.errors import RunError
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.sae.trainer import Watch
from usae_viz.sae.training import train_usae
from usae_viz.sae.validation import HeldOut
from usae_viz.workflow.extraction import extract
from usae_viz.workflow.indexing import index
from usae_viz.workflow.progress import Progress

LOOK_IMAGES = 16
"""Held-out images whose codes are held at once."""


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Run:
    """Extract, train and index; `evaluate` is a call of its own.

    Args:
        recipe: what to train, on what.
        out: the run's directory.
        resume: go on from the last checkpoint of the training loop.
        device: where backbones and training run.
        progress: called with what is going on, done, total.
        watch: called about twice a second with where the training is.

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
            train_usae(
                run,
                recipe,
                store,
                held_out=held_out_tokens(store, recipe.training.validation_images),
                resume=resume,
                device=device,
                watch=watch,
            )
    index(run, device=device, progress=progress)
    return run


def held_out_tokens(store: ActivationStore, images: int) -> HeldOut | None:
    """Return what gives the tokens of up to `images` held-out images; None if there is none."""
    if not store.ids("validation"):
        return None

    def tokens() -> Iterator[Mapping[str, Tensor]]:
        size = min(LOOK_IMAGES, images)
        for _, rows in islice(store.image_batches("validation", size), -(-images // size)):
            yield {name: values.flatten(0, 1) for name, values in rows.items()}

    return tokens
