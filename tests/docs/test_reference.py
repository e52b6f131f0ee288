"""The API reference names and describes every public name."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import usae_viz
from tests.docs.blocks import ROOT


def load_script() -> Any:
    spec = spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_described(tmp_path: Path) -> None:
    load_script().write_reference(tmp_path, ("usae_viz",))
    page = (tmp_path / "usae_viz.html").read_text()
    there = set(re.findall(r'<section id="([A-Za-z_]+)"', page))
    # A function that has the name of its room stands on the room's page.
    room = (tmp_path / "usae_viz" / "maximize.html").read_text()
    assert '<section id="maximize"' in room
    assert set(usae_viz.__all__) <= there | {"maximize"}
    for name in usae_viz.__all__:
        if name != "__version__":
            assert (getattr(usae_viz, name).__doc__ or "").strip(), name


def test_the_script_names_rooms_that_are_there() -> None:
    for room in load_script().ROOMS:
        path = ROOT / "usae_viz" / room.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), room
