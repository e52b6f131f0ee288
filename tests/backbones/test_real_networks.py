from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from usae_viz.backbones import load_backbone
from usae_viz.images import read_canvas
from usae_viz.recipe import BackboneSpec, load_recipe


@pytest.mark.real
@pytest.mark.filterwarnings("default")
def test_the_shipped_recipe_loads_real_weights_from_a_folder(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(real_data / "weights"))
    recipe = load_recipe(Path(__file__).parents[2] / "recipes" / "imagenet-tiny-trio.toml")
    dims = {}
    for spec in recipe.backbones:
        backbone = load_backbone(spec, grid=recipe.activations.grid)
        assert backbone.native_grid == (14, 14)
        assert backbone.input_size == 224
        dims[spec.name] = backbone.dim
    assert dims == {"deit_tiny": 192, "vit_tiny": 192, "mobilenetv2": 96}


@pytest.mark.real
@pytest.mark.parametrize(
    "model", ["deit_tiny_patch16_224.fb_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k"]
)
def test_real_networks_recognise_photographs_through_our_preprocessing(
    real_data: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(real_data / "weights"))
    backbone = load_backbone(BackboneSpec(name="real", model=f"timm:{model}"))
    with (real_data / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "flickr_cc_by"][:40]
    classes = torch.tensor([int(row["label"].removeprefix("imagenet:")) for row in rows])
    images = torch.stack([read_canvas((real_data / r["path"]).read_bytes(), 224) for r in rows])
    with torch.no_grad():
        scores = backbone.network(backbone.preprocess(images.float() / 255))
    assert (scores.argmax(1) == classes).float().mean() >= 0.7
