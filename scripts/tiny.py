"""A run so small that every verb ends in a second or two: what `faults.py` and `fuzz.py` break."""

from __future__ import annotations

from pathlib import Path

import timm
import tomli_w
import torch
from safetensors.torch import save_file

NETWORK = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}


def write_recipe(folder: Path, *, images: int = 24, steps: int = 60) -> Path:
    """Write a recipe of the built-in world and two ViTs of random weights; returns its file."""
    backbones = []
    for seed, (name, changes) in enumerate({"first": {}, "second": {"embed_dim": 24}}.items()):
        arguments = NETWORK | changes
        torch.manual_seed(seed)
        network = timm.create_model("vit_tiny_patch16_224", **arguments)
        weights = folder / "weights" / f"{name}.safetensors"
        weights.parent.mkdir(parents=True, exist_ok=True)
        save_file(network.state_dict(), weights)
        backbones.append(
            {
                "name": name,
                "model": "timm:vit_tiny_patch16_224",
                "weights": str(weights),
                "input_size": 32,
                "kwargs": arguments,
            }
        )
    table = {
        "name": "tiny",
        "images": {
            "source": f"world:images={images},first=30000000",
            "canvas": 32,
            "validation": 0.25,
        },
        "backbones": backbones,
        "activations": {"grid": 4, "batch_images": 2, "shard_images": 2},
        "usae": {"concepts": 24, "k": 4},
        "training": {
            "steps": steps,
            "batch_tokens": 64,
            "checkpoint_every": 7,
            "validate_every": 20,
            "average": 0.9,
        },
    }
    file = folder / "tiny.toml"
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    return file
