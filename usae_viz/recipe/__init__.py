"""Recipes: what to train, on what. Strict typed TOML; imports no torch."""

from __future__ import annotations

from usae_viz.recipe.reading import SOURCE_PATH, load_recipe, parse_recipe
from usae_viz.recipe.sections import (
    ActivationsSpec,
    BackboneSpec,
    ConceptsSpec,
    ImagesSpec,
    Recipe,
    TrainingSpec,
    UsaeSpec,
)

__all__ = [
    "SOURCE_PATH",
    "ActivationsSpec",
    "BackboneSpec",
    "ConceptsSpec",
    "ImagesSpec",
    "Recipe",
    "TrainingSpec",
    "UsaeSpec",
    "load_recipe",
    "parse_recipe",
]
