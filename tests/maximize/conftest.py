"""Small networks of different input sizes, a random USAE for them, and a run on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from usae_viz.backbones import Backbone, load_backbone
from usae_viz.concepts import index_run
from usae_viz.recipe import BackboneSpec, parse_recipe
from usae_viz.run import BackboneRecord, Run, RunInfo
from usae_viz.sae import UniversalSAE, UsaeConfig, save_usae

CONCEPTS = 12


def _backbone(name: str, input_size: int, *, dim: int = 6, seed: int = 0) -> Backbone:
    """Make a frozen two-layer CNN that returns a 4 x 4 map of `dim` channels."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.Conv2d(8, dim, 3, padding=1)
        )
    return Backbone(
        name,
        network,
        network,
        input_size=input_size,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        grid=4,
        weights_sha256=f"{seed:064x}",
    )


@pytest.fixture(scope="session")
def tiny_backbone() -> Callable[..., Backbone]:
    return _backbone


@torch.no_grad()
def _usae(dims: dict[str, int], *, seed: int = 0) -> UniversalSAE:
    """Make a frozen USAE of random unit rows."""
    usae = UniversalSAE(dims, CONCEPTS, k=3)
    generator = torch.Generator().manual_seed(seed)
    for weight, rows in zip(usae.weight, usae.dictionary, strict=True):
        weight.copy_(nn.functional.normalize(torch.randn(weight.shape, generator=generator)))
        rows.copy_(weight)
    return usae.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def backbones() -> dict[str, Backbone]:
    return {
        "small": _backbone("small", 24, seed=1),
        "large": _backbone("large", 40, dim=5, seed=2),
    }


@pytest.fixture(scope="session")
def usae(backbones: dict[str, Backbone]) -> UniversalSAE:
    return _usae({name: backbone.dim for name, backbone in backbones.items()})


@pytest.fixture
def run(tmp_path: Path, tiny_vit: Callable[..., BackboneSpec]) -> Run:
    """Make a run on disk: two tiny ViTs of 32 and 48 pixels, a USAE and an index of 24 images."""
    specs = [
        tiny_vit("low", seed=1),
        tiny_vit("high", seed=2, input_size=48, kwargs={"img_size": 48, "embed_dim": 24}),
    ]
    networks = {spec.name: load_backbone(spec, grid=4) for spec in specs}
    recipe = parse_recipe(
        {
            "name": "tiny",
            "images": {"source": "folder:photos", "canvas": 48},
            "backbones": [spec.model_dump(exclude_none=True) for spec in specs],
            "activations": {"grid": 4},
            "usae": {"concepts": CONCEPTS, "k": 3},
            "training": {"steps": 10, "batch_tokens": 16},
        }
    )
    info = RunInfo(
        format=1,
        name="tiny",
        recipe_sha256=recipe.digest(),
        backbones=tuple(
            BackboneRecord(
                spec=spec,
                weights_sha256=networks[spec.name].weights_sha256,
                dim=networks[spec.name].dim,
                grid=4,
                input_size=networks[spec.name].input_size,
                sees_colour=True,
            )
            for spec in specs
        ),
        created_by="tests",
    )
    run = Run.create(tmp_path / "run", recipe, info)
    dims = {name: network.dim for name, network in networks.items()}
    usae = _usae(dims)
    # A row of zeros with a large negative bias never fires: a dead concept.
    for weight, bias in zip(usae.weight, usae.bias, strict=True):
        weight[CONCEPTS - 1] = 0
        bias[CONCEPTS - 1] = -100
    config = UsaeConfig(dims=dims, concepts=CONCEPTS, k=3, tau=0.1, mode="ours", steps=0, seconds=0)
    save_usae(run, usae, config)
    images = torch.rand(24, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        tokens = {
            name: network(images).flatten(2).transpose(1, 2) for name, network in networks.items()
        }
    index_run(run, usae, [([f"{i:064x}" for i in range(24)], tokens)], examples=3)
    return run
