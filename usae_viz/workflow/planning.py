"""What a training would do, before it does it."""

from __future__ import annotations

from typing import Any

from usae_viz.images import open_source, split_ids
from usae_viz.recipe import Recipe
from usae_viz.workflow.backbones import load_backbones


def plan(recipe: Recipe) -> dict[str, Any]:
    """Return what `train` would do: images, tokens, sizes on disk; loads backbones, runs none."""
    source = open_source(recipe.images)
    backbones = load_backbones(recipe)
    tokens = len(source.ids) * recipe.activations.grid**2
    width = sum(backbone.dim for backbone in backbones.values())
    size = 4 if recipe.activations.dtype == "float32" else 2
    return {
        "run": recipe.name,
        "images": len(source.ids),
        "validation": len(split_ids(source, "validation", recipe.images.validation)),
        "tokens": tokens,
        "backbones": {
            name: f"{recipe_spec.model}, {backbone.dim} channels, grid "
            f"{backbone.native_grid[0]}×{backbone.native_grid[1]} → {backbone.grid}×{backbone.grid}"
            for recipe_spec, (name, backbone) in zip(
                recipe.backbones, backbones.items(), strict=True
            )
        },
        "activations_megabytes": round(tokens * width * size / 1e6, 1),
        "usae_parameters": recipe.usae.concepts * (2 * width + len(backbones)),
        "steps": recipe.training.steps,
        "epochs": round(recipe.training.steps * recipe.training.batch_tokens / max(tokens, 1), 2),
    }
