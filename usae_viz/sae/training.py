"""Training a universal SAE from paired tokens: from a recipe to a checkpoint in the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, cast

from torch import Tensor

from usae_viz.errors import UsageError
from usae_viz.recipe import Recipe
from usae_viz.run import Run
from usae_viz.sae.checkpoint import save_usae
from usae_viz.sae.config import UsaeConfig
from usae_viz.sae.growing import GrowingStep, joined
from usae_viz.sae.initialisation import Sampled, first_tokens
from usae_viz.sae.modes import Ingredients, encoding, ingredients
from usae_viz.sae.ordering import number_concepts
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.sharding import ShardedStep, WholeBatch, shard_bounds
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.trainer import Step, Trainer, Watch
from usae_viz.sae.universal import UniversalSAE
from usae_viz.sae.validation import HeldOut

PER_ARCHETYPE = 8
"""Tokens that are clustered for each archetype."""

NUMBERING_BATCHES = 24
"""Batches that decide the numbering of the concepts."""


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


class TokenStore(Sampled, Protocol):
    """What training needs of an activation store."""

    def statistics(self) -> Mapping[str, Standardisation]:
        """Return the standardisation of every backbone's tokens."""
        ...

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled paired batches, of any floating type; `start` skips some."""
        ...


def train_usae(
    run: Run,
    recipe: Recipe,
    store: TokenStore,
    *,
    held_out: HeldOut | None = None,
    resume: bool = False,
    parts: Ingredients | None = None,
    device: str = "cpu",
    ranks: Ranks = ONE,
    watch: Watch | None = None,
    base: UniversalSAE | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> UniversalSAE:
    """Train as the recipe says and write the model into the run.

    Each step's line goes to ``training.jsonl``; every ``checkpoint_every`` steps all that a resume
    needs is written, atomically. A resumed training takes the same steps on the same batches as one
    that was never stopped, and ends with the same bytes (on one kind of processor; not if the
    clock, `max_minutes`, ends it).

    Args:
        run: where to write.
        recipe: dictionary, budget, seed.
        store: paired tokens.
        held_out: gives tokens of held-out images, to look at while training.
        resume: go on from the last checkpoint, if there is one.
        parts: in place of the mode's ingredients, for ablations.
        device: where to train.
        ranks: the processes that train together, each on its share of every batch.
        watch: called about twice a second with where the training is.
        base: a trained model that the recipe's further backbones join; it stays as it is.
        clock: seconds, for the budget in minutes and the log; ``time.process_time`` makes trainings
            comparable on a machine that has other work.

    Raises:
        CheckpointError: the checkpoint is damaged or belongs to other settings.
        TrainingError: a batch is not finite, or the training has diverged.
    """
    budget = recipe.training
    parts = ingredients(recipe.usae, budget) if parts is None else parts
    width = recipe.usae.concepts
    sharded = budget.parallel == "concepts" and ranks.count > 1
    if sharded:
        start, stop = shard_bounds(width, ranks.number, ranks.count)
        width, ranks = stop - start, WholeBatch(ranks.number, ranks.count)
    usae = empty_usae(recipe, parts, store, width).to(device)
    gather = None
    if sharded:
        if base is not None:
            raise UsageError("a run cannot be grown with its concepts sharded over processes")
        if recipe.usae.variant != "topk":
            raise UsageError(
                f"variant {recipe.usae.variant!r} cannot be sharded over processes",
                hint='training.parallel = "data" trains it on several',
            )
        shard = _sharded(usae, parts, store, recipe, ranks)
        step, gather = cast(Step, shard), shard.gather
    elif base is None:
        step = first_step(usae, parts, store, recipe, ranks)
    else:
        step = _growing(base, usae, parts, store, recipe, ranks)
    trainer = Trainer(
        run, step, budget, held_out=held_out, ranks=ranks, watch=watch, clock=clock, gather=gather
    )
    if resume:
        trainer.resume()
    batches = store.token_batches(
        budget.batch_tokens,
        seed=recipe.seed,
        buffer_images=budget.buffer_images,
        start=trainer.done,
    )
    trainer.train(batches)
    usae = trainer.result().cpu()
    if base is None:
        number_concepts(usae, (next(batches) for _ in range(NUMBERING_BATCHES)), parts.prefixes)
    if ranks.first:
        finish_training(run, recipe, usae, trainer, parts)
    return usae.eval().requires_grad_(False)


def empty_usae(
    recipe: Recipe, parts: Ingredients, store: TokenStore, concepts: int
) -> UniversalSAE:
    """Return a model of a recipe before any row is set, standardised as its store says."""
    statistics = store.statistics()
    usae = UniversalSAE(
        {name: len(values.mean) for name, values in statistics.items()},
        concepts,
        recipe.usae.k,
        recipe.concepts.tau,
        encoding=encoding(parts),
        gate=parts.gate,
    )
    for name, values in statistics.items():
        usae.set_standardisation(name, values.mean, values.scale)
    return usae


def first_step(
    usae: UniversalSAE, parts: Ingredients, store: TokenStore, recipe: Recipe, ranks: Ranks
) -> Step:
    """Return the step that a training begins with: the model's first rows are set."""
    step = TrainingStep(
        usae, parts, seed=recipe.seed, ranks=ranks, precision=recipe.training.precision
    )
    if parts.archetypes:
        count = max(usae.concepts, PER_ARCHETYPE * parts.archetypes)
        step.initialise(store.sample(count, seed=recipe.seed))
    else:
        step.initialise(first_tokens(store, usae.concepts, parts.init, recipe.seed))
    return step


def _sharded(
    usae: UniversalSAE, parts: Ingredients, store: TokenStore, recipe: Recipe, ranks: Ranks
) -> ShardedStep:
    width = recipe.usae.concepts
    step = ShardedStep(usae, width, parts, seed=recipe.seed, ranks=ranks)
    step.initialise(first_tokens(store, width, parts.init, recipe.seed))
    return step


def _growing(
    base: UniversalSAE,
    usae: UniversalSAE,
    parts: Ingredients,
    store: TokenStore,
    recipe: Recipe,
    ranks: Ranks,
) -> Step:
    new = joined(base, usae)
    step = GrowingStep(usae, new, parts, seed=recipe.seed, ranks=ranks)
    step.initialise(store.sample(4 * usae.concepts, seed=recipe.seed))
    return step


def finish_training(
    run: Run, recipe: Recipe, usae: UniversalSAE, trainer: Trainer, parts: Ingredients
) -> None:
    """Write a trained model into its run and drop the checkpoint that led to it."""
    config = UsaeConfig(
        dims=usae.dims,
        concepts=usae.concepts,
        k=usae.k,
        tau=usae.tau,
        mode=recipe.usae.mode,
        encoding=usae.encoding,
        variant=recipe.usae.variant,
        gate=usae.gate,
        prefixes=parts.prefixes,
        steps=trainer.done,
        seconds=round(trainer.seconds, 3),
    )
    save_usae(run, usae, config)
    run.training_state.unlink(missing_ok=True)
    for rank in range(trainer.ranks.count):
        for path in run.shard_states(rank).values():
            path.unlink(missing_ok=True)
