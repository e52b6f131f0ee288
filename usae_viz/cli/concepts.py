"""The verb concepts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    JsonOption,
    RunOption,
    chosen_run,
    notes,
    print_json,
    verb,
)


@verb
def concepts(
    run: RunOption = None,
    sort: Annotated[
        str, typer.Option(help="id, energy, entropy, cofire, lift, correlation or rate.")
    ] = "correlation",
    filter_: Annotated[
        str | None, typer.Option("--filter", help="Like: entropy > 0.9 and rate.vit > 0.01")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most this many.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List concepts, to pick a number for --concept."""
    opened = chosen_run(run)
    from usae_viz.concepts import concept_rows, load_index

    rows = concept_rows(load_index(opened), sort=sort, where=filter_)
    shown = rows[:limit]
    if as_json:
        print_json({"run": str(opened.path), "concepts": shown})
        return
    grid = Table(
        *("id", "class", "entropy", "cofire", "corr.", "energy", *opened.names),
        title="under each backbone: % of tokens in which it fires",
        title_justify="left",
        padding=(0, 0),
    )
    for row in shown:
        grid.add_row(
            str(row["id"]),
            row["class"],
            f"{row['entropy']:.2f}",
            f"{row['cofire']:.2f}",
            f"{row['correlation']:.2f}",
            f"{row['energy']:.2g}",
            *(f"{100 * share:.2f}" for share in row["rate"].values()),
        )
    Console(highlight=False).print(grid)
    notes.print(f"{len(shown)} of {len(rows)} concepts")
