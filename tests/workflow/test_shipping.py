"""Runs that are given away, and found again by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from usae_viz import workflow
from usae_viz.cli import app
from usae_viz.errors import RunError
from usae_viz.run import Run, bundled_runs, open_run, opening
from usae_viz.sae import load_usae

COMMANDS = CliRunner()


@pytest.fixture
def shipped(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The trained run under the name ``tiny-pair``, with its networks in USAE_VIZ_WEIGHTS."""
    target = tmp_path / "pretrained" / "tiny-pair"
    made = workflow.ship(trained, target)
    assert made["megabytes"] < 1
    found = {**bundled_runs(), "tiny-pair": target}
    monkeypatch.setattr(opening, "bundled_runs", lambda: found)
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return "tiny-pair"


def test_a_shipped_run_opens_by_name_and_reads_the_same(shipped: str, trained: Run) -> None:
    run = open_run(shipped)
    before, after = load_usae(trained), load_usae(run)
    np.testing.assert_allclose(before.rows("first"), after.rows("first"), atol=1e-3)
    assert run.info.recipe_sha256 == run.recipe().digest()
    assert run.outputs == Path.cwd() / "usae-viz-tiny-pair"


def test_nothing_of_photographs_or_of_this_machine_is_in_it(
    shipped: str, trained: Run, tmp_path: Path
) -> None:
    run = open_run(shipped)
    ids = json.loads(trained.examples_file.read_text())["ids"]
    assert ids
    for path in run.path.rglob("*"):
        assert path.is_dir() or path.suffix in (
            ".json",
            ".jsonl",
            ".svg",
            ".toml",
            ".safetensors",
        ), path
        if path.is_file():
            content = path.read_bytes()
            assert str(tmp_path).encode() not in content, path
            assert not any(image_id.encode() in content for image_id in ids), path
    assert not run.activations_dir.exists()


def test_maximizing_from_a_shipped_run_makes_a_page_without_photographs(shipped: str) -> None:
    listed = COMMANDS.invoke(app, ["concepts", "--run", shipped, "--sort", "rate", "--json"])
    concept = json.loads(listed.stdout)["concepts"][0]["id"]
    words = ["maximize", "--run", shipped, "--concept", str(concept), "--steps", "2"]
    made = COMMANDS.invoke(app, [*words, "--size", "40", "--json"])
    assert made.exit_code == 0, made.output
    table = json.loads(made.stdout)
    assert min(table["concepts"][0]["natural"].values()) > 0
    page = Path(table["page"])
    pages = [path.read_text() for path in page.parent.rglob("*.html")]
    assert any("came without the photographs" in text for text in pages)
    assert page.is_relative_to(Path.cwd() / "usae-viz-tiny-pair")


def test_a_run_without_activations_or_too_large_is_not_shipped(
    trained: Run, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    with pytest.raises(RunError, match="too large to ship"):
        workflow.ship(trained, target, max_megabytes=0.001)
    assert not target.exists()
    assert not list(tmp_path.glob(".out*"))
    for path in trained.activations_dir.iterdir():
        path.unlink()
    with pytest.raises(RunError, match="has no activations"):
        workflow.ship(trained, target)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(RunError, match=r"(?s)bundled run: .*world.*did you mean 'world'"):
        open_run("wolrd")
    listed = COMMANDS.invoke(app, ["runs", "--json"])
    assert json.loads(listed.stdout)["runs"][0]["name"] == "world"
    assert "own R²" in COMMANDS.invoke(app, ["runs"]).stdout
