"""The verb push."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usae_viz.cli.terminal import JsonOption, notes, print_json, quiet_hub, verb

IncludeOption = Annotated[
    list[str] | None,
    typer.Option("--include", help="Further: thumbnails (of the images), pictures, activations."),
]


@verb
def push(
    run: Annotated[Path, typer.Argument(help="A trained run.")],
    repository: Annotated[str, typer.Argument(help="OWNER/NAME on the Hugging Face Hub.")],
    include: IncludeOption = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", "--license", help="Of the weights: apache-2.0, cc-by-nc-4.0 …"),
    ] = None,
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Of a repository that is made.")
    ] = None,
    message: Annotated[str | None, typer.Option(help="Of the commit.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files and the card, and send nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Share a run on the Hugging Face Hub: weights, recipe, figures, index, and a card.

    No photograph and no path of this machine goes along. Log in first: hf auth login.
    """
    from usae_viz.run import open_run

    opened = open_run(run)
    quiet_hub()
    from usae_viz import workflow

    table = workflow.push(
        opened,
        repository,
        include=include or (),
        licence=licence,
        private=private,
        message=message,
        dry_run=dry_run,
    )
    if as_json:
        print_json(table)
        return
    if dry_run:
        print(table["card"])
    for name, size in table["files"].items():
        notes.print(f"{size / 1e6:9.3f} MB  {name}", markup=False)
    notes.print(f"{table['megabytes']:9.3f} MB  together" + ("; nothing was sent" * dry_run))
    if table["url"]:
        print(table["url"])
        notes.print(f"next: usae-viz concepts --run {table['repository']}")
