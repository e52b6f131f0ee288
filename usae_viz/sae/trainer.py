"""The loop of a training: steps, clock, log, validation, checkpoints, stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from usae_viz.errors import TrainingError
from usae_viz.recipe import TrainingSpec
from usae_viz.run import Run
from usae_viz.sae.archetypes import Archetypes
from usae_viz.sae.average import Average, finished_copy
from usae_viz.sae.board import Board
from usae_viz.sae.log import Report, TrainingLog
from usae_viz.sae.optimiser import Optimiser
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.state import Stateful, load_state, save_state
from usae_viz.sae.universal import UniversalSAE
from usae_viz.sae.validation import HeldOut, Patience, validate

FLUSH_SECONDS = 0.5
"""How long lines of the log are kept back."""


class Step(Protocol):
    """One optimiser step and the state around it; see `step.TrainingStep`."""

    usae: UniversalSAE
    norms: nn.ModuleList | None
    archetypes: Archetypes | None
    optimiser: Optimiser

    def __call__(self, batch: Mapping[str, Tensor], share: float) -> Report:
        """Take a step on raw tokens at a share of the budget."""
        ...

    def finish(self) -> None:
        """Fold what only training needs into the model."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return what a resume needs besides the optimiser."""
        ...

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take it back."""
        ...


@dataclass(frozen=True)
class Moment:
    """Where a training is, for whoever watches.

    Attributes:
        names: the backbones.
        step: steps taken.
        steps: steps in all, if the clock does not end it first.
        share: of the budget that is spent, in [0, 1].
        seconds: of training so far, without validation.
        tokens_per_second: tokens of one backbone, over the training so far.
        figures: losses and learning rate of the last logged step.
        validation: the last look at held-out images (see `validation.validate`), if there was one.
    """

    names: tuple[str, ...]
    step: int
    steps: int
    share: float
    seconds: float
    tokens_per_second: float
    figures: Mapping[str, Any]
    validation: Mapping[str, Any] | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest will take at this pace; None before the first step."""
        return self.seconds * (1 - self.share) / self.share if self.share > 0 else None


Watch = Callable[[Moment], None]


