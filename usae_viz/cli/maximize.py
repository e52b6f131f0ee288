"""The verb maximize."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    OutOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    notes,
    print_json,
    progress_bar,
    use_threads,
    verb,
)

ConceptsOption = Annotated[
    str, typer.Option("--concept", "--concepts", help="Which: 7 or 7,12,30-40.")
]


@verb
def maximize(
    concept: ConceptsOption,
    run: RunOption = None,
    mode: Annotated[str, typer.Option(help="per-model: an image per backbone.")] = "per-model",
    backbone: Annotated[
        list[str] | None, typer.Option("--backbone", help="Only these; may be repeated.")
    ] = None,
    parametrization: Annotated[str, typer.Option(help="fourier, maco or pixel.")] = "fourier",
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    size: Annotated[int | None, typer.Option(min=16, help="Canvas side in pixels.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Images per concept and backbone.")] = 1,
    seed: Annotated[int, typer.Option(help="First seed.")] = 0,
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Coordinated activation maximization: what each backbone wants to see for a concept."""
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow
    from usae_viz.concepts import parse_concepts

    with progress_bar() as progress:
        table = workflow.maximize(
            opened,
            parse_concepts(concept),
            mode=mode,
            backbones=backbone,
            parametrization=parametrization,
            steps=steps,
            size=size,
            seeds=seeds,
            seed=seed,
            out=out,
            device=device,
            progress=progress,
        )
    if as_json:
        print_json(table)
        return
    console = Console(highlight=False)
    for entry in table["concepts"]:
        rows = entry["rows"]
        matrix = Table(
            "optimised for \\ read by",
            *table["backbones"],
            title=f"concept {entry['concept']}: share of the natural top 9",
            title_justify="left",
        )
        for name, shares in zip(rows, entry["transfer"], strict=True):
            matrix.add_row(name, *("–" if s is None else f"{s:.2f}" for s in shares))
        console.print(matrix)
        console.print(entry["verdict"])
    notes.print(f"{table['seconds']:.1f} s")
    print(f"page: {table['page']}")
