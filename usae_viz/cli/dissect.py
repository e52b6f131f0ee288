"""The verb dissect."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    OutOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    print_json,
    progress_bar,
    use_threads,
    verb,
)


@verb
def dissect(
    run: RunOption = None,
    images: Annotated[
        str | None, typer.Option(help="Images that have masks, KIND:WHERE; default: the run's.")
    ] = None,
    masks: Annotated[
        str | None, typer.Option(help="Folder of masks IMAGE__LABEL.png beside those images.")
    ] = None,
    limit: Annotated[int, typer.Option(min=4, help="Images used at most.")] = 2000,
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Name concepts by masks: which labelled thing does each mark best?"""
    opened = chosen_run(run).writing_to(out)
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        table = workflow.dissect_run(
            opened, images=images, masks=masks, limit=limit, device=device, progress=progress
        )
    if as_json:
        print_json(table)
        return
    grid = Table(
        *(Column("label", no_wrap=True), "concept", "IoU", "by backbone", "next", "chance", "AUC"),
        "its name",
        padding=0,
    )
    for label, match in table["labels"].items():
        name = table["concepts"].get(str(match["concept"]), {}).get("name")
        grid.add_row(
            label,
            str(match["concept"]),
            f"{match['joint']:.2f}",
            f"{match['mean']:.2f}",
            f"{match['runner_up'][0]}: {match['runner_up'][1]:.2f}",
            f"{match['chance']:.2f}",
            f"{max(match['auc'].values()):.2f}",
            "the same" if name == label else name or "–",
        )
    Console(highlight=False).print(grid)
    named = sum(entry["name"] is not None for entry in table["concepts"].values())
    print(
        f"{named} concepts named; chosen on {table['images']['chosen_on']} images, "
        f"scored on {table['images']['scored_on']} others"
    )
