"""How fast this machine does a recipe's work, measured on a few of its images."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from usae_viz.activations import ActivationStore
from usae_viz.activations import extract as extract_activations
from usae_viz.backbones import Backbone
from usae_viz.backbones.device import open_device
from usae_viz.images import open_source
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.sae.average import finished_copy
from usae_viz.sae.modes import ingredients
from usae_viz.sae.ordering import number_concepts
from usae_viz.sae.ranks import ONE
from usae_viz.sae.state import Stateful, save_state
from usae_viz.sae.trainer import Trainer
from usae_viz.sae.training import NUMBERING_BATCHES, empty_usae, first_step
from usae_viz.sae.validation import validate
from usae_viz.workflow.backbones import describe_run
from usae_viz.workflow.training import held_out_tokens

SECONDS = 4.0
"""How long extraction and steps are each measured, after what warms up."""
BATCHES = 4
"""Batches of images that are measured at least: the pipeline has to fill."""
WARM_STEPS = 3
NUMBERED = 2
"""Batches by which numbering the concepts is measured."""

Clock = Callable[[], float]
"""Gives seconds, like ``time.perf_counter``."""


class Pace(NamedTuple):
    """Seconds of wall time.

    Attributes:
        image: extraction, an image: decoding, all networks, statistics, writing.
        step: of training, with its batch read from the store.
        look: at held-out images, once.
        save: of a checkpoint, once.
        ends: the first rows before, the numbering of the concepts after a training.
        images: how many images it was measured on.
        steps: how many steps.
    """

    image: float
    step: float
    look: float
    save: float
    ends: float
    images: int
    steps: int


def calibrate(
    recipe: Recipe,
    backbones: Mapping[str, Backbone],
    images: tuple[int, int],
    *,
    device: str,
    training: bool = True,
    clock: Clock = time.perf_counter,
) -> Pace:
    """Extract a few of the recipe's images into a temporary folder, and train on them.

    Args:
        recipe: what would be done.
        backbones: the recipe's, loaded.
        images: how many there are to train on, and how many held out.
        device: where training would run.
        training: measure it; else only extraction.
        clock: gives seconds.
    """
    size, available = recipe.activations.batch_images, sum(images)
    # The rest of a buffer that is no whole batch is left out, and some images are held out.
    whole = (
        recipe.training.batch_tokens / recipe.activations.grid**2 / (1 - recipe.images.validation)
    )
    least = min(available, max(BATCHES * size, round(1.2 * whole) + 4))
    with tempfile.TemporaryDirectory(prefix="usae-viz-plan-") as place:
        _, warm = _extract(recipe, backbones, Path(place) / "warm", min(size, available), clock)
        once = warm / min(size, available)
        count = min(available, max(least, round(SECONDS / once)))
        run, seconds = _extract(recipe, backbones, Path(place) / "run", count, clock)
        pace = Pace(seconds / count, 0.0, 0.0, 0.0, 0.0, count, 0)
        if not training:
            return pace
        looked = min(recipe.training.validation_images, images[1])
        return _train(recipe, run, device, pace, looked, clock)


def _extract(
    recipe: Recipe, backbones: Mapping[str, Backbone], folder: Path, images: int, clock: Clock
) -> tuple[Run, float]:
    some = recipe.images.model_copy(update={"limit": images})
    limited = recipe.model_copy(update={"images": some})
    source = open_source(some)
    run = Run.create(folder, limited, describe_run(limited, backbones, source))
    return run, _timed(lambda: extract_activations(run, limited, backbones, source), clock)


def _train(recipe: Recipe, run: Run, device: str, pace: Pace, looked: int, clock: Clock) -> Pace:
    store = ActivationStore(run.activations_dir)
    parts = ingredients(recipe.usae, recipe.training)
    usae = empty_usae(recipe, parts, store, recipe.usae.concepts).to(open_device(device))
    began = clock()
    step = first_step(usae, parts, store, recipe, ONE)
    began = clock() - began

    def take(steps: int) -> float:
        wanted = {"steps": steps, "validate_every": 0, "checkpoint_every": steps + 1}
        budget = recipe.training.model_copy(
            update={**wanted, "max_minutes": None, "patience": None, "tensorboard": False}
        )
        trainer = Trainer(run, step, budget, clock=clock)
        batches = store.token_batches(
            budget.batch_tokens, seed=recipe.seed, buffer_images=budget.buffer_images
        )
        trainer.train(batches)
        return trainer.seconds

    take(WARM_STEPS)
    once = take(WARM_STEPS) / WARM_STEPS
    steps = max(2, min(400, round(SECONDS / once)))
    pace = pace._replace(step=take(steps) / steps, steps=steps)
    training = recipe.training
    held_out = held_out_tokens(store, training.validation_images)
    if training.validate_every and held_out is not None:
        share = min(1.0, len(store.ids("validation")) / looked)
        pace = pace._replace(
            look=_timed(lambda: validate(finished_copy(step, None), held_out), clock) / share
        )
    if training.checkpoint_every <= training.steps:
        pieces: dict[str, Stateful] = {"step": step, "optimiser": step.optimiser}
        pace = pace._replace(save=_timed(lambda: save_state(run.training_state, pieces, {}), clock))
    batches = store.token_batches(
        training.batch_tokens, seed=recipe.seed, buffer_images=training.buffer_images
    )
    few, model = [next(batches) for _ in range(NUMBERED)], finished_copy(step, None).cpu()
    # What is slow in a process's first call is no share of each batch.
    number_concepts(model, iter(few[:1]), parts.prefixes)
    numbering = _timed(lambda: number_concepts(model, iter(few), parts.prefixes), clock)
    return pace._replace(ends=began + numbering * NUMBERING_BATCHES / NUMBERED)


def _timed(work: Callable[[], object], clock: Clock) -> float:
    started = clock()
    work()
    return clock() - started
