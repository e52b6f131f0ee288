"""The verb maximize."""

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
PENALTIES = "Weights, in natural levels"
SPEED = "Speed"


@verb
def maximize(
    concept: ConceptsOption,
    run: RunOption = None,
    mode: Annotated[
        str,
        typer.Option(
            help="per-model: an image per backbone. shared: one image for all. contrast: raised in "
            "one, kept down in the others. accentuate: a photograph (--start), changed. "
            "diverse: --images that differ."
        ),
    ] = "per-model",
    backbone: Annotated[
        list[str] | None,
        typer.Option("--backbone", help="Raise it in these only; may be repeated."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="contrast: keep it down in these; default: in all others."),
    ] = None,
    start: Annotated[Path | None, typer.Option(help="accentuate: the photograph.")] = None,
    images: Annotated[
        int | None, typer.Option(min=2, help="diverse: how many images a backbone.")
    ] = None,
    also: Annotated[
        str | None,
        typer.Option(help="Further concepts to raise along, or (below 0) keep down: 12:0.5,30:-1."),
    ] = None,
    parametrization: Annotated[str, typer.Option(help="fourier, maco or pixel.")] = "fourier",
    objective: Annotated[
        str | None,
        typer.Option(help="Over tokens: mean, top[:SHARE], peak, softmax[:T], position:ROW,COL."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    size: Annotated[int | None, typer.Option(min=16, help="Canvas side in pixels.")] = None,
    views: Annotated[int | None, typer.Option(min=1, help="Views a step.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Images per concept and backbone.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="First seed.")] = 0,
    selectivity: Annotated[
        float | None,
        typer.Option(help="Keeps other concepts down.", rich_help_panel=PENALTIES),
    ] = None,
    tv: Annotated[
        float | None, typer.Option(help="Keeps the image smooth.", rich_help_panel=PENALTIES)
    ] = None,
    suppression: Annotated[
        float | None,
        typer.Option(help="contrast: of the others.", rich_help_panel=PENALTIES),
    ] = None,
    closeness: Annotated[
        float | None,
        typer.Option(help="accentuate: of the distance moved.", rich_help_panel=PENALTIES),
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(help="diverse: of being alike.", rich_help_panel=PENALTIES)
    ] = None,
    early_stop: Annotated[
        float | None,
        typer.Option(
            help="Finish an image once it gains less than this in 32 steps.", rich_help_panel=SPEED
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most views in one graph; more of one image go in parts.",
            rich_help_panel=SPEED,
        ),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32 or bfloat16.", rich_help_panel=SPEED)
    ] = None,
    compile_: Annotated[
        bool, typer.Option("--compile", help="torch.compile.", rich_help_panel=SPEED)
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Make what is there anew.")] = False,
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Coordinated activation maximization: what each backbone wants to see for a concept.

    With many processes: torchrun --nproc-per-node N -m usae_viz maximize --concept 0-99.
    """
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow
    from usae_viz.concepts import parse_concepts
    from usae_viz.maximize.objective import parse_weights

    with progress_bar() as progress:
        table = workflow.maximize(
            opened,
            parse_concepts(concept),
            mode=mode,
            backbones=backbone,
            against=against,
            start=start,
            images=images,
            also=None if also is None else parse_weights(also),
            parametrization=parametrization,
            objective=objective,
            steps=steps,
            size=size,
            views=views,
            seeds=seeds,
            seed=seed,
            selectivity=selectivity,
            tv=tv,
            suppression=suppression,
            closeness=closeness,
            diversity=diversity,
            early_stop=early_stop,
            batch=batch,
            precision=precision,
            compile=compile_,
            again=again,
            out=out,
            device=device,
            progress=progress,
        )
    if table["page"] is None:
        # Of many ranks, the one that finds all pictures made speaks for all.
        notes.print("this rank has made its share; others are still at work")
        return
    if as_json:
        print_json(table)
        return
    console = Console(highlight=False)
    for entry in table["concepts"]:
        rows = entry["rows"]
        matrix = Table(
            "optimised for \\ read by",
            *table["backbones"],
            title=f"concept {entry['concept']}"
            + (f" ({entry['name']})" if entry["name"] else "")
            + ": share of the natural top 9",
            title_justify="left",
        )
        for name, shares in zip(rows, entry["transfer"], strict=True):
            matrix.add_row(name, *("–" if s is None else f"{s:.2f}" for s in shares))
        console.print(matrix)
        console.print(entry["verdict"])
    notes.print(f"{table['seconds']:.1f} s")
    print(f"page: {table['page']}")
