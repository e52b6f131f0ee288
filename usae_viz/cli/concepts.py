"""The verb concepts."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from usae_viz.cli.terminal import (
    JsonOption,
    RunOption,
    chosen_run,
    notes,
    print_json,
    verb,
)
from usae_viz.errors import UsageError


@verb
def concepts(
    run: RunOption = None,
    sort: Annotated[
        str, typer.Option(help="Any column: id, energy, entropy, cofire, lift, rate, rate.NAME …")
    ] = "correlation",
    filter_: Annotated[
        str | None,
        typer.Option("--filter", help="Like: entropy > 0.9 and rate.vit > 0.01 or name ~ stripes"),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most this many.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Show these columns; may be repeated.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="List dead concepts too.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Name a concept first: --name '7=striped ground'.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Write a note first: --note '7=…'.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List concepts, to pick a number for --concept; keep names and notes of them."""
    opened = chosen_run(run)
    from usae_viz.concepts import concept_names, concept_rows, load_index, name_concept

    for key, text in (("name", name), ("note", note)):
        if text is not None:
            number, sign, words = text.partition("=")
            if not sign or not number.strip().isdigit():
                raise UsageError(f"--{key} {text!r} cannot be read", expected=f"--{key} '7=text'")
            name_concept(opened, int(number), **{key: words.strip()})
    rows = concept_rows(
        load_index(opened), sort=sort, where=filter_, names=concept_names(opened), dead=dead
    )
    shown = rows[:limit]
    if as_json:
        print_json({"run": str(opened.path), "concepts": shown})
        return
    if column:
        grid = Table(*("id", *column), padding=(0, 1, 0, 0))
        for row in shown:
            grid.add_row(str(row["id"]), *(_cell(row, each) for each in column))
    else:
        grid = _usual(shown, opened.names)
    Console(highlight=False).print(grid)
    notes.print(f"{len(shown)} of {len(rows)} concepts")


def _usual(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Table:
    grid = Table(
        *("id", Column("name", overflow="fold"), "class", "entropy", "cofire", "corr.", "energy"),
        *names,
        title="under each backbone: % of tokens in which it fires; ≈: near-duplicate of",
        title_justify="left",
        padding=(0, 0),
    )
    for row in rows:
        twin = "" if row["twin"] is None else f" ≈{row['twin']}"
        grid.add_row(
            f"{row['id']}{twin}",
            row["name"] or (f"({row['note']})" if row["note"] else ""),
            row["class"],
            f"{row['entropy']:.2f}",
            f"{row['cofire']:.2f}",
            f"{row['correlation']:.2f}",
            f"{row['energy']:.2g}",
            *(f"{100 * share:.2f}" for share in row["rate"].values()),
        )
    return grid


def _cell(row: dict[str, Any], column: str) -> str:
    from usae_viz.concepts.table import cell

    value = cell(row, column)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
