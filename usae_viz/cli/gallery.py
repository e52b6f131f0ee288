"""The verb gallery."""

from __future__ import annotations

from typing import Annotated

import typer

from usae_viz.cli.terminal import (
    JsonOption,
    OutOption,
    RunOption,
    chosen_run,
    print_json,
    verb,
)


@verb
def gallery(
    run: RunOption = None,
    concept: Annotated[
        str | None, typer.Option("--concepts", "--concept", help="Default: all maximized ones.")
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the page over the concepts that have been maximized."""
    opened = chosen_run(run)
    from usae_viz import workflow
    from usae_viz.concepts import parse_concepts

    page = workflow.build_gallery(opened, parse_concepts(concept) if concept else None, out=out)
    if as_json:
        print_json({"run": str(opened.path), "page": str(page)})
    else:
        print(f"page: {page}")
