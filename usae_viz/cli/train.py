"""The verb train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from usae_viz.cli.evaluate import print_evaluation
from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    RecipeArgument,
    SetOption,
    ThreadsOption,
    notes,
    print_json,
    progress_bar,
    recipe_out,
    use_threads,
    verb,
)
from usae_viz.recipe import load_recipe


@verb
def train(
    recipe: RecipeArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Run to make: runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, how large, and stop.")
    ] = False,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a universal SAE: extract activations, train, index the concepts, evaluate."""
    resolved = load_recipe(recipe, sets or ())
    folder = recipe_out(resolved, out)
    use_threads(threads)
    from usae_viz import workflow

    if dry_run:
        plan = workflow.plan(resolved)
        if as_json:
            print_json(plan)
        else:
            Console(highlight=False).print(
                "\n".join(f"{key}: {value}" for key, value in plan.items())
            )
        return
    with progress_bar() as progress:
        run = workflow.train(resolved, folder, resume=resume, device=device, progress=progress)
        table = workflow.evaluate(run, device=device, progress=progress)
    if as_json:
        print_json(table)
    else:
        print_evaluation(table)
        notes.print(f"run: {run.path}\nnext: usae-viz maximize --run {run.path} --concept K")
