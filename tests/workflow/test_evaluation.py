"""The whole of an evaluation: other images, intervals, controls, charts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from usae_viz import workflow
from usae_viz.activations import ActivationStore
from usae_viz.cli import app
from usae_viz.errors import RunError
from usae_viz.run import Run
from usae_viz.workflow.training import held_out_tokens

COMMANDS = CliRunner()


def test_an_evaluation_has_intervals_controls_and_charts(trained: Run) -> None:
    words = ["evaluate", "--run", str(trained.path), "--controls", "--control-steps", "15"]
    made = COMMANDS.invoke(app, [*words, "--json"])
    assert made.exit_code == 0, made.output
    table = json.loads(made.stdout)
    assert json.loads(trained.evaluation_file.read_text()) == table
    low, high = table["intervals"]["r2"]["channel"][0][0]
    assert low <= table["r2"]["channel"][0][0] <= high
    controls = table["controls"]
    # 30 steps are better than none, and shuffled pairs explain nothing.
    own = [table["r2"]["channel"][i][i] for i in range(2)]
    before = [controls["untrained"]["r2"]["channel"][i][i] for i in range(2)]
    assert sum(own) > sum(before)
    assert controls["shuffled"]["r2"]["channel"][0][1] < table["r2"]["channel"][0][1]
    alone = controls["independent"]
    assert alone["steps"] == 15
    assert set(alone["r2"]) == {"first", "second"}
    assert all(len(values) == 2 for values in alone["r2"].values())
    assert 0 <= alone["consistency"]["first"]["seeds"]["share"] <= 1
    for name in ("r2", "entropy", "cofire", "energy"):
        root = ElementTree.fromstring((trained.evaluation_dir() / f"{name}.svg").read_text())
        assert root.tag.endswith("svg")
    # Again for people: the controls are kept, not trained again.
    kept = {p: p.stat().st_mtime_ns for p in trained.evaluation_dir().rglob("usae.safetensors")}
    assert len(kept) == 4
    told = COMMANDS.invoke(app, words)
    assert told.exit_code == 0, told.output
    for text in ("shuffled pairs", "untrained", "SAEs of one backbone", " to ", "beside arXiv"):
        assert text in told.stdout
    assert kept == {p: p.stat().st_mtime_ns for p in kept}


def test_other_images_are_read_by_the_networks_and_written_beside(
    trained: Run, photos: Callable[..., Path]
) -> None:
    other = photos(9, seed=5, name="other")
    own = workflow.evaluate(trained, replicates=0)
    assert "intervals" not in own
    before = trained.evaluation_file.read_text()
    table = workflow.evaluate(trained, images=f"folder:{other}")
    assert table["images"] == 9
    assert table["source"] == f"folder:{other}"
    assert table["r2"] != own["r2"]
    assert trained.evaluation_file.read_text() == before
    folder = trained.evaluation_dir(f"folder:{other}")
    assert json.loads((folder / "evaluation.json").read_text()) == table
    assert (folder / "r2.svg").is_file()


def test_controls_are_measured_on_the_images_asked_for(
    trained: Run, photos: Callable[..., Path]
) -> None:
    other = f"folder:{photos(9, seed=5, name='other')}"
    own, there = (
        workflow.evaluate(trained, images=images, controls=True, replicates=0)["controls"]
        for images in (None, other)
    )
    assert own["untrained"]["r2"] != there["untrained"]["r2"]
    assert own["independent"]["r2"] != there["independent"]["r2"]
    # As many steps as the run took.
    assert own["independent"]["steps"] == 30


def test_as_many_held_out_images_are_looked_at_as_asked_for(trained: Run) -> None:
    store = ActivationStore(trained.activations_dir)
    there = len(store.ids("validation"))
    for asked in (1, there - 1, there, there + 5):
        held_out = held_out_tokens(store, asked)
        assert held_out is not None
        assert sum(len(rows["first"]) for rows in held_out()) == min(asked, there)


def test_controls_need_activations(trained: Run) -> None:
    for path in trained.activations_dir.iterdir():
        path.unlink()
    with pytest.raises(RunError, match="which the controls are trained on"):
        workflow.evaluate(trained, controls=True)
