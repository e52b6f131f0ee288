"""The verb evaluate, and the tables it prints."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    print_json,
    progress_bar,
    use_threads,
    verb,
)


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
        print_evaluation(table)


def print_evaluation(table: dict[str, Any]) -> None:
    """Print the tables of an evaluation."""
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