class Trainer:
    """Takes steps until the budget is spent or nothing improves.

    Every rank runs one; the first writes the log and the checkpoints and looks at held-out images.

    Args:
        run: where to write.
        step: the step and its model.
        budget: steps, clock, and how often to log, look and save.
        held_out: gives held-out tokens; None trains without looking.
        ranks: the processes that train together.
        watch: called about twice a second with where the training is.
        clock: gives seconds, for the budget in minutes and the log.
        gather: makes the whole model of the parts that the ranks hold; then each writes its own
            checkpoint. None: every rank holds the whole.
    """

    def __init__(
        self,
        run: Run,
        step: Step,
        budget: TrainingSpec,
        *,
        held_out: HeldOut | None = None,
        ranks: Ranks = ONE,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.perf_counter,
        gather: Callable[[UniversalSAE], UniversalSAE] | None = None,
    ) -> None:
        self.run, self.step, self.budget = run, step, budget
        self.held_out, self.ranks, self.watch, self.clock = held_out, ranks, watch, clock
        self.gather = gather
        self.done, self.seconds, self.share = 0, 0.0, 0.0
        self.validation: dict[str, Any] | None = None
        self.patience = Patience(budget.patience)
        self.average = Average(step, budget.average) if budget.average else None
        self.log = TrainingLog(run.training_log)

    def resume(self) -> None:
        """Go on from the run's checkpoint, if there is one, else start anew.

        Raises:
            CheckpointError: it is damaged or belongs to other settings.
        """
        path: Path | None = self.run.training_state
        if self.gather is not None:
            # Of a training that was killed while it saved, some ranks may have the later part.
            states = self.run.shard_states(self.ranks.number)
            both = self.ranks.common(set(states))
            path = states[max(both)] if both else None
        if path is not None and path.exists():
            progress = load_state(path, self._parts())
            self.done, self.seconds = int(progress["done"]), float(progress["seconds"])
            self.validation = progress["validation"]
            if progress["score"] is not None:
                self.patience.score = progress["score"]
            self.patience.since = int(progress["since"])
        self.ranks.wait()

    def train(self, batches: Iterator[Mapping[str, Tensor]]) -> None:
        """Take the steps that are left.

        Args:
            batches: paired raw tokens per backbone, endless, from the first step not yet taken.

        Raises:
            TrainingError: a batch is not finite and the recipe says to stop, or the training has
                diverged; the last checkpoint is left as it was.
        """
        budget = self.budget
        if self.ranks.first:
            self.log.start(self.done)
            if budget.tensorboard:
                names = self.step.usae.names
                self.log.board = Board(self.run.tensorboard_dir, names, self.done)
        flushed = time.perf_counter()
        try:
            while self.done < budget.steps and not self.patience.over:
                self.share = self._share()
                if self.share >= 1:
                    break
                started = self.clock()
                line, report = self._take(next(batches))
                self.done += 1
                self.seconds += self.clock() - started
                looked = None
                if self.held_out is not None and self._due(budget.validate_every):
                    looked = line["validation"] = self._look()
                if self._due(budget.log_every) or looked or self.done == budget.steps:
                    self.log.add(
                        {"step": self.done, "seconds": round(self.seconds, 3), **line}, report
                    )
                now = time.perf_counter()
                if now - flushed > FLUSH_SECONDS:
                    self._flush()
                    flushed = now
                if self._due(budget.checkpoint_every):
                    self._save()
        finally:
            self._flush()
            if self.log.board is not None:
                self.log.board.close()

    def result(self) -> UniversalSAE:
        """Return the trained model: averaged or the best seen, if the recipe says so."""
        usae = self._whole()
        if self.patience.over and self.patience.best is not None:
            usae.load_state_dict(self.patience.best)
        return usae

    def _take(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, Any], Report | None]:
        bad = [name for name, tokens in batch.items() if not _finite(tokens)]
        if bad and self.budget.non_finite == "stop":
            self._save()
            raise TrainingError(
                f"batch {self.done + 1} holds tokens of {', '.join(bad)} that are not finite",
                hint='extract again, or leave such batches out: training.non_finite = "skip" '
                "with --resume goes on from here",
            )
        if bad:
            return {"skipped": bad}, None
        report = self.step(self.ranks.share_of(batch), self.share)
        if self.average is not None:
            self.average.update(self.step)
        return {}, report

    def _share(self) -> float:
        share = self.done / self.budget.steps
        if self.budget.max_minutes is None:
            return share
        return self.ranks.agree(max(share, self.seconds / (60 * self.budget.max_minutes)))

    def _due(self, every: int) -> bool:
        return every > 0 and self.done % every == 0

    def _look(self) -> dict[str, Any] | None:
        """Validate on the first rank; every rank learns the score, and so when to stop."""
        assert self.held_out is not None
        usae = self._whole()
        if self.ranks.first:
            self.validation = validate(usae, self.held_out)
        score = self.validation["score"] if self.validation is not None else 0.0
        self.patience.see(self.ranks.agree(score), usae)
        return self.validation

    def _whole(self) -> UniversalSAE:
        usae = finished_copy(self.step, self.average)
        return usae if self.gather is None else self.gather(usae)

    def _flush(self) -> None:
        figures = self.log.flush(write=self.ranks.first)
        if figures is not None and self.watch is not None:
            tokens = self.done * self.budget.batch_tokens
            self.watch(
                Moment(
                    names=self.step.usae.names,
                    step=self.done,
                    steps=self.budget.steps,
                    share=min(1.0, max(self.share, self.done / self.budget.steps)),
                    seconds=self.seconds,
                    tokens_per_second=tokens / max(self.seconds, 1e-9),
                    figures=figures,
                    validation=self.validation,
                )
            )

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = {
            "step": self.step,
            "optimiser": self.step.optimiser,
            "best": self.patience,
        }
        if self.average is not None:
            parts["average"] = self.average
        return parts

    def _save(self) -> None:
        if not self.ranks.first and self.gather is None:
            return
        self._flush()
        progress = {
            "done": self.done,
            "seconds": self.seconds,
            "validation": self.validation,
            "score": self.patience.score if self.validation is not None else None,
            "since": self.patience.since,
        }
        if self.gather is None:
            save_state(self.run.training_state, self._parts(), progress)
            return
        older = self.run.shard_states(self.ranks.number)
        number = self.ranks.number
        save_state(self.run.shard_state(number, self.done), self._parts(), progress)
        self.ranks.wait()
        for done, path in older.items():
            if done != self.done:
                path.unlink()


def _finite(tokens: Tensor) -> bool:
    # In float32: a sum of float16 numbers soon leaves their range.
    return bool(tokens.sum(dtype=torch.float32).isfinite())
