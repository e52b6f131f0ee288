"""A training as it goes: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from usae_viz.cli.terminal import notes

if TYPE_CHECKING:
    from usae_viz.sae.trainer import Moment

PLAIN_SECONDS = 30.0
"""At most one line in this time where there is no terminal, but for new validations."""

Tell = Callable[[str, int, int], None]


class TrainingView:
    """What is drawn: bars of what is going on, figures of the training under them."""

    def __init__(self) -> None:
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=notes,
        )
        self.moment: Moment | None = None
        self._tasks: dict[str, Any] = {}

    def advance(self, what: str, done: int, total: int) -> None:
        """Move the bar of a job."""
        if what not in self._tasks:
            self._tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self._tasks[what], completed=done, total=total)

    def see(self, moment: Moment) -> None:
        """Take note of where the training is."""
        self.moment = moment
        self.advance("training", moment.step, moment.steps)

    def __rich__(self) -> RenderableType:
        return self.bars if self.moment is None else Group(self.bars, *figures_of(self.moment))


def figures_of(moment: Moment) -> list[RenderableType]:
    """Return the tables of a moment: figures of the last step, R² on held-out images."""
    facts = Table.grid(padding=(0, 2))
    for name, text in facts_of(moment).items():
        facts.add_row(name, text)
    tables: list[RenderableType] = [facts]
    seen = moment.validation
    if seen is not None:
        matrix = Table("", *moment.names, title="R² on held-out images", title_justify="left")
        for name, row in zip(moment.names, seen["r2"], strict=True):
            matrix.add_row(name, *(f"{value:.3f}" for value in row))
        tables.append(matrix)
    return tables


def facts_of(moment: Moment) -> dict[str, str]:
    """Return the figures of a moment as text, by name."""
    figures = moment.figures
    losses = {k: v for k, v in figures.items() if isinstance(v, float) and k not in HIDDEN}
    facts = {name: f"{value:.4f}" for name, value in losses.items()}
    if "learning_rate" in figures:
        facts["learning rate"] = f"{figures['learning_rate']:.2e}"
    if moment.validation is not None:
        facts["dead"] = str(moment.validation["dead"])
        facts["co-fire"] = f"{moment.validation['cofire']:.3f}"
        facts["correlation"] = f"{moment.validation['correlation']:.3f}"
    facts["tokens a second"] = f"{moment.tokens_per_second:,.0f}"
    left = moment.seconds_left
    facts["time left"] = "–" if left is None else clock(left)
    return facts


HIDDEN = ("learning_rate", "seconds")


def clock(seconds: float) -> str:
    """Return seconds as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def line_of(moment: Moment) -> str:
    """Return a moment as one line."""
    facts = [f"{name} {text}" for name, text in facts_of(moment).items()]
    seen: Mapping[str, Any] | None = moment.validation
    if seen is not None:
        own = " ".join(f"{row[i]:.3f}" for i, row in enumerate(seen["r2"]))
        facts.insert(0, f"own R² {own}")
    return f"step {moment.step} of {moment.steps}: " + ", ".join(facts)


@contextmanager
def training_view() -> Iterator[tuple[Tell | None, Callable[[Moment], None]]]:
    """Yield what to call with progress and with moments of the training."""
    if notes.is_terminal:
        view = TrainingView()
        with Live(view, console=notes, transient=True, refresh_per_second=4):
            yield view.advance, view.see
        if view.moment is not None:
            notes.print(*figures_of(view.moment), sep="\n")
        return
    told = -PLAIN_SECONDS
    validation: Mapping[str, Any] | None = None

    def tell(moment: Moment) -> None:
        nonlocal told, validation
        now = time.monotonic()
        if moment.validation is not validation or now - told > PLAIN_SECONDS:
            notes.print(line_of(moment), soft_wrap=True)
            told, validation = now, moment.validation

    yield None, tell
