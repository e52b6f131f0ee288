"""A further backbone joins a trained run, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import tomli_w
from typer.testing import CliRunner

from usae_viz.cli import app
from usae_viz.recipe import BackboneSpec
from usae_viz.run import Run, open_run
from usae_viz.sae import load_usae

COMMANDS = CliRunner()


def test_a_run_grows_and_a_recipe_that_does_not_fit_is_refused(
    trained: Run, tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]
) -> None:
    table = trained.recipe().model_dump(mode="json", exclude_none=True)
    third = tiny_vit("third", seed=3).model_dump(mode="json", exclude_none=True)
    recipe, out = tmp_path / "grown.toml", tmp_path / "grown"
    recipe.write_text(tomli_w.dumps({**table, "backbones": [*table["backbones"], third]}))
    words = ["train", str(recipe), "--out", str(out), "--grow", str(trained.path)]
    wrong = COMMANDS.invoke(app, [*words, "--set", "usae.concepts=16"])
    assert wrong.exit_code == 1
    assert "--set usae.concepts=24" in wrong.stderr
    wrong = COMMANDS.invoke(app, [*words, "--set", "images.canvas=48"])
    assert "images.canvas = 32" in wrong.stderr
    wrong = COMMANDS.invoke(app, [*words, "--set", "images.crop_pct=0.5"])
    assert "images.crop_pct" in wrong.stderr
    for change in ("usae.variant=jumprelu", "usae.mode=crosscoder"):
        wrong = COMMANDS.invoke(app, [*words, "--set", change])
        assert wrong.exit_code == 1
        assert "cannot be grown" in wrong.stderr
    alone = COMMANDS.invoke(app, ["train", str(trained.recipe_file), *words[2:]])
    assert "and a further one" in alone.stderr
    for extra in (["--set", "usae.k=3,4"], ["--dry-run"]):
        wrong = COMMANDS.invoke(app, [*words, *extra])
        assert wrong.exit_code == 2
    # Read otherwise, a frozen network's tokens would be others.
    wrong = COMMANDS.invoke(
        app,
        [
            *words[:3],
            str(tmp_path / "read"),
            *words[4:],
            "--set",
            "backbones.first.std=[0.1,0.1,0.1]",
        ],
    )
    assert wrong.exit_code == 1
    assert "std (0.1, 0.1, 0.1)" in wrong.stderr
    # The networks of the run that grows must be its own.
    seed = table["backbones"][0]["weights"]
    Path(seed).rename(tmp_path / "kept")
    tiny_vit("first", seed=9)
    wrong = COMMANDS.invoke(app, [*words[:3], str(tmp_path / "other"), *words[4:]])
    assert "first is not the network" in wrong.stderr
    (tmp_path / "kept").replace(seed)
    made = COMMANDS.invoke(app, [*words[:3], str(tmp_path / "third"), *words[4:], "--json"])
    assert made.exit_code == 0, made.output
    evaluation = json.loads(made.stdout)
    assert evaluation["backbones"] == ["first", "second", "third"]
    usae, base = load_usae(open_run(evaluation["run"])), load_usae(trained)
    assert (usae.rows("second") == base.rows("second")).all()
