"""The main job from a recipe to a page, on tiny networks, as the command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from PIL import Image
from typer.testing import CliRunner, Result

from usae_viz.cli import app
from usae_viz.recipe import BackboneSpec
from usae_viz.workflow import calibrating

COMMANDS = CliRunner()


def call(*words: str | Path) -> Result:
    return COMMANDS.invoke(app, [str(word) for word in words])


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def recipe_file(tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]) -> Path:
    specs = [
        tiny_vit("first", seed=1),
        tiny_vit("second", seed=2, kwargs={"embed_dim": 24}),
        tiny_vit("grey", seed=3, kwargs={"in_chans": 1}, mean=(0.5,), std=(0.5,)),
    ]
    table = {
        "name": "tiny",
        "images": {"source": "world:images=40", "canvas": 32, "validation": 0.4},
        "backbones": [spec.model_dump(mode="json", exclude_none=True) for spec in specs],
        "activations": {"grid": 4, "batch_images": 16, "shard_images": 16},
        "usae": {"concepts": 24, "k": 4},
        "training": {"steps": 30, "batch_tokens": 64, "checkpoint_every": 10},
    }
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(table))
    return path


@pytest.fixture
def run(recipe_file: Path, tmp_path: Path) -> Path:
    out = tmp_path / "run"
    as_json(call("train", recipe_file, "--out", out, "--json"))
    return out


def test_from_recipe_to_page(run: Path) -> None:
    table = as_json(call("evaluate", "--run", run, "--json"))
    names = ["first", "second", "grey"]
    assert table["backbones"] == names
    assert table["concepts"] == 24
    for kind in ("channel", "scalar"):
        assert np.array(table["r2"][kind]).shape == (3, 3)
    assert len(table["entropy"]["counts"]) == len(table["entropy"]["edges"]) - 1
    assert sum(table["entropy"]["counts"]) == 24 - table["dead"]
    assert list(table["cofire"]["proportion"]) == names
    assert list(table["cofire"]["pairs"]) == ["first|second", "first|grey", "second|grey"]
    assert table["world"]["concepts"] >= 40
    assert json.loads((run / "evaluation.json").read_text())["r2"] == table["r2"]

    rows = as_json(call("concepts", "--run", run, "--sort", "rate", "--json"))["concepts"]
    concept = rows[0]["id"]
    made = as_json(
        call("maximize", "--run", run, "--concept", concept, "--steps", 4, "--size", 40, "--json")
    )
    assert made["mode"] == "per-model"
    assert made["backbones"] == names
    (entry,) = made["concepts"]
    assert entry["concept"] == concept
    assert set(entry["natural"]) == set(names)
    assert np.array(entry["transfer"]).shape == (3, 3)
    assert entry["verdict"]
    for kind in ("images", "alpha"):
        assert all(Path(entry[kind][name]).is_file() for name in names)
    page = Path(made["page"])
    assert page.is_file()
    assert str(concept) in page.read_text()

    shared = as_json(
        call("maximize", "--run", run, "--concept", concept, "--mode", "shared", "--steps", 4,
             "--size", 40, "--json")
    )  # fmt: skip
    assert shared["mode"] == "shared"
    assert len(set(shared["concepts"][0]["images"].values())) == 1
    assert np.array(shared["concepts"][0]["transfer"]).shape == (1, 3)

    # The same for people: what is finished is read back, not computed again.
    told = call("maximize", "--run", run, "--concept", concept, "--steps", 4, "--size", 40)
    assert told.exit_code == 0, told.output
    assert f"page: {page}" in told.stdout
    assert entry["verdict"].split()[0] in told.stdout
    for words in (("evaluate",), ("concepts", "--limit", 3), ("gallery",)):
        told = call(*words, "--run", run)
        assert told.exit_code == 0, told.output
        assert told.stdout


def test_pictures_of_another_mode_only_are_on_the_page(run: Path) -> None:
    rows = as_json(call("concepts", "--run", run, "--sort", "rate", "--json"))["concepts"]
    words = ("--run", run, "--concept", rows[0]["id"], "--steps", 2, "--size", 40)
    made = as_json(call("maximize", *words, "--mode", "shared", "--json"))
    pictures = Path(made["page"]).parent / "pictures" / f"c{rows[0]['id']}"
    assert len(list(pictures.rglob("*.alpha.png"))) == 3
    for wrong in (
        ("--mode", "shared", "--backbone", "first"),
        ("--mode", "sideways"),
        ("--mode", "accentuate"),
        ("--mode", "accentuate", "--start", run / "run.json"),
        ("--objective", "median"),
        ("--also", "7:x"),
        ("--steps", 0),
    ):
        assert call("maximize", *words, *wrong).exit_code == 2, wrong


def test_a_second_training_is_refused_and_a_resumed_one_keeps_what_is_there(
    recipe_file: Path, run: Path
) -> None:
    before = (run / "usae.safetensors").stat().st_mtime_ns
    again = call("train", recipe_file, "--out", run)
    assert again.exit_code == 1
    assert "trained already" in again.stderr
    assert call("train", recipe_file, "--out", run, "--resume").exit_code == 0
    assert (run / "usae.safetensors").stat().st_mtime_ns == before


def test_a_run_without_its_store_is_evaluated_from_the_networks(run: Path) -> None:
    stored = as_json(call("evaluate", "--run", run, "--json"))
    for path in (run / "activations").iterdir():
        path.unlink()
    live = as_json(call("evaluate", "--run", run, "--json"))
    # The store holds float16.
    np.testing.assert_allclose(live["r2"]["channel"], stored["r2"]["channel"], atol=5e-3)


def test_changed_weights_are_noticed(run: Path, tiny_vit: Any) -> None:
    tiny_vit("first", seed=99)
    for path in (run / "activations").iterdir():
        path.unlink()
    result = call("evaluate", "--run", run)
    assert result.exit_code == 1
    assert "not those that the run was trained with" in result.stderr


def test_heatmaps_of_any_image(run: Path, tmp_path: Path) -> None:
    rows = as_json(call("concepts", "--run", run, "--sort", "rate", "--json"))["concepts"]
    picture = tmp_path / "grey.png"
    Image.fromarray(np.arange(60 * 80, dtype=np.uint8).reshape(60, 80)).save(picture)
    table = as_json(call("heatmap", picture, "--run", run, "--concept", rows[0]["id"], "--json"))
    assert Path(table["sheet"]).is_file()
    assert set(table["images"][0]["peak"]) == {"first", "second", "grey"}
    missing = call("heatmap", tmp_path / "no.png", "--run", run, "--concept", rows[0]["id"])
    assert missing.exit_code == 1
    assert "no.png cannot be read" in missing.stderr


def test_corrupt_images_are_skipped_counted_and_named(recipe_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(12):
        pixels = generator.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "empty.jpg").touch()
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    table = as_json(
        call(
            "extract", recipe_file, "--out", tmp_path / "other", "--json",
            "--set", f"images.source=folder:{folder}",
        )
    )  # fmt: skip
    assert sum(table["images"].values()) == 12
    skipped = {Path(entry["image"]).name: entry["reason"] for entry in table["skipped"]}
    assert set(skipped) == {"empty.jpg", "cut.png"}
    assert skipped["empty.jpg"] == "the file is empty"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("maximize", "--concept", "999"), 1, "there is no concept 999"),
        (("maximize", "--concept", "seven"), 1, "names no concepts"),
        (("maximize", "--concept", "0", "--backbone", "frist"), 1, "did you mean 'first'"),
        (("maximize", "--concept", "0", "--mode", "everything"), 2, "there is no mode"),
        (("maximize",), 2, "--concept"),
        (("gallery", "--concepts", "9999"), 1, "there is no concept"),
        (("concepts", "--sort", "beauty"), 2, "cannot be sorted by"),
    ],
)
def test_bad_input_is_a_clear_error(
    run: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = call(*words, "--run", run)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert result.stdout == ""
    assert not (run / "maximized").exists()


def test_dead_concepts_and_truncated_weights(run: Path) -> None:
    living = {row["id"] for row in as_json(call("concepts", "--run", run, "--json"))["concepts"]}
    for concept in sorted(set(range(24)) - living)[:1]:
        result = call("maximize", "--run", run, "--concept", concept)
        assert result.exit_code == 1
        assert "is dead" in result.stderr
    weights = run / "usae.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    result = call("maximize", "--run", run, "--concept", min(living))
    assert result.exit_code == 1
    assert "made with another checkpoint" in result.stderr
    assert not (run / "maximized").exists()


def test_recipe_errors_come_all_at_once(recipe_file: Path, tmp_path: Path) -> None:
    result = call(
        "train", recipe_file, "--out", tmp_path / "x", "--set", "usae.concpets=3", "--set", "sed=1"
    )
    assert result.exit_code == 1
    assert "did you mean 'concepts'" in result.stderr
    assert "did you mean 'seed'" in result.stderr
    assert not (tmp_path / "x").exists()


def test_dry_run_writes_nothing(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "SECONDS", 0.05)
    plan = as_json(call("train", recipe_file, "--out", tmp_path / "x", "--dry-run", "--json"))
    assert plan["images"] == 40
    assert plan["tokens"] == 40 * 16
    assert plan["usae_parameters"] == 24 * (2 * (16 + 24 + 16) + 3)
    memory = plan["memory_megabytes"]
    assert memory["moments"] == pytest.approx(2 * memory["parameters"], abs=0.1)
    assert plan["training_seconds"] >= 30 * plan["step_milliseconds"] / 1e3 - 0.1
    assert plan["tokens_per_second"] > 0
    assert "threads" in plan["assumed"]
    told = call("train", recipe_file, "--dry-run", "--processes", 2)
    words = " ".join(told.stdout.split())
    assert "40, of which" in words
    assert f"({plan['usae_parameters']:,} parameters)" in words
    assert "time extracting 0 s, training" in words
    assert "processes 2" in words
    shorter = as_json(call("extract", recipe_file, "--dry-run", "--json"))
    assert shorter["activations_megabytes"] == plan["activations_megabytes"]
    assert "training_seconds" not in shorter
    assert not (tmp_path / "x").exists()


def test_the_front_door_imports_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from usae_viz.cli import app\n"
        "runner = CliRunner()\n"
        "assert runner.invoke(app, ['--help']).exit_code == 0\n"
        "assert runner.invoke(app, ['maximize', '--help']).exit_code == 0\n"
        "assert runner.invoke(app, ['recipes', 'ls', '--json']).exit_code == 0\n"
        f"assert runner.invoke(app, ['train', {str(tmp_path / 'no.toml')!r}]).exit_code == 1\n"
        "import usae_viz\n"
        "usae_viz.demo_run\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ})


def test_public_names_are_functions_even_where_a_room_has_the_name() -> None:
    import usae_viz
    import usae_viz.workflow

    assert callable(usae_viz.maximize)
    assert usae_viz.maximize is sys.modules["usae_viz.maximize"].maximize
    for name in usae_viz.__all__:
        assert getattr(usae_viz, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'optimise'"):
        usae_viz.optimise  # noqa: B018
