"""Verbs that make a run: train, extract, evaluate, index; and doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    notes,
    print_json,
    progress_bar,
    use_threads,
    verb,
)
from usae_viz.errors import UsageError
from usae_viz.recipe import BackboneSpec, Recipe, load_recipe

RecipeArgument = Annotated[Path, typer.Argument(help="A recipe file (TOML).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override: key=value, dotted; backbones.NAME.key=value."),
]


def _out(recipe: Recipe, out: Path | None) -> Path:
    return Path("runs") / recipe.name if out is None else out


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
    folder = _out(resolved, out)
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
        _print_evaluation(table)
        notes.print(f"run: {run.path}\nnext: usae-viz maximize --run {run.path} --concept K")


@verb
def extract(
    recipe: RecipeArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Run to make: runs/NAME.")] = None,
    sets: SetOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Write the backbones' activations on every image; a second call fills the gaps."""
    resolved = load_recipe(recipe, sets or ())
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        run, store = workflow.extract(
            resolved, _out(resolved, out), device=device, progress=progress
        )
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


@verb
def evaluate(
    run: RunOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Measure a run on its held-out images: R² across backbones, universality, dead concepts."""
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        table = workflow.evaluate(opened, device=device, progress=progress)
    if as_json:
        print_json(table)
    else:
        _print_evaluation(table)


@verb
def index(
    run: RunOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Index what each concept does over the run's images: statistics and natural examples."""
    opened = chosen_run(run)
    if run is None:
        raise UsageError("the bundled run is indexed already", expected="--run RUN")
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        made = workflow.index(opened, device=device, progress=progress)
    table = {"run": str(opened.path), "images": made.images, "dead": int(made.dead.sum())}
    if as_json:
        print_json(table)
    else:
        print(f"{made.concepts} concepts over {made.images} images, {int(made.dead.sum())} dead")


@verb
def doctor(
    model: Annotated[
        str | None, typer.Argument(help="timm:NAME: list its layers. Without: the environment.")
    ] = None,
    weights: Annotated[str | None, typer.Option("--weights", help="Local safetensors.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the environment, or list the layers of a network that a recipe can read."""
    from usae_viz import workflow

    if model is None:
        table: dict[str, Any] = workflow.environment()
        if as_json:
            print_json(table)
        else:
            for key, value in table.items():
                print(f"{key}: {value}")
        return
    from pydantic import ValidationError

    from usae_viz.backbones import describe_layers

    try:
        spec = BackboneSpec(name="backbone", model=model, weights=weights)
    except ValidationError:
        raise UsageError(
            f"{model!r} names no model", expected="timm:NAME, as in a recipe"
        ) from None
    rows = describe_layers(spec)
    if as_json:
        print_json({"model": model, "layers": rows})
        return
    grid = Table("index", "layer", "dim", "grid", "gradient reaches the pixels")
    for number, row in enumerate(rows):
        height, width = row["grid"]
        reaches = "yes" if row["gradient"] else "NO"
        grid.add_row(str(number), row["layer"], str(row["dim"]), f"{height}×{width}", reaches)
    Console().print(grid)


def _print_evaluation(table: dict[str, Any]) -> None:
    console = Console(highlight=False)
    names = table["backbones"]
    living = table["concepts"] - table["dead"]
    for kind, title in (
        ("channel", "R² (per channel): row = encoded from, column = decoded to"),
        ("scalar", "R² (scalar mean, as in the paper)"),
    ):
        matrix = Table("", *names, title=title, title_justify="left")
        for name, row in zip(names, table["r2"][kind], strict=True):
            matrix.add_row(name, *(f"{value:.3f}" for value in row))
        console.print(matrix)
    console.print(f"concepts: {table['concepts']}, dead: {table['dead']}")
    console.print(f"firing entropy above 0.9: {table['entropy']['above_0.9']} of {living} living")
    proportion = table["cofire"]["proportion"]
    console.print("co-fire: " + ", ".join(f"{n} {share:.3f}" for n, share in proportion.items()))
    console.print(
        f"co-fire above chance (median lift): {table['cofire']['lift']:.1f}; "
        f"log energy against log co-fire: r = {table['cofire']['energy_r']:.2f}"
    )
    pairs = Table("pair", "co-fire", "correlation of codes")
    for pair, share in table["cofire"]["pairs"].items():
        pairs.add_row(pair.replace("|", " · "), f"{share:.3f}", f"{table['correlation'][pair]:.3f}")
    console.print(pairs)
    if "world" in table:
        world = table["world"]
        console.print(
            f"known concepts found (AUC ≥ 0.9 in at least three backbones): "
            f"{world['recovered']} of {world['concepts']}"
        )
        wrong = world["colour_shared_with_colour_blind"]
        console.print(f"colours shared with the colour-blind: {', '.join(wrong) or 'none'}")
