"""The command line: verbs, each a thin call of one public function.

Nothing here imports torch until a verb that needs it runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from usae_viz import __version__
from usae_viz.cli import (
    attribute,
    compare,
    concepts,
    dissect,
    doctor,
    evaluate,
    extract,
    gallery,
    heatmap,
    import_official,
    index,
    maximize,
    pull,
    push,
    recipes,
    runs,
    train,
)

app = typer.Typer(
    name="usae-viz",
    help="What several vision models mean by the same concept.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    maximize.maximize,
    train.train,
    extract.extract,
    evaluate.evaluate,
    index.index,
    concepts.concepts,
    dissect.dissect,
    compare.compare,
    heatmap.heatmap,
    attribute.attribute,
    gallery.gallery,
    import_official.import_official,
    push.push,
    pull.pull,
    runs.runs,
    doctor.doctor,
):
    app.command()(verb)
app.add_typer(recipes.app, name="recipes")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"usae-viz {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line."""
    app()
