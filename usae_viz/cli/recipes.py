"""``usae-viz recipes ls|cp|validate``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import JsonOption, print_json, verb
from usae_viz.errors import RecipeError, did_you_mean
from usae_viz.recipe import load_recipe
from usae_viz.run import write_text

app = typer.Typer(help="List, copy and check recipes.", no_args_is_help=True, add_completion=False)


def shipped() -> dict[str, Path]:
    """Return the recipes that come with the package, by name."""
    package = Path(str(resources.files("usae_viz")))
    # In a wheel the recipes lie inside the package; in a checkout beside it.
    for folder in (package / "recipes", package.parent / "recipes"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}


@app.command("ls")
@verb
def list_recipes(as_json: JsonOption = False) -> None:
    """List the recipes that come with the package."""
    rows = []
    for name, path in shipped().items():
        recipe = load_recipe(path)
        rows.append(
            {
                "name": name,
                "path": str(path),
                "backbones": [spec.model for spec in recipe.backbones],
                "images": recipe.images.source,
                "concepts": recipe.usae.concepts,
                "mode": recipe.usae.mode,
            }
        )
    if as_json:
        print_json({"recipes": rows})
        return
    table = Table("recipe", "backbones", "concepts", "mode")
    for row in rows:
        models = row["backbones"]
        assert isinstance(models, list)
        table.add_row(str(row["name"]), "\n".join(models), str(row["concepts"]), str(row["mode"]))
    Console().print(table)


@app.command("cp")
@verb
def copy_recipe(
    name: Annotated[str, typer.Argument(help="A recipe that `ls` lists.")],
    to: Annotated[Path, typer.Argument(help="File to write; must not exist.")] = Path(),
) -> None:
    """Copy a shipped recipe, to change it."""
    known = shipped()
    if name not in known:
        raise RecipeError(
            f"there is no recipe {name!r}",
            expected=f"one of {', '.join(known)}",
            hint=did_you_mean(name, known),
        )
    target = to / f"{name}.toml" if to.is_dir() else to
    if target.exists():
        raise RecipeError(f"{target} is already there", hint="give another name")
    write_text(target, known[name].read_text(encoding="utf-8"))
    print(target)


@app.command("validate")
@verb
def validate_recipe(
    path: Annotated[Path, typer.Argument(help="A recipe file.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="key=value")] = None,
) -> None:
    """Check a recipe: all errors at once; prints its resolved form."""
    print(load_recipe(path, sets or ()).toml(), end="")
