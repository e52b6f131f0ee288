"""Writes the API reference from the docstrings, as HTML that opens by double-click.

    python scripts/reference.py [FOLDER]          default: build/api

./scripts/docs sets everything up first. Needs pdoc: pip install 'usae-viz[docs]'.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import pdoc

import usae_viz

ROOMS = (
    "errors",
    "recipe",
    "run",
    "hub",
    "portable",
    "render",
    "images",
    "backbones",
    "activations",
    "sae",
    "concepts",
    "attribution",
    "gallery",
    "demo.world",
    "workflow",
)
"""Modules with a page of their own, beside the package's, in the order in which data flows. The
room `maximize` has one anyway: it has the name of a public function, which stands there."""


def write_reference(folder: Path, modules: tuple[str, ...]) -> None:
    """Write the pages of some modules."""
    # Public names are loaded on first use; pdoc looks only at what is there.
    for module in (usae_viz, *(import_module(f"usae_viz.{room}") for room in (*ROOMS, "maximize"))):
        for name in getattr(module, "__all__", ()):
            vars(module)[name] = getattr(module, name)
    pdoc.render.configure(docformat="google", footer_text=f"usae-viz {usae_viz.__version__}")
    pdoc.pdoc(*modules, output_directory=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/api"))
    folder = parser.parse_args().folder
    write_reference(folder, ("usae_viz", *(f"usae_viz.{room}" for room in ROOMS)))
    print(f"page: {folder / 'index.html'}")


if __name__ == "__main__":
    main()
