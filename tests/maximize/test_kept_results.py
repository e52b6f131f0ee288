"""Which finished results are read, which are made again, and where they lie."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import index_run
from usae_viz.errors import RunError
from usae_viz.maximize import is_readable, maximize, read_result
from usae_viz.run import Run
from usae_viz.sae import load_usae

QUICK: dict[str, Any] = {"steps": 2, "views": 1}


def index_again(run: Run, *, examples: int) -> None:
    """Index the images of the fixture again."""
    images = torch.rand(24, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        tokens = {
            name: network(images).flatten(2).transpose(1, 2)
            for name, network in load_run_backbones(run).items()
        }
    ids = [f"{i:064x}" for i in range(24)]
    index_run(run, load_usae(run), [(ids, tokens)], examples=examples)


def test_another_index_makes_results_anew(run: Run) -> None:
    (made,) = maximize(run, 3, **QUICK)
    assert made.folder is not None
    file = made.folder / "result.json"
    before = file.stat().st_mtime_ns
    index_again(run, examples=3)
    assert maximize(run, 3, **QUICK).natural == pytest.approx(made.natural)
    assert file.stat().st_mtime_ns == before
    index_again(run, examples=1)
    (again,) = maximize(run, 3, **QUICK)
    assert file.stat().st_mtime_ns > before
    assert all(again.natural[name] > made.natural[name] for name in run.names)
    assert read_result(made.folder).natural == pytest.approx(again.natural)


def test_levels_of_further_concepts_count_too(run: Run) -> None:
    settings: dict[str, Any] = {**QUICK, "also": {5: 0.5}}
    (made,) = maximize(run, 3, **settings)
    assert made.folder is not None
    file = made.folder / "result.json"
    before = file.stat().st_mtime_ns
    maximize(run, 3, **settings)
    assert file.stat().st_mtime_ns == before
    table = json.loads(file.read_text("utf-8"))
    table["settings"]["also_levels"]["5"][0] *= 2
    file.write_text(json.dumps(table), "utf-8")
    (again,) = maximize(run, 3, **settings)
    assert again.settings["also_levels"] == made.settings["also_levels"]


def test_levels_count_even_where_the_pictures_are_the_same(run: Run) -> None:
    (made,) = maximize(run, 3, **QUICK)
    assert made.folder is not None
    file = made.folder / "result.json"
    table = json.loads(file.read_text("utf-8"))
    for key in ("natural", "natural_peak"):
        file.write_text(json.dumps({**table, key: {**table[key], "low": 9.0}}), "utf-8")
        (again,) = maximize(run, 3, **QUICK)
        assert again.to_json()[key] == pytest.approx(table[key])
    # Figures that went through another program's JSON may be rounded.
    rounded = {name: float(f"{level:.7g}") for name, level in table["natural"].items()}
    file.write_text(json.dumps({**table, "natural": rounded, "verdict": "kept."}), "utf-8")
    assert maximize(run, 3, **QUICK).verdict == "kept."


@pytest.mark.parametrize("damage", ["gone", "truncated"])
def test_a_result_without_a_plain_picture_is_not_finished(run: Run, damage: str) -> None:
    (made,) = maximize(run, 3, **QUICK)
    assert made.folder is not None
    picture = made.folder / "low.png"
    data = picture.read_bytes()
    if damage == "gone":
        picture.unlink()
    else:
        picture.write_bytes(data[: len(data) // 2])
    assert not is_readable(made.folder)
    with pytest.raises(RunError, match="a picture beside it is damaged"):
        read_result(made.folder)
    maximize(run, 3, **QUICK)
    assert picture.read_bytes() == data


def test_many_further_concepts_do_not_make_a_name_too_long(run: Run) -> None:
    few = maximize(run, 3, also={4: 0.5, 5: -1}, **QUICK)[0].folder
    assert few is not None
    assert few.name == "per-model_+0.5x4_-1x5"
    many = {k: 0.123456 + k for k in (0, 1, 2, 4, 5, 6, 7, 8, 9)}
    (made,) = maximize(run, 3, also=many, **QUICK)
    assert made.folder is not None
    assert made.folder.name.startswith("per-model_also-")
    assert len(made.folder.name) <= 100
    assert maximize(run, 3, also=dict(reversed(many.items())), **QUICK)[0].folder == made.folder
    (other,) = maximize(run, 3, also={**many, 0: 1.0}, **QUICK)
    assert other.folder != made.folder
    assert len(run.maximized_kinds(3)) == 3
