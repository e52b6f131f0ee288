"""The verb import-official."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from usae_viz.cli.terminal import JsonOption, notes, print_json, verb
from usae_viz.errors import UsageError


@verb
def import_official(
    folder: Annotated[Path, typer.Argument(help="The .pth files and their YAML.")],
    out: Annotated[Path, typer.Option("--out", help="Run to make.")],
    images: Annotated[
        str | None, typer.Option(help="What to index and evaluate it on: folder:PATH.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="NAME=timm:MODEL of a backbone that is not known.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run of the published USAE checkpoints; nothing in their pickles is executed."""
    models = {}
    for text in model or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--model {text!r} cannot be read", expected="NAME=timm:MODEL")
        models[name] = value
    from usae_viz import workflow

    run = workflow.import_official(folder, out, images=images, models=models)
    if as_json:
        print_json({"run": str(run.path), "backbones": list(run.names)})
        return
    print(f"run: {run.path}")
    if images is None:
        notes.print("to index and evaluate it, import it again with --images folder:PATH")
    else:
        notes.print(f"next: usae-viz index --run {run.path}")
