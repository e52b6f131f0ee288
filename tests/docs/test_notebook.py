"""The notebook: its cells run, its outputs are of these cells, small, and name no machine."""

from __future__ import annotations

import json
import re
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import usae_viz
from tests.docs.blocks import ROOT

FILE = ROOT / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def cells() -> list[tuple[str, str]]:
    spec = spec_from_file_location("notebook", ROOT / "scripts" / "notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[tuple[str, str]] = module.CELLS
    return found


def test_outputs_are_of_these_cells(cells: list[tuple[str, str]]) -> None:
    assert FILE.stat().st_size <= 500_000
    stored = json.loads(FILE.read_text())["cells"]
    assert [(c["cell_type"], "".join(c["source"])) for c in stored] == cells, "run scripts/docs"
    coded = [cell for cell in stored if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in coded] == list(range(1, len(coded) + 1))
    outputs = [output for cell in coded for output in cell["outputs"]]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds
    assert all(output["output_type"] != "error" for output in outputs)
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", json.dumps(outputs))
    assert not re.search(r"/(home|root|tmp|work|Users|usr)/", text)


def test_cells_run(
    cells: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(usae_viz, "maximize", partial(usae_viz.maximize, steps=2, views=1))
    names: dict[str, Any] = {}
    for kind, text in cells:
        if kind == "code":
            exec(compile(text, "notebook", "exec"), names)
    assert names["code"].values.shape[0] == 2 * 12 * 12
    assert names["read_as_resnet"].shape[1] == 128
