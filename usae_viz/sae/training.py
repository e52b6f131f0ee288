"""Training a universal SAE from an activation store: steps, schedule, checkpoints, log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor

from usae_viz.recipe import Recipe
from usae_viz.run import Run, write_text
from usae_viz.sae.checkpoint import UsaeConfig, save_usae
from usae_viz.sae.modes import Ingredients, ingredients
from usae_viz.sae.ordering import number_concepts
from usae_viz.sae.state import load_state, save_state
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.universal import UniversalSAE

NUMBERING_BATCHES = 24
"""Batches that decide the numbering of the concepts."""

Progress = Callable[[str, int, int], None]


class Standardisation(Protocol):
    """Mean per channel and one scale."""

    @property
    def mean(self) -> Tensor:
        """``[dim]``."""
        ...

    @property
    def scale(self) -> float:
        """Above 0."""
        ...


class TokenStore(Protocol):
    """What training needs of an activation store."""

    def statistics(self) -> Mapping[str, Standardisation]:
        """Return the standardisation of every backbone's tokens."""
        ...

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return paired random tokens ``[n, dim]`` per backbone."""
        ...

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled paired batches; `start` skips some."""
        ...


def train_usae(
    run: Run,
    recipe: Recipe,
    store: TokenStore,
    *,
    resume: bool = False,
    parts: Ingredients | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> UniversalSAE:
    """Train as the recipe says and write the model into the run.

    Every ``log_every`` steps a line goes to ``training.jsonl``; every ``checkpoint_every`` steps
    all that a resume needs is written, atomically. A resumed training takes the same steps on the
    same batches as one that was never stopped.

    Args:
        run: where to write.
        recipe: dictionary, budget, seed.
        store: paired tokens.
        resume: go on from the last checkpoint, if there is one.
        parts: in place of the mode's ingredients, for ablations.
        device: where to train.
        progress: called with what is going on, steps done, steps in all.
        clock: measures the budget, in seconds; ``time.process_time`` makes trainings comparable
            that share a machine with other work.

    Raises:
        CheckpointError: the checkpoint is damaged or belongs to other settings.
    """
    budget = recipe.training
    parts = ingredients(recipe.usae, budget) if parts is None else parts
    statistics = store.statistics()
    dims = {name: len(values.mean) for name, values in statistics.items()}
    usae = UniversalSAE(dims, recipe.usae.concepts, recipe.usae.k, recipe.concepts.tau)
    for name, values in statistics.items():
        usae.set_standardisation(name, values.mean, values.scale)
    usae.to(device)
    sample = (
        store.sample(recipe.usae.concepts, seed=recipe.seed) if parts.init == "paired" else None
    )
    step = TrainingStep(usae, parts, seed=recipe.seed)
    step.initialise(sample)
    done, spent = 0, 0.0
    if resume and run.training_state.exists():
        done, spent = load_state(run.training_state, step)
        _cut_log(run, done)
    elif run.training_log.exists():
        run.training_log.unlink()
    batches = store.token_batches(
        budget.batch_tokens, seed=recipe.seed, buffer_images=budget.buffer_images, start=done
    )
    started = clock() - spent
    limit = None if budget.max_minutes is None else 60 * budget.max_minutes
    while done < budget.steps:
        spent = clock() - started
        share = done / budget.steps if limit is None else max(done / budget.steps, spent / limit)
        if share >= 1:
            break
        report = step(next(batches), share)
        done += 1
        if done % budget.log_every == 0 or done == budget.steps:
            _log(run, {"step": done, "seconds": round(spent, 3), **report()})
        if done % budget.checkpoint_every == 0:
            save_state(run.training_state, step, done, clock() - started)
        if progress:
            progress("training", done, budget.steps)
    step.finish()
    some = (next(batches) for _ in range(NUMBERING_BATCHES))
    number_concepts(usae.cpu(), some)
    seconds = clock() - started
    config = UsaeConfig(
        dims=usae.dims,
        concepts=usae.concepts,
        k=usae.k,
        tau=usae.tau,
        mode=recipe.usae.mode,
        steps=done,
        seconds=round(seconds, 3),
    )
    save_usae(run, usae, config)
    run.training_state.unlink(missing_ok=True)
    return usae


def _cut_log(run: Run, done: int) -> None:
    """Drop lines of steps after the checkpoint: they are about to be taken again."""
    if run.training_log.exists():
        lines = run.training_log.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= done]
        write_text(run.training_log, "".join(kept))


def _log(run: Run, row: dict[str, Any]) -> None:
    run.training_log.parent.mkdir(parents=True, exist_ok=True)
    with run.training_log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
