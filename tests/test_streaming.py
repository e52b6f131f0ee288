"""A training without a store, and what comes after it, as the command line runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import tomli_w
from typer.testing import CliRunner

from usae_viz.cli import app
from usae_viz.recipe import BackboneSpec


def test_training_without_a_store_keeps_no_tokens_and_is_evaluated(
    tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]
) -> None:
    specs = [tiny_vit("first", seed=1), tiny_vit("second", seed=2, kwargs={"embed_dim": 24})]
    table = {
        "name": "tiny",
        "images": {"source": "world:images=40", "canvas": 32, "validation": 0.4},
        "backbones": [spec.model_dump(mode="json", exclude_none=True) for spec in specs],
        "activations": {"grid": 4, "batch_images": 8, "store": False, "statistics_images": 16},
        "usae": {"concepts": 16, "k": 4},
        "training": {"steps": 12, "batch_tokens": 64, "buffer_images": 8},
    }
    recipe, run = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(tomli_w.dumps(table))
    done = CliRunner().invoke(app, ["train", str(recipe), "--out", str(run), "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["r2"]["channel"]) == 2
    assert [path.name for path in (run / "activations").iterdir()] == ["statistics.safetensors"]
    assert (run / "usae.safetensors").is_file()
