"""The verb index."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    notes,
    print_json,
    progress_bar,
    use_threads,
    verb,
)
from usae_viz.errors import UsageError


@verb
def index(
    run: RunOption = None,
    tau: Annotated[
        float | None, typer.Option(min=0.0, help="A concept fires above this; default: the run's.")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Strongest images kept.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Images drawn by chance.")] = None,
    joint: Annotated[int | None, typer.Option(min=1, help="Images of all backbones.")] = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Index what each concept does over the run's images: statistics, examples, neighbours.

    With many processes: torchrun --nproc-per-node N -m -- usae_viz index --run RUN.
    """
    opened = chosen_run(run)
    if opened.outputs != opened.path:
        raise UsageError("a bundled run is indexed already", expected="--run RUN")
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        made = workflow.index(
            opened, tau=tau, top=top, sample=sample, joint=joint, device=device, progress=progress
        )
    if made is None:
        notes.print("this rank has counted its share; others are still at work")
        return
    table = workflow.describe_index(opened, made)
    if as_json:
        print_json(table)
        return
    console = Console(highlight=False)
    kinds = Table("class", "concepts", "95 % interval", title_justify="left")
    for kind, count in table["kinds"].items():
        low, high = table["kind_intervals"][kind]
        kinds.add_row(kind, str(count), f"{low} to {high}")
    console.print(kinds)
    sweep = Table("τ", "living", "entropy > 0.9", "mean co-fire", title="had τ been another")
    for row in table["sweep"]:
        sweep.add_row(
            f"{row['tau']:.3g}", str(row["living"]), str(row["above_0.9"]), f"{row['cofire']:.3f}"
        )
    console.print(sweep)
    print(f"{made.concepts} concepts over {made.images} images, {table['dead']} dead")
