from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomli_w

from tests.hub.standin import Hub, serving
from usae_viz import workflow
from usae_viz.recipe import BackboneSpec, load_recipe
from usae_viz.run import Run


@pytest.fixture
def trained(
    tmp_path: Path, tiny_vit: Callable[..., BackboneSpec], photos: Callable[..., Path]
) -> Run:
    specs = [tiny_vit("first", seed=1), tiny_vit("second", seed=2, kwargs={"embed_dim": 24})]
    table = {
        "name": "tiny",
        "images": {"source": f"folder:{photos(24)}", "canvas": 32, "validation": 0.4},
        "backbones": [spec.model_dump(mode="json", exclude_none=True) for spec in specs],
        "activations": {"grid": 4, "batch_images": 16},
        "usae": {"concepts": 24, "k": 4},
        "training": {"steps": 30, "batch_tokens": 64},
    }
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(table))
    return workflow.train(load_recipe(path), tmp_path / "run")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """An empty stand-in of the Hugging Face Hub; its user is logged in."""
    with serving(tmp_path / "hub-cache") as served:
        yield served
