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
    progress_bar,
    verb,
)


@verb
def gallery(
    run: RunOption = None,
    concept: Annotated[
        str | None,
        typer.Option(
            "--concepts",
            "--concept",
            help="Which get a page: 7,12,30-40 or all; default: those that were maximized.",
        ),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Put the pages into one HTML file.")
    ] = False,
    max_megabytes: Annotated[
        float, typer.Option(min=0.1, help="Largest single file, in megabytes.")
    ] = 25,
    sheets: Annotated[
        bool,
        typer.Option("--sheets", help="Export each as a sheet (PNG) with its numbers (JSON) too."),
    ] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the gallery: a front page over all living concepts, and a page for each of some."""
    opened = chosen_run(run)
    from usae_viz import workflow
    from usae_viz.concepts import parse_concepts

    with progress_bar() as progress:
        page = workflow.build_gallery(
            opened,
            "all" if concept == "all" else parse_concepts(concept) if concept else None,
            out=out,
            single_file=single_file,
            sheets=sheets,
            max_megabytes=max_megabytes,
            progress=progress,
        )
    if as_json:
        print_json({"run": str(opened.path), "page": str(page)})
    else:
        print(f"page: {page}")
