"""What a training would do and cost, before it does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from usae_viz.backbones import Backbone
from usae_viz.images import open_source, split_ids
from usae_viz.recipe import Recipe
from usae_viz.sae import UniversalSAE
from usae_viz.sae.modes import ingredients
from usae_viz.sae.step import TrainingStep
from usae_viz.workflow.backbones import load_backbones, open_device

PROBE_SECONDS = 2.0
"""How long steps are timed, after two that warm up."""
PROBE_IMAGES = 4
"""Images of noise that the networks are timed on."""
BUFFER = 4 << 20
"""Bytes of the tile that pre-gate activations pass through (``sae.encoding``)."""


def plan(recipe: Recipe, *, device: str = "cpu") -> dict[str, Any]:
    """Return what `train` would do; writes nothing.

    Sizes follow from the recipe. Times are measured: the networks on a few images of noise, the
    training step on random tokens for about two seconds; what they assume is in ``assumed``.

    Args:
        recipe: what would be trained.
        device: where it would be.
    """
    source = open_source(recipe.images)
    backbones = load_backbones(recipe, device)
    tokens = len(source.ids) * recipe.activations.grid**2
    width = sum(backbone.dim for backbone in backbones.values())
    size = 4 if recipe.activations.dtype == "float32" else 2
    parameters = recipe.usae.concepts * (2 * width + len(backbones))
    training = recipe.training
    image, step = (
        _seconds_per_image(recipe, backbones),
        _seconds_per_step(recipe, backbones, device),
    )
    whole = step * training.steps
    if training.max_minutes is not None:
        whole = min(whole, 60 * training.max_minutes)
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
        "activations_megabytes": round(tokens * width * size * recipe.activations.store / 1e6, 1),
        "usae_parameters": parameters,
        "memory_megabytes": memory(recipe, width, parameters, size, len(source.ids)),
        "steps": training.steps,
        "epochs": round(training.steps * training.batch_tokens / max(tokens, 1), 2),
        "extraction_seconds": round(image * len(source.ids), 1),
        "step_milliseconds": round(1e3 * step, 2),
        "tokens_per_second": round(training.batch_tokens / step),
        "training_seconds": round(whole, 1),
        "assumed": f"timed on {device} with {torch.get_num_threads()} threads, random tokens, one "
        "process; without decoding images, validation and indexing",
    }


def memory(recipe: Recipe, width: int, parameters: int, size: int, images: int) -> dict[str, float]:
    """Return megabytes of memory that a training holds, by what for; all but ``transient`` exact.

    Args:
        recipe: what would be trained.
        width: channels of all backbones together.
        parameters: of the USAE.
        size: bytes of a stored value.
        images: in all.
    """
    training = recipe.training
    kept = training.batch_tokens * recipe.usae.k
    parts = {
        "parameters": 4 * parameters,
        "moments": 8 * parameters,
        "gradients": 4 * parameters,
        "average": 4 * parameters if training.average else 0,
        "shuffle_buffer": min(training.buffer_images, images)
        * recipe.activations.grid**2
        * width
        * size,
        "batch": 4 * training.batch_tokens * width,
        # Errors of one backbone at a time; values, indices and their order by concept.
        "transient": BUFFER + 4 * training.batch_tokens * width + kept * 40,
    }
    table = {key: round(value / 1e6, 1) for key, value in parts.items()}
    return {**table, "together": round(sum(parts.values()) / 1e6, 1)}


def _seconds_per_image(recipe: Recipe, backbones: Mapping[str, Backbone]) -> float:
    canvas = recipe.images.canvas
    pixels = torch.rand(PROBE_IMAGES, 3, canvas, canvas)

    def read() -> None:
        with torch.no_grad():
            for backbone in backbones.values():
                backbone(pixels.to(backbone.mean.device)).sum().item()

    read()
    return _timed(read, 2) / PROBE_IMAGES


def _seconds_per_step(recipe: Recipe, backbones: Mapping[str, Backbone], device: str) -> float:
    generator = torch.Generator().manual_seed(0)
    dims = {name: backbone.dim for name, backbone in backbones.items()}
    usae = UniversalSAE(dims, recipe.usae.concepts, recipe.usae.k).to(open_device(device))
    parts = ingredients(recipe.usae, recipe.training)
    step = TrainingStep(usae, parts, seed=0)
    step.initialise(None)
    batch = {
        name: torch.randn(recipe.training.batch_tokens, dim, generator=generator)
        for name, dim in dims.items()
    }

    def take() -> None:
        step(batch, 0.5)()

    once = _timed(take, 2)
    return _timed(take, max(1, min(200, round(PROBE_SECONDS / max(once, 1e-6)))))


def _timed(work: Callable[[], None], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times
