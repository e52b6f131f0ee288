"""The verb doctor."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import (
    JsonOption,
    print_json,
    verb,
)
from usae_viz.errors import UsageError
from usae_viz.recipe import BackboneSpec


@verb
def doctor(
    model: Annotated[
        str | None,
        typer.Argument(help="timm:NAME or torchvision:NAME: its layers. Without: the environment."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Local safetensors, to see whether they fit.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="Side in pixels; default: the network's.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the environment, or list the layers of a network that a recipe can read."""
    from usae_viz import workflow

    if model is None:
        table: dict[str, Any] = workflow.environment()
        if as_json:
            print_json(table)
        else:
            for key, value in table.items():
                print(f"{key}: {value}")
        return
    from pydantic import ValidationError

    from usae_viz.backbones import describe_network

    try:
        spec = BackboneSpec(name="backbone", model=model, weights=weights, input_size=size)
    except ValidationError:
        raise UsageError(
            f"{model!r} names no model", expected="timm:NAME or torchvision:NAME, as in a recipe"
        ) from None
    table = describe_network(spec)
    if as_json:
        print_json(table)
        return
    print(
        f"{model}: {table['parameters'] / 1e6:.1f} million parameters, "
        f"fed with {table['input_size']}×{table['input_size']} pixels"
    )
    grid = Table("index", "layer", "dim", "grid", "gradient reaches the pixels")
    for number, row in enumerate(table["layers"]):
        height, width = row["grid"]
        reaches = "yes" if row["gradient"] else "NO"
        grid.add_row(str(number), row["layer"], str(row["dim"]), f"{height}×{width}", reaches)
    Console().print(grid)
