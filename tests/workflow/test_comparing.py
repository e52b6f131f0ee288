"""A comparison from end to end: kept trainings, runs that are given, input that will not do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import usae_viz
from usae_viz.cli import app
from usae_viz.errors import RunError, StoreError
from usae_viz.run import Run, open_run, read_json

COMMANDS = CliRunner()
PAIR = "first|second"


def permuted(run: Run, path: Path, seed: int) -> Run:
    """Return a copy whose concepts have other numbers, as if it had been trained by itself."""
    shutil.copytree(run.path, path, ignore=shutil.ignore_patterns("activations", "evaluation"))
    tensors = load_file(path / "usae.safetensors")
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    own = [key for key in tensors if not key.startswith(("mean", "scale"))]
    save_file({**tensors, **{k: tensors[k][order] for k in own}}, path / "usae.safetensors")
    text = run.recipe_file.read_text().replace("seed = 0", f"seed = {seed}")
    (path / "recipe.toml").write_text(text)
    return open_run(path)


def test_a_comparison_trains_once_and_says_what_it_is_to_be_held_against(trained: Run) -> None:
    words = ["compare", "--run", str(trained.path), "--steps", "15"]
    made = COMMANDS.invoke(app, [*words, "--json"])
    assert made.exit_code == 0, made.output
    table = json.loads(made.stdout)
    assert read_json(trained.comparison_file) == table
    assert table["tokens"] == table["images"] * 16 > 0
    assert [each["seed"] for each in table["independent"]] == [1, 2]
    for name in ("first", "second"):
        kinds = table["agreement"][name]
        assert set(kinds) == {"universal", "seeds", "untrained", "random"}
        for figures in kinds.values():
            assert 0 <= figures["rows"]["share"] <= 1
            assert 0 <= figures["lone"] <= 1
            assert figures["concepts"] <= 24
    assert set(table["units"]["channels"]["pairs"]) == {PAIR}
    assert 0 < table["units"]["channels"]["pairs"][PAIR]["count"] <= 24
    assert len(table["without_counterpart"]) <= table["universal"]
    kept = {p: p.stat().st_mtime_ns for p in trained.evaluation_dir().rglob("usae.safetensors")}
    assert len(kept) == 4
    told = COMMANDS.invoke(app, words)
    assert told.exit_code == 0, told.output
    for text in ("this run", "seed with seed", "untrained", "random", "no counterpart"):
        assert text in told.stdout
    assert kept == {p: p.stat().st_mtime_ns for p in kept}


def test_copies_with_other_numbers_agree_wholly(trained: Run, tmp_path: Path) -> None:
    others = [permuted(trained, tmp_path / f"other{seed}", seed) for seed in (3, 4)]
    table = usae_viz.compare(trained, others, tokens=10**6)
    for kinds in table["agreement"].values():
        for kind in ("universal", "seeds"):
            assert kinds[kind]["rows"]["share"] == kinds[kind]["firing"]["share"] == 1
            assert kinds[kind]["rows"]["mean"] == pytest.approx(1, abs=1e-4)
            assert kinds[kind]["firing"]["mean"] == pytest.approx(1, abs=1e-4)
            assert kinds[kind]["lone"] == 0
        assert kinds["random"]["firing"]["mean"] < 0.9
        assert kinds["random"]["rows"]["mean"] < 0.9
    assert table["without_counterpart"] == []
    units = table["units"]
    # Numbers do not matter where the nearest are asked for, and the networks are the same.
    mine, theirs = (units[kind]["pairs"][PAIR] for kind in ("universal", "independent"))
    assert mine["count"] == theirs["count"]
    assert mine["mean"] == pytest.approx(theirs["mean"], abs=1e-5)
    assert mine["same"] == theirs["same"]
    fewer = usae_viz.compare(trained, others, tokens=32)
    assert fewer["images"] == 2
    assert fewer["tokens"] == 32


def test_what_cannot_be_compared_is_said(trained: Run, tmp_path: Path) -> None:
    other, again, same = (
        permuted(trained, tmp_path / f"other{n}", seed) for n, seed in enumerate((3, 3, 0))
    )
    for others, said in (
        ([other], "gives no ceiling"),
        ([other, again], "of one seed are not independent"),
        ([other, same], "of one seed are not independent"),
    ):
        with pytest.raises(RunError, match=said):
            usae_viz.compare(trained, others)
    table = read_json(again.info_file)
    table["backbones"][1]["weights_sha256"] = "0" * 64
    again.info_file.write_text(json.dumps(table))
    with pytest.raises(RunError, match="second's weights"):
        usae_viz.compare(trained, [other, open_run(again.path)])
    info = trained.info.model_copy(update={"backbones": trained.info.backbones[::-1]})
    swapped = Run(other.path, info)
    with pytest.raises(Exception, match="first, second"):
        usae_viz.compare(trained, [swapped, other])


def test_activations_of_another_recipe_are_refused(trained: Run) -> None:
    manifest = trained.activations_dir / "manifest.json"
    table = read_json(manifest)
    table["preprocessing"]["backbones"]["first"]["weights_sha256"] = "0" * 64
    table["preprocessing"]["images"]["canvas"] = 48
    manifest.write_text(json.dumps(table))
    with pytest.raises(StoreError, match="not those that it was trained on") as error:
        usae_viz.compare(trained)
    assert "backbones.first.weights_sha256" in str(error.value)
    assert "images.canvas = 32" in str(error.value)
    for path in trained.activations_dir.iterdir():
        path.unlink()
    result = COMMANDS.invoke(app, ["compare", "--run", str(trained.path)])
    assert result.exit_code == 1
    assert "has no activations" in result.stderr
    assert not trained.comparison_file.exists()
