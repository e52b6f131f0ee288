"""The verb evaluate, and the tables it prints."""

from __future__ import annotations

from collections.abc import Sequence
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
    print_json,
    use_threads,
    verb,
)
from usae_viz.cli.training_view import training_view


@verb
def evaluate(
    run: RunOption = None,
    images: Annotated[
        str | None,
        typer.Option(help="Other images, as folder:PATH; default: held-out ones."),
    ] = None,
    controls: Annotated[
        bool,
        typer.Option("--controls", help="Compare with an untrained model and SAEs trained alone."),
    ] = False,
    control_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of those trainings; default: the run's.")
    ] = None,
    replicates: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap over images; 0: no intervals.")
    ] = 200,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Measure a run on held-out or other images: R² across backbones, universality, controls."""
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow

    with training_view() as (progress, watch):
        table = workflow.evaluate(
            opened,
            images=images,
            controls=controls,
            control_steps=control_steps,
            replicates=replicates,
            device=device,
            progress=progress,
            watch=watch,
        )
    if as_json:
        print_json(table)
    else:
        print_evaluation(table)


def print_evaluation(table: dict[str, Any]) -> None:
    """Print the tables of an evaluation."""
    console = Console(highlight=False)
    names = table["backbones"]
    living = table["concepts"] - table["dead"]
    console.print(f"{table['images']} images, {table['source']}")
    intervals = table.get("intervals")
    for kind, title in (
        ("channel", "R² (per channel): row = encoded from, column = decoded to"),
        ("scalar", "R² (scalar mean, as in the paper)"),
    ):
        spread = intervals["r2"][kind] if intervals else None
        print_matrix(console, title, names, table["r2"][kind], spread)
    if "mse" in table:
        print_matrix(console, "squared error per channel, standardised", names, table["mse"], None)
    console.print(f"concepts: {table['concepts']}, dead: {table['dead']}")
    console.print(f"firing entropy above 0.9: {table['entropy']['above_0.9']} of {living} living")
    shares = intervals["cofire"] if intervals else {}
    console.print(
        "co-fire: "
        + ", ".join(
            f"{name} {with_interval(share, shares.get(name))}"
            for name, share in table["cofire"]["proportion"].items()
        )
    )
    console.print(
        f"co-fire above chance (median lift): {table['cofire']['lift']:.1f}; "
        f"log energy against log co-fire: r = {table['cofire']['energy_r']:.2f}"
    )
    spread = intervals["correlation"] if intervals else {}
    pairs = Table("pair", "co-fire", "correlation of codes")
    for pair, share in table["cofire"]["pairs"].items():
        correlation = with_interval(table["correlation"][pair], spread.get(pair))
        pairs.add_row(pair.replace("|", " · "), f"{share:.3f}", correlation)
    if table["cofire"]["pairs"]:
        console.print(pairs)
    print_relations(console, table["relations"])
    print_controls(console, table)
    if "world" in table:
        world = table["world"]
        console.print(
            f"known concepts found (AUC ≥ 0.9 in at least three backbones): "
            f"{world['recovered']} of {world['concepts']}"
        )
        wrong = world["colour_shared_with_colour_blind"]
        console.print(f"colours shared with the colour-blind: {', '.join(wrong) or 'none'}")


def print_matrix(
    console: Console,
    title: str,
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    intervals: Sequence[Sequence[Sequence[float]]] | None,
) -> None:
    """Print a matrix over backbones, under each value its interval."""
    matrix = Table("", *names, title=title, title_justify="left")
    for i, (name, row) in enumerate(zip(names, values, strict=True)):
        cells = [
            with_interval(value, intervals[i][j] if intervals else None, "\n")
            for j, value in enumerate(row)
        ]
        matrix.add_row(name, *cells)
    console.print(matrix)


def with_interval(value: float, interval: Sequence[float] | None, between: str = " ") -> str:
    """Return a value as text, with its interval if there is one."""
    if interval is None:
        return f"{value:.3f}"
    return f"{value:.3f}{between}({interval[0]:.3f} to {interval[1]:.3f})"


def print_relations(console: Console, found: dict[str, Any]) -> None:
    """Print the relations that the paper draws, beside its figures."""
    paper = found["paper"]
    grid = Table("", "here", "paper", title="beside arXiv 2502.03714", title_justify="left")
    for near, share in found["entropy"].items():
        title = f"share of entropy near {near}"
        grid.add_row(title, f"{share:.3f}", f"{paper['entropy'][near]:.3f}")
    for key, title in (
        ("energy_r", "r of log energy, log co-fires"),
        ("energy_r_many", f"above 1,000 of them ({found['many']} concepts)"),
    ):
        here = "–" if found[key] is None else f"{found[key]:.2f}"
        grid.add_row(title, here, f"{paper[key]:.2f}")
    for key, share in (("top_1000", "sixth"), ("top_100", "sixtieth")):
        here = ", ".join(f"{name} {value:.3f}" for name, value in found["cofire"][key].items())
        theirs = ", ".join(f"{name} {value}" for name, value in paper["cofire"][key].items())
        grid.add_row(f"co-fire, first {share} by energy", here, theirs)
    console.print(grid)


def print_controls(console: Console, table: dict[str, Any]) -> None:
    """Print what the figures are to be compared with, a row each."""
    controls = table.get("controls", {})
    rows = {"this run": table, "shuffled pairs": controls.get("shuffled")}
    rows["untrained"] = controls.get("untrained")
    grid = Table("", "own R²", "cross R²", "co-fire", "correlation", title="controls")
    for name, figures in rows.items():
        if figures is None:
            continue
        r2, m = figures["r2"]["channel"], len(table["backbones"])
        own = [r2[i][i] for i in range(m)]
        cross = [r2[i][j] for i in range(m) for j in range(m) if i != j]
        columns = (
            own if name != "shuffled pairs" else [],
            cross,
            list(figures["cofire"]["proportion"].values()),
            list(figures["correlation"].values()),
        )
        means = (f"{sum(c) / len(c):.3f}" if c else "–" for c in columns)
        grid.add_row(name, *means)
    console.print(grid)
    alone = controls.get("independent")
    if alone is None:
        return
    grid = Table(
        *("", "own R², two seeds", "seed with seed", "this run with them", "chance"),
        title=f"SAEs of one backbone, {alone['steps']} steps; share of rows that match",
        title_justify="left",
    )
    for name, r2 in alone["r2"].items():
        shares = alone["consistency"][name]
        grid.add_row(
            name,
            " ".join(f"{value:.3f}" for value in r2),
            *(f"{shares[key]['share']:.2f}" for key in ("seeds", "universal", "chance")),
        )
    console.print(grid)
