"""What comes along: the recipes, the bundled run, and the trio of real networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from usae_viz.backbones import load_run_backbones
from usae_viz.cli import app
from usae_viz.cli.recipes import shipped
from usae_viz.concepts import concept_names, load_index
from usae_viz.demo.networks import NETWORKS
from usae_viz.recipe import load_recipe
from usae_viz.run import demo_run, open_run
from usae_viz.sae import load_usae

ROOT = Path(__file__).parent.parent
COMMANDS = CliRunner()


def as_json(*words: str | Path) -> Any:
    result = COMMANDS.invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", shipped())
def test_recipes_open_with_their_command_and_validate(name: str) -> None:
    path = shipped()[name]
    first = path.read_text().splitlines()[0]
    assert first.startswith(f"# usae-viz train recipes/{name}.toml")
    assert load_recipe(path).name == name


def test_the_worlds_recipe_reads_the_bundled_networks_as_they_were_trained() -> None:
    specs = {spec.name: spec for spec in load_recipe(shipped()["world"]).backbones}
    assert set(specs) == set(NETWORKS)
    for name, network in NETWORKS.items():
        spec = specs[name]
        kwargs = {**network.kwargs, "num_classes": len(network.concepts)}
        if network.in_chans != 3:
            kwargs["in_chans"] = network.in_chans
        assert spec.model == f"timm:{network.timm_name}"
        assert {k: list(v) if isinstance(v, tuple) else v for k, v in kwargs.items()} == spec.kwargs
        assert (spec.layer, spec.final_norm, spec.input_size) == (network.layer, network.norm, 96)
        assert spec.mean == spec.std == (0.5,) * network.in_chans


def test_copying_a_recipe(tmp_path: Path) -> None:
    result = COMMANDS.invoke(app, ["recipes", "cp", "world", str(tmp_path)])
    assert result.exit_code == 0
    assert load_recipe(tmp_path / "world.toml").digest() == load_recipe(shipped()["world"]).digest()
    again = COMMANDS.invoke(app, ["recipes", "cp", "world", str(tmp_path)])
    assert again.exit_code == 1
    unknown = COMMANDS.invoke(app, ["recipes", "cp", "wrld", str(tmp_path)])
    assert "did you mean 'world'" in unknown.stderr


def test_the_bundled_run_is_whole_and_is_that_of_its_recipe() -> None:
    run = demo_run()
    recipe = load_recipe(shipped()["world"])
    assert run.recipe().usae == recipe.usae
    assert [spec.name for spec in run.recipe().backbones] == [s.name for s in recipe.backbones]
    assert load_usae(run).concepts == load_index(run).concepts == recipe.usae.concepts


def test_the_bundled_run_keeps_its_promises() -> None:
    """The figures that the documentation gives, as they were measured when it was made."""
    table = json.loads((demo_run().path / "evaluation.json").read_text())
    r2 = np.array(table["r2"]["channel"])
    assert (np.diag(r2) >= 0.6).all()
    assert (r2 > 0).all()
    living = table["concepts"] - table["dead"]
    assert table["entropy"]["above_0.9"] >= living / 4
    assert table["world"]["recovered"] >= 25
    assert table["world"]["colour_shared_with_colour_blind"] == []


def test_masks_name_the_bundled_concepts_rightly() -> None:
    """By one half of the images, that is; on the other half the name is right and lies there."""
    run = demo_run()
    assert run.dissection_file is not None
    found = json.loads(run.dissection_file.read_text())
    named = {k: entry for k, entry in found["concepts"].items() if entry["name"]}
    right = {k: e["name"] for k, e in named.items() if e["name"] == e["best_on_scored"]}
    assert len(right) >= 0.9 * len(named)
    joint = [
        match["joint"]
        for label, match in found["labels"].items()
        if right.get(str(match["concept"])) == label
    ]
    assert len(joint) >= 30
    assert np.median(joint) >= 0.5
    names = concept_names(run)
    assert {names[int(k)].source for k in right} == {"dissection"}


def test_evaluating_the_bundled_run_gives_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = json.loads((demo_run().path / "evaluation.json").read_text())
    table = as_json("evaluate", "--json")
    # Stored figures are of float16 activations, and another processor rounds differently.
    np.testing.assert_allclose(table["r2"]["channel"], stored["r2"]["channel"], atol=0.01)
    assert abs(table["world"]["recovered"] - stored["world"]["recovered"]) <= 1
    assert table["world"]["colour_shared_with_colour_blind"] == []


def test_maximizing_a_bundled_concept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = as_json("maximize", "--concept", 7, "--json")
    (entry,) = table["concepts"]
    own = np.diag(np.array(entry["transfer"], dtype=float))
    assert (own >= 0.5).all()
    assert (own >= 1).sum() >= 2
    for name in table["backbones"]:
        with Image.open(entry["images"][name]) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(float)
        assert pixels.std() > 10, "a flat picture"
        clipped = ((pixels < 2) | (pixels > 253)).mean()
        assert clipped < 0.25, "saturated to black and white"
    page = Path(table["page"])
    assert page.is_file()
    assert len(list((page.parent / "thumbs").glob("*.webp"))) >= 9


@pytest.mark.real
def test_the_real_trio_from_photographs_to_pictures(real_data: Path, tmp_path: Path) -> None:
    photographs = sorted((real_data / "images").rglob("*.jpg"))[::60][:48]
    folder = tmp_path / "photographs"
    folder.mkdir()
    for path in photographs:
        (folder / path.name).symlink_to(path)
    (folder / "broken.jpg").write_bytes(photographs[0].read_bytes()[:300])
    run = tmp_path / "run"
    table = as_json(
        "train", shipped()["imagenet-tiny-trio"], "--out", run, "--json",
        "--set", f"images.source=folder:{folder}",
        "--set", f"weights_dir={real_data / 'weights'}",
        "--set", "usae.concepts=128", "--set", "usae.k=8",
        "--set", "training.steps=150", "--set", "training.batch_tokens=512",
        "--set", "images.validation=0.25",
    )  # fmt: skip
    r2 = np.array(table["r2"]["channel"])
    assert (np.diag(r2) > 0.1).all()
    rows = as_json("concepts", "--run", run, "--limit", 1, "--json")["concepts"]
    made = as_json("maximize", "--run", run, "--concept", rows[0]["id"], "--steps", 40, "--json")
    own = np.diag(np.array(made["concepts"][0]["transfer"], dtype=float))
    assert (own > 0.5).all()
    manifest = json.loads((run / "activations" / "manifest.json").read_text())
    assert [Path(where).name for where, _ in manifest["problems"]] == ["broken.jpg"]


def test_the_pretrained_trio_is_small_and_holds_no_photograph() -> None:
    run = open_run("imagenet-tiny-trio")
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 14e6
    assert {path.suffix for path in files} <= {".json", ".jsonl", ".toml", ".safetensors", ".svg"}
    usae = load_usae(run)
    assert usae.concepts >= 2048
    evaluation = run.find_evaluation()
    assert evaluation is not None
    found = json.loads(evaluation.read_text())
    assert found["concepts"] == usae.concepts
    assert run.recipe().weights_dir is None
    assert run.recipe().images.source == "folder:"


@pytest.mark.real
def test_the_pretrained_trio_finds_its_networks(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(real_data / "weights"))
    run = open_run("imagenet-tiny-trio")
    # Loading refuses weights of another hash.
    assert list(load_run_backbones(run)) == list(run.names)


def test_the_example_gallery_is_of_this_run_and_these_templates() -> None:
    from usae_viz.gallery.manifest import site_look

    folder = ROOT / "gallery"
    table = json.loads((folder / "gallery.json").read_text())
    assert table["look"] == site_look(demo_run()), "run scripts/build_example.py"
    assert all((folder / "concepts" / f"{int(k):06d}.html").is_file() for k in table["pages"])
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert size < 6e6
