"""Verbs that look at a run: maximize, concepts, heatmap, gallery."""

from __future__ import annotations

from pathlib import Path
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
    parametrization: Annotated[str, typer.Option(help="fourier or pixel.")] = "fourier",
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


@verb
def heatmap(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    concept: Annotated[int, typer.Option("--concept", help="Which concept.")],
    run: RunOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a concept is in images, all backbones side by side."""
    opened = chosen_run(run)
    from usae_viz import workflow

    table = workflow.heatmap(opened, images, concept, out=out)
    if as_json:
        print_json(table)
        return
    for entry in table["images"]:
        peaks = ", ".join(f"{name} {peak:.2f}" for name, peak in entry["peak"].items())
        print(f"{entry['image']}: {peaks}")
    print(f"sheet: {table['sheet']}")


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
