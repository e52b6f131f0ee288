"""The verb extract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    ProcessesOption,
    RecipeArgument,
    SetOption,
    ThreadsOption,
    VerifyOption,
    notes,
    print_json,
    print_plan,
    progress_bar,
    recipe_out,
    use_threads,
    verb,
)

SHOWN = 5
"""Images left out that are named for a person."""


@verb
def extract(
    recipe: RecipeArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Run to make: runs/NAME.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, how large, and stop.")
    ] = False,
    processes: ProcessesOption = 1,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    verify: VerifyOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write the backbones' activations on every image; a second call fills the gaps.

    With many processes: torchrun --nproc-per-node N -m usae_viz extract RECIPE.
    """
    from usae_viz.recipe import load_recipe

    resolved = load_recipe(recipe, sets or ())
    use_threads(threads)
    from usae_viz import workflow

    if dry_run:
        plan = workflow.plan(resolved, device=device, processes=processes, training=False)
        print_json(plan) if as_json else print_plan(plan)
        return
    with progress_bar() as progress:
        run, store = workflow.extract(
            resolved,
            recipe_out(resolved, out),
            device=device,
            verify=verify,
            progress=progress,
        )
    if store is None:
        # Of many ranks, the one that finds all shards written speaks for all.
        notes.print("this rank has written its share; others are still at work")
        return
    problems = store.manifest.problems
    table = {
        "run": str(run.path),
        "images": {split: len(store.ids(split)) for split in ("train", "validation")},
        "skipped": [{"image": where, "reason": reason} for where, reason in problems],
    }
    if as_json:
        print_json(table)
        return
    print(f"{len(store.ids('train'))} training and {len(store.ids('validation'))} held-out images")
    print(f"in {run.activations_dir}")
    for where, reason in problems[:SHOWN]:
        notes.print(f"left out: {where}: {reason}", markup=False)
    if len(problems) > SHOWN:
        notes.print(f"left out: {len(problems) - SHOWN} more; --json lists all")
