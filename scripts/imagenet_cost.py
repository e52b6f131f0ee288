"""Bytes on disk and in memory of the ImageNet recipe, without its images and weights.

    python scripts/imagenet_cost.py [--processes 8] [--set usae.concepts=12288 …] [--json]

The networks are built for their widths only. Times need the networks on your machine: `--dry-run`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import timm

from usae_viz.recipe import load_recipe
from usae_viz.workflow.sizes import disk, extraction_memory, memory, parameters

RECIPE = Path(__file__).parent.parent / "recipes" / "imagenet1k-vit-siglip-dinov2.toml"
IMAGES = 1_281_167
"""Training images of ImageNet-1k."""


def cost(sets: list[str]) -> dict[str, Any]:
    """Return bytes of everything, by what for."""
    recipe = load_recipe(RECIPE, sets)
    networks = [spec.model.partition(":")[2] for spec in recipe.backbones]
    built = [timm.create_model(name, pretrained=False) for name in networks]
    dims = {
        spec.name: int(model.num_features)
        for spec, model in zip(recipe.backbones, built, strict=True)
    }
    weights = sum(p.numel() for model in built for p in model.parameters())
    held_out = round(IMAGES * recipe.images.validation)
    images = (IMAGES - held_out, held_out)
    tokens = images[0] * recipe.activations.grid**2
    return {
        "images": IMAGES,
        "dims": dims,
        "parameters": {"networks": weights, "usae": parameters(recipe, dims)},
        "disk": disk(recipe, dims, images),
        "extraction": extraction_memory(recipe, dims, weights, IMAGES),
        "training": memory(recipe, dims, images),
        "epochs": round(recipe.training.steps * recipe.training.batch_tokens / tokens, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=8, help="on one machine")
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = cost(options.sets)
    host = {
        "extraction": options.processes * table["extraction"]["together"],
        "training": options.processes * (table["training"]["together"]),
    }
    table["machine"] = {"processes": options.processes, **host}
    if options.json:
        print(json.dumps(table))
        return
    for key, value in table.items():
        if isinstance(value, dict) and key not in ("dims", "parameters"):
            value = {
                part: size if part == "processes" else f"{size / 1e9:.2f} GB"
                for part, size in value.items()
            }
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
