"""The verb train."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.evaluate import print_evaluation
from usae_viz.cli.sweeps import of_the_store, sweep_points
from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    ProcessesOption,
    RecipeArgument,
    SetOption,
    ThreadsOption,
    notes,
    print_json,
    print_plan,
    recipe_out,
    use_threads,
    verb,
)
from usae_viz.cli.training_view import training_view
from usae_viz.errors import UsageError


@verb
def train(
    recipe: RecipeArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Run to make: runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, how large, and stop.")
    ] = False,
    processes: ProcessesOption = 1,
    grow: Annotated[
        Path | None,
        typer.Option(help="A trained run: fit only the recipe's further backbones to it."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Log to TensorBoard too; training.tensorboard.")
    ] = False,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a universal SAE: extract activations, train, index the concepts, evaluate.

    Keys of usae, training and the seed may be given several values: --set usae.k=16,32 trains a run
    each, over one store. Several processes: torchrun --nproc-per-node N -m usae_viz train RECIPE.
    """
    sets = [*(sets or ()), *(["training.tensorboard=true"] if tensorboard else [])]
    from usae_viz.recipe import load_recipe
    from usae_viz.run import open_run

    points = sweep_points(sets)
    recipes = {name: load_recipe(recipe, overrides) for name, overrides in points.items()}
    # What is varied need not suit the file's own values: only the store is made of this one.
    base = recipes[""] if "" in recipes else load_recipe(recipe, of_the_store(sets))
    if grow is not None and "" not in recipes:
        raise UsageError("--grow takes one value a key", got="several, by commas")
    if grow is not None and dry_run:
        raise UsageError(
            "--dry-run plans a training of all backbones",
            expected="--dry-run without --grow",
            hint="leave out one of them",
        )
    folder = recipe_out(base, out)
    use_threads(threads)
    from usae_viz import workflow

    if dry_run:
        plans = {
            name: workflow.plan(resolved, device=device, processes=processes)
            for name, resolved in recipes.items()
        }
        if as_json:
            print_json(plans.get("", plans))
            return
        for name, plan in plans.items():
            print_plan(plan, name)
        return
    with training_view() as (progress, watch):
        if "" not in recipes:
            table = workflow.sweep(
                base, recipes, folder,
                resume=resume, device=device, progress=progress, watch=watch,
            )  # fmt: skip
        else:
            run = workflow.train(
                base, folder,
                grow=None if grow is None else open_run(grow),
                resume=resume, device=device, progress=progress, watch=watch,
            )  # fmt: skip
            table = {}
            if first() and workflow.holds_out(base):
                table = workflow.evaluate(run, device=device, progress=progress)
    if not first():
        return
    if not table:
        notes.print("not evaluated: no image is held out (images.validation)")
        table = {"run": str(folder), "images": 0}
    if as_json:
        print_json(table)
    elif "sweep" in table:
        print_sweep(table)
    else:
        if table["images"]:
            print_evaluation(table)
        notes.print(f"run: {folder}\nnext: usae-viz maximize --run {folder} --concept K")


def first() -> bool:
    """Return whether this process speaks for all that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def print_sweep(table: dict[str, Any]) -> None:
    """Print the trainings of a sweep, one a row."""
    columns = ("own R²", "cross R²", "dead", "co-fire", "corr.", "steps", "seconds")
    grid = Table(title=f"in {table['sweep']}", title_justify="left")
    grid.add_column("run", no_wrap=True)
    for column in columns:
        grid.add_column(column)
    for row in table["runs"]:
        cross, correlation = (
            "–" if row[key] is None else f"{row[key]:.3f}" for key in ("cross_r2", "correlation")
        )
        grid.add_row(
            row["name"],
            f"{sum(row['own_r2']) / len(row['own_r2']):.3f}",
            cross,
            str(row["dead"]),
            f"{row['cofire']:.3f}",
            correlation,
            str(row["steps"]),
            f"{row['seconds']:.0f}",
        )
    Console(highlight=False).print(grid)
