"""The verb compare, and the tables it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    OutOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    print_json,
    use_threads,
    verb,
)
from usae_viz.cli.training_view import training_view

KINDS = {
    "universal": "this run",
    "seeds": "seed with seed",
    "untrained": "untrained",
    "random": "random",
}
UNITS = {
    "channels": "channels",
    "channels_of_other_images": "channels, other images",
    "independent": "independent SAEs",
    "universal": "this run",
    "universal_by_number": "this run, by number",
}
SHOWN = 20


@verb
def compare(
    run: RunOption = None,
    others: Annotated[
        list[Path] | None,
        typer.Option("--with", help="An independent run, twice or more; default: train them here."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of those trainings; default: the run's.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Held-out tokens, at most.")] = 131_072,
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Compare a run's concepts with independent SAEs, and with single channels."""
    opened = chosen_run(run).writing_to(out)
    use_threads(threads)
    from usae_viz import workflow
    from usae_viz.run import open_run

    with training_view() as (progress, watch):
        table = workflow.compare(
            opened,
            [open_run(path) for path in others or ()],
            steps=steps,
            tokens=tokens,
            device=device,
            progress=progress,
            watch=watch,
        )
    if as_json:
        print_json(table)
    else:
        print_comparison(table)


def print_comparison(table: dict[str, Any]) -> None:
    """Print the tables of a comparison."""
    console = Console(highlight=False)
    limits = table["thresholds"]
    console.print(f"{table['tokens']} tokens of {table['images']} held-out images")
    console.print(
        "Concepts matched one to one with those of SAEs of one backbone. Alike: cosine of rows ≥ "
        f"{limits['cosine']:g}, correlation of firing ≥ {limits['firing']:g}; lone: neither, with "
        "any concept of theirs."
    )
    grid = Table("", "", "alike", "cosine", "fire alike", "corr.", "lone", padding=(0, 1, 0, 0))
    for name, kinds in table["agreement"].items():
        for kind, title in KINDS.items():
            rows, firing = kinds[kind]["rows"], kinds[kind]["firing"]
            grid.add_row(
                name if kind == "universal" else "",
                title,
                f"{rows['share']:.2f}",
                f"{rows['mean']:.2f}",
                f"{firing['share']:.2f}",
                f"{firing['mean']:.2f}",
                f"{kinds[kind]['lone']:.2f}",
                end_section=kind == "random",
            )
    console.print(grid)
    if table["units"]:
        print_units(console, table["units"], limits["units"])
    lone = table["without_counterpart"]
    shown = ", ".join(
        f"{row['id']}" + (f" ({row['name']})" if row["name"] else "") for row in lone[:SHOWN]
    )
    console.print(
        f"{len(lone)} of {table['universal']} universal concepts have no counterpart in any "
        "independent SAE" + (f": {shown}{' …' if len(lone) > SHOWN else ''}" if lone else "")
    )


def print_units(console: Console, units: dict[str, Any], alike: float) -> None:
    """Print how many units two networks share, a row for each kind of unit."""
    pairs = list(next(iter(units.values()))["pairs"])
    console.print(
        "Units of different backbones that are each other's nearest: how many, and how many of "
        f"these of correlation ≥ {alike:g}."
    )
    grid = Table("", *(pair.replace("|", " · ") for pair in pairs), "all", padding=(0, 1, 0, 0))
    for kind, title in UNITS.items():
        found = [*units[kind]["pairs"].values(), units[kind]["all"]]
        grid.add_row(title, *(f"{each['count']}, {each['alike']}" for each in found))
    console.print(grid)
