"""The verb heatmap."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    OutOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    print_json,
    use_threads,
    verb,
)


@verb
def heatmap(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    concept: Annotated[int, typer.Option("--concept", help="Which concept.")],
    run: RunOption = None,
    style: Annotated[str, typer.Option(help="overlay, transparent or contour.")] = "overlay",
    out: OutOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Where a concept is in images, all backbones side by side."""
    opened = chosen_run(run)
    use_threads(threads)
    from usae_viz import workflow

    table = workflow.heatmap(
        opened, images, concept, style=cast(Any, style), out=out, device=device
    )
    if as_json:
        print_json(table)
        return
    for entry in table["images"]:
        peaks = ", ".join(f"{name} {peak:.2f}" for name, peak in entry["peak"].items())
        print(f"{entry['image']}: {peaks}")
    print(f"sheet: {table['sheet']}")
