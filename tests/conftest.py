"""Fixtures shared by all rooms: small networks, small pictures, and the real ones where present."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from usae_viz.recipe import BackboneSpec, Recipe, parse_recipe

TINY_VIT: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "embed_dim": 16,
    "depth": 2,
    "num_heads": 2,
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Tensors here are so small that a second thread only costs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered of image files is kept out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USAE_VIZ_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real pretrained networks and photographs; the test is skipped without it."""
    folder = os.environ.get("USAE_VIZ_REAL_DATA")
    if not folder:
        pytest.skip("USAE_VIZ_REAL_DATA is not set")
    if not (Path(folder) / "weights.json").is_file():
        pytest.skip(f"USAE_VIZ_REAL_DATA={folder} holds no weights.json")
    return Path(folder)


@pytest.fixture
def tiny_vit(tmp_path: Path) -> Callable[..., BackboneSpec]:
    """Make a ViT of 4 x 4 tokens and 16 channels with random weights, saved as a local file.

    Tests load it through the ordinary path: ``load_backbone(tiny_vit("a", seed=1))``.
    """

    def make(name: str, *, seed: int = 0, kwargs: Any = (), **fields: Any) -> BackboneSpec:
        arguments = {**TINY_VIT, **dict(kwargs)}
        path = tmp_path / "weights" / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = timm.create_model("vit_tiny_patch16_224", **arguments)
        save_file(network.state_dict(), path)
        table = {"input_size": 32, "weights": str(path), "kwargs": arguments}
        return BackboneSpec(name=name, model="timm:vit_tiny_patch16_224", **{**table, **fields})

    return make


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Callable[..., Recipe]:
    """Make a valid recipe; keyword arguments replace or extend its tables."""

    def make(**tables: Any) -> Recipe:
        table: dict[str, Any] = {
            "name": "tiny",
            "images": {"source": f"folder:{tmp_path / 'photos'}", "canvas": 32},
            "backbones": [{"name": "a", "model": "timm:vit_tiny_patch16_224"}],
            "activations": {"grid": 4, "batch_images": 3, "shard_images": 4},
            "usae": {"concepts": 16, "k": 2},
            "training": {"steps": 10, "batch_tokens": 16},
        }
        for key, value in tables.items():
            table[key] = {**table[key], **value} if isinstance(table.get(key), dict) else value
        return parse_recipe(table)

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of `count` different PNG pictures of noise, 40 x 36 pixels."""

    def make(count: int, *, seed: int = 0, name: str = "photos") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(seed)
        for number in range(count):
            pixels = random.integers(0, 256, (36, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:03d}.png")
        return folder

    return make
