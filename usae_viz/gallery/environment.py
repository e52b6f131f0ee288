"""Templates, the security policy and the assets that every page shares."""

from __future__ import annotations

import base64
import io
import json
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from usae_viz.gallery.text import counted, listed, number, percent
from usae_viz.render import sequential_table
from usae_viz.run import write_bytes

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'"
)


@cache
def page_environment() -> Environment:
    """Return the templates of the gallery, escaping every value."""
    environment = Environment(
        loader=PackageLoader("usae_viz.gallery"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "counted": counted,
        "listed": listed,
    }
    return environment


def assets() -> dict[str, bytes]:
    """Return the files that pages load, by name."""
    found = {
        file.name: file.read_bytes()
        for file in resources.files("usae_viz.gallery").joinpath("assets").iterdir()
    }
    table = sequential_table()
    # The one place where the page's colours come from is the render room's table.
    colours = base64.b64encode(table.tobytes()).decode()
    found["colours.js"] = f"usaeViz.setColours({json.dumps(colours)});\n".encode()
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(table[None])).save(data, "PNG", optimize=True)
    found["scale.png"] = data.getvalue()
    return found


def write_assets(folder: Path, names: tuple[str, ...] | None = None) -> None:
    """Write all assets, or some, into a folder; those that are there already are left alone."""
    for name, data in assets().items():
        file = folder / name
        wanted = names is None or name in names
        if wanted and not (file.is_file() and file.read_bytes() == data):
            write_bytes(file, data)
