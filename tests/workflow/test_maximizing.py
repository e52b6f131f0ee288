"""Maximizing beside results that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from usae_viz import workflow
from usae_viz.concepts import load_index
from usae_viz.run import Run

QUICK: dict[str, Any] = {"steps": 2, "views": 1, "size": 40}


def everywhere(run: Run) -> list[int]:
    """Concepts that every backbone fires."""
    return [int(k) for k in np.flatnonzero((load_index(run).natural_score > 0).all(0))]


def pages(made: dict[str, Any]) -> list[int]:
    folder = Path(made["page"]).parent / "concepts"
    return sorted(int(file.stem) for file in folder.iterdir())


def outdate(folder: Path) -> None:
    """Make a result one of an older format."""
    file = folder / "result.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "format": 1}), "utf-8")


def test_a_neighbour_that_cannot_be_read_does_not_stop_it(trained: Run) -> None:
    old, damaged, asked, *_ = everywhere(trained)
    workflow.maximize(trained, [old, damaged], **QUICK)
    workflow.maximize(trained, [old], mode="shared", **QUICK)
    outdate(trained.maximized_dir(old, kind="shared"))
    picture = trained.maximized_dir(damaged) / "first.alpha.png"
    picture.write_bytes(picture.read_bytes()[:-40])
    made = workflow.maximize(trained, [asked], **QUICK)
    assert [entry["concept"] for entry in made["concepts"]] == [asked]
    # What can be read of a neighbour is shown.
    assert pages(made) == sorted([old, asked])
    outdate(trained.maximized_dir(old))
    assert pages(workflow.maximize(trained, [asked], **QUICK)) == [asked]
    # The very call that is told to maximize them again does.
    made = workflow.maximize(trained, [old, damaged], **QUICK)
    assert pages(made) == sorted([old, damaged, asked])


def test_a_missing_picture_is_made_again_by_the_same_call(trained: Run) -> None:
    concept = everywhere(trained)[0]
    workflow.maximize(trained, [concept], **QUICK)
    picture = trained.maximized_dir(concept) / "first.png"
    picture.unlink()
    made = workflow.maximize(trained, [concept], **QUICK)
    assert picture.is_file()
    assert pages(made) == [concept]


def test_a_neighbour_that_the_index_has_no_longer_is_left_out(trained: Run) -> None:
    gone, asked, *_ = everywhere(trained)
    workflow.maximize(trained, [gone], **QUICK)
    trained.maximized_dir(gone).rename(trained.maximized_dir(load_index(trained).concepts))
    assert pages(workflow.maximize(trained, [asked], **QUICK)) == [asked]
