"""The verb pull."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usae_viz.cli.push import IncludeOption
from usae_viz.cli.terminal import JsonOption, notes, print_json, quiet_hub, verb


@verb
def pull(
    repository: Annotated[str, typer.Argument(help="OWNER/NAME, or OWNER/NAME@REVISION.")],
    out: Annotated[Path | None, typer.Option("--out", help="Run to make: runs/NAME.")] = None,
    include: IncludeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a run that was shared on the Hugging Face Hub.

    To look at one without keeping it, name it: usae-viz concepts --run hf://OWNER/NAME.
    """
    quiet_hub()
    from usae_viz import workflow

    table = workflow.pull(repository, out, include=include or ())
    if as_json:
        print_json(table)
        return
    print(f"run: {table['run']}")
    notes.print(f"{table['name']}: {', '.join(table['backbones'])}; {table['megabytes']} MB")
    notes.print(f"next: usae-viz concepts --run {table['run']}")
