"""What every verb shares: results on stdout, the rest on stderr, exit codes, options."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from usae_viz.errors import UsaeVizError, UsageError

if TYPE_CHECKING:
    # Not loaded for a verb's help: pydantic takes longer than all the rest of it.
    from usae_viz.recipe import Recipe
    from usae_viz.run import Run

P = ParamSpec("P")
R = TypeVar("R")

RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run", help="A run directory, hf://OWNER/NAME, or a bundled one; default: world."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads; default: torch's own.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps …")]
RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file (TOML).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override: key=value, dotted; backbones.NAME.key=value."),
]
VerifyOption = Annotated[
    bool,
    typer.Option(help="Read the bytes of shards that are there already, not only their headers."),
]
ProcessesOption = Annotated[
    int, typer.Option("--processes", min=1, help="--dry-run: how many would share the work.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder to write to.")]

notes = Console(stderr=True, highlight=False)
"""For people: progress, notes and errors."""


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into a message on stderr and an exit code: 1, 2 for usage, 130 for Ctrl-C."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UsaeVizError as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                # The reader of our output has gone; leave nothing for the interpreter to flush.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            else:
                print(f"error: {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(1) from None

    return wrapped


def use_threads(count: int | None) -> None:
    """Set torch's CPU threads, if a number was asked for."""
    if count is not None:
        import torch

        torch.set_num_threads(count)


def quiet_hub() -> None:
    """Keep `huggingface_hub` from drawing bars where nobody watches."""
    if not notes.is_terminal:
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()


def chosen_run(path: Path | None) -> Run:
    """Open the run that ``--run`` names, or the bundled one."""
    from usae_viz.run import demo_run, open_run

    return demo_run() if path is None else open_run(path)


def print_json(table: Any) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(table, allow_nan=False))


def print_plan(plan: dict[str, Any], name: str = "") -> None:
    """Print what a job would take: images, networks, bytes, memory, time."""
    held_out = f", of which {plan['validation']:,} are held out" if plan["validation"] else ""
    rows = [("images", f"{plan['images']:,}{held_out}: {plan['tokens']:,} tokens")]
    rows += list(plan["backbones"].items())
    disk = [f"activations {_megabytes(plan['activations_megabytes'])}"]
    memory = [("memory, extracting", plan["extraction_memory_megabytes"])]
    times = [f"extracting {_duration(plan['extraction_seconds'])}"]
    if "steps" in plan:
        disk.append(f"checkpoint {_megabytes(plan['checkpoint_megabytes'])}")
        disk.append(
            f"USAE {_megabytes(plan['usae_megabytes'])} ({plan['usae_parameters']:,} parameters)"
        )
        memory.append(("memory, training", plan["memory_megabytes"]))
        times.append(
            f"training {_duration(plan['training_seconds'])} ({plan['steps']:,} steps of "
            f"{plan['step_milliseconds']:.3g} ms, {plan['epochs']:.3g} epochs)"
        )
    rows += [("", ""), ("on disk", ", ".join(disk))]
    for what, sizes in memory:
        parts = ", ".join(f"{part.replace('_', ' ')} {size:,.0f}" for part, size in sizes.items()
                          if part != "together" and size >= 0.5)  # fmt: skip
        rows.append((what, f"{_megabytes(sizes['together'])} ({parts})"))
    rows.append(("time", ", ".join(times)))
    if plan["processes"] > 1:
        rows.append(("processes", str(plan["processes"])))
    rows += [("", ""), ("assumed", plan["assumed"])]
    grid = Table.grid(padding=(0, 2))
    grid.title, grid.title_justify = f"{name or plan['run']} would take", "left"
    for what, text in rows:
        grid.add_row(what, text)
    Console(highlight=False).print(grid)


def _megabytes(count: float) -> str:
    return f"{count / 1000:,.1f} GB" if count >= 1000 else f"{count:,.1f} MB"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def recipe_out(recipe: Recipe, out: Path | None) -> Path:
    """Return the folder of the run that a recipe makes: ``--out``, or ``runs/NAME``."""
    return Path("runs") / recipe.name if out is None else out


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a callback ``(what, done, total)`` that draws bars; None if stderr is no terminal."""
    if not notes.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield advance
