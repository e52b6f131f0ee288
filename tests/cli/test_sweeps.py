from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from typer.testing import CliRunner

from usae_viz.cli import app
from usae_viz.cli.sweeps import of_the_store, sweep_points
from usae_viz.errors import UsageError
from usae_viz.recipe import BackboneSpec
from usae_viz.run import open_run
from usae_viz.sae import load_usae

COMMANDS = CliRunner()


def test_every_combination_has_a_name_and_its_overrides() -> None:
    points = sweep_points(
        ["usae.concepts=32,64", "images.source=world:images=4,seed=1", "seed=0,1"]
    )
    assert list(points) == [
        "concepts=32,seed=0", "concepts=32,seed=1", "concepts=64,seed=0", "concepts=64,seed=1",
    ]  # fmt: skip
    assert points["concepts=64,seed=0"] == [
        "usae.concepts=64", "images.source=world:images=4,seed=1", "seed=0",
    ]  # fmt: skip


def test_without_several_values_there_is_one_point_without_a_name() -> None:
    assert sweep_points(["usae.k=4", "broken"]) == {"": ["usae.k=4", "broken"]}
    assert of_the_store(["usae.k=4,8", "seed=1", "images.limit=9"]) == ["images.limit=9"]


@pytest.mark.parametrize("text", ["usae.k=4,,8", "usae.k=4,4", "usae.k=4,"])
def test_empty_and_repeated_values_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="empty or there twice"):
        sweep_points([text])


def test_a_varied_key_cannot_be_given_again() -> None:
    for sets in (["usae.k=2,4", "usae.k=3"], ["usae.k=3", "usae.k=2,4"]):
        with pytest.raises(UsageError, match=r"usae\.k several values, and another"):
            sweep_points(sets)
    assert sweep_points(["usae.k=3", "usae.k=4"]) == {"": ["usae.k=3", "usae.k=4"]}


def test_a_sweep_trains_a_run_each_over_one_store(
    tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]
) -> None:
    specs = [tiny_vit("first", seed=1), tiny_vit("second", seed=2)]
    table = {
        "name": "tiny",
        "images": {"source": "world:images=30", "canvas": 32, "validation": 0.4},
        "backbones": [spec.model_dump(mode="json", exclude_none=True) for spec in specs],
        "activations": {"grid": 4, "batch_images": 16},
        "usae": {"concepts": 24, "k": 4},
        "training": {"steps": 20, "batch_tokens": 64, "validate_every": 10},
    }
    recipe, out = tmp_path / "tiny.toml", tmp_path / "sweep"
    recipe.write_text(tomli_w.dumps(table))
    words = ["train", str(recipe), "--out", str(out), "--set", "usae.concepts=16,24"]
    # Nothing could be compared.
    wrong = COMMANDS.invoke(app, [*words, "--set", "images.validation=0"])
    assert wrong.exit_code == 1
    assert "no held-out images to compare" in wrong.stderr
    made = COMMANDS.invoke(app, [*words, "--set", "usae.k=4", "--json"])
    assert made.exit_code == 0, made.output
    rows = json.loads(made.stdout)["runs"]
    assert [row["concepts"] for row in rows] == [16, 24]
    assert json.loads((out / "sweep.json").read_text())["runs"] == rows
    runs = [open_run(out / name) for name in ("concepts=16", "concepts=24")]
    assert [load_usae(run).concepts for run in runs] == [16, 24]
    assert all(run.activations_dir == out / "activations" for run in runs)
    assert not (out / "concepts=16" / "activations").exists()
    evaluated = COMMANDS.invoke(app, ["evaluate", "--run", str(runs[0].path), "--json"])
    r2 = json.loads(evaluated.stdout)["r2"]["channel"]
    assert [r2[i][i] for i in range(2)] == rows[0]["own_r2"]
    # What is there is kept; a further value is trained beside it.
    words[-1] = "usae.concepts=16,20"
    again = COMMANDS.invoke(app, [*words, "--set", "usae.k=4", "--resume"])
    assert again.exit_code == 0, again.output
    assert "concepts=20" in again.stdout
    assert "own R²" in again.stdout
    # Each training has to be possible; the values of the file alone need not go with them.
    words[-1], words[3] = "usae.concepts=32,48", str(tmp_path / "wide")
    wide = COMMANDS.invoke(app, [*words, "--set", "usae.k=30"])
    assert wide.exit_code == 0, wide.output


def test_a_run_without_held_out_images_is_trained_and_not_evaluated(
    tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]
) -> None:
    table = {
        "name": "tiny",
        "images": {"source": "world:images=12", "canvas": 32, "validation": 0.0},
        "backbones": [tiny_vit("first").model_dump(mode="json", exclude_none=True)],
        "activations": {"grid": 4},
        "usae": {"concepts": 24, "k": 4},
        "training": {"steps": 5, "batch_tokens": 64},
    }
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(tomli_w.dumps(table))
    made = COMMANDS.invoke(app, ["train", str(recipe), "--out", str(out), "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout) == {"run": str(out), "images": 0}
    assert "not evaluated" in made.stderr
    assert open_run(out).usae_file.is_file()
