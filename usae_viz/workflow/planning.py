"""What a training would do and cost, before it does it."""

from __future__ import annotations

import time
from typing import Any

import torch

from usae_viz.backbones import Backbone
from usae_viz.images import open_source, split_ids
from usae_viz.recipe import BackboneSpec, Recipe
from usae_viz.workflow.backbones import load_backbones
from usae_viz.workflow.calibrating import Clock, Pace, calibrate
from usae_viz.workflow.sizes import disk, extraction_memory, memory, parameters


def plan(
    recipe: Recipe,
    *,
    device: str = "cpu",
    processes: int = 1,
    training: bool = True,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Return what `train` (or `extract`) would do; writes nothing but to a temporary folder.

    Bytes follow from the recipe. Times are measured: a few of the recipe's own images are
    extracted, and the training takes some seconds of steps on them; what they assume is in
    ``assumed``.

    Args:
        recipe: what would be trained.
        device: where it would be.
        processes: how many would share the work, each on a device (and cores) of its own.
        training: False plans the extraction alone.
        clock: gives seconds; ``time.process_time`` makes plans comparable on a machine that has
            other work.
    """
    source = open_source(recipe.images)
    backbones = load_backbones(recipe, device)
    dims = {name: backbone.dim for name, backbone in backbones.items()}
    held_out = len(split_ids(source, "validation", recipe.images.validation))
    images = (len(source.ids) - held_out, held_out)
    weights = sum(p.numel() for backbone in backbones.values() for p in backbone.parameters())
    pace = calibrate(recipe, backbones, images, device=device, training=training, clock=clock)
    bytes_on_disk = disk(recipe, dims, images)
    table: dict[str, Any] = {
        "run": recipe.name,
        "images": sum(images),
        "validation": held_out,
        "tokens": sum(images) * recipe.activations.grid**2,
        "backbones": {
            spec.name: _described(spec, backbones[spec.name]) for spec in recipe.backbones
        },
        "processes": processes,
        "activations_megabytes": _megabytes(bytes_on_disk["activations"]),
        "extraction_memory_megabytes": _all_megabytes(
            extraction_memory(recipe, dims, weights, sum(images))
        ),
        "extraction_seconds": round(pace.image * sum(images) / processes, 1),
    }
    if training:
        table |= _training(recipe, dims, images, pace, processes)
    table["assumed"] = (
        f"timed on {device} with {torch.get_num_threads()} threads on {pace.images} images"
        + (f" and {pace.steps} steps" if training else "")
        + (f"; {processes} processes divide it evenly" if processes > 1 else "")
        + ("; without indexing and evaluation" if training else "")
    )
    return table


def _training(
    recipe: Recipe, dims: dict[str, int], images: tuple[int, int], pace: Pace, processes: int
) -> dict[str, Any]:
    training, bytes_on_disk = recipe.training, disk(recipe, dims, images)
    # Every process reads the whole batch and takes its rows of it; the model is whole in each.
    step = pace.step / processes
    steps, loop = training.steps, step * training.steps
    if training.max_minutes is not None and loop > 60 * training.max_minutes:
        steps, loop = round(60 * training.max_minutes / step), 60 * training.max_minutes
    looks = steps // training.validate_every if training.validate_every else 0
    saves = steps // training.checkpoint_every
    return {
        "usae_parameters": parameters(recipe, dims),
        "usae_megabytes": _megabytes(bytes_on_disk["usae"]),
        "checkpoint_megabytes": _megabytes(bytes_on_disk["checkpoint"]),
        "memory_megabytes": _all_megabytes(memory(recipe, dims, images)),
        "steps": steps,
        "epochs": round(
            steps * training.batch_tokens / max(images[0] * recipe.activations.grid**2, 1), 2
        ),
        "step_milliseconds": round(1e3 * step, 3),
        "tokens_per_second": round(training.batch_tokens / step),
        "training_seconds": round(loop + looks * pace.look + saves * pace.save + pace.ends, 1),
    }


def _described(spec: BackboneSpec, backbone: Backbone) -> str:
    rows, columns = backbone.native_grid
    return (
        f"{spec.model}, {backbone.dim} channels, grid {rows}×{columns} → "
        f"{backbone.grid}×{backbone.grid}"
    )


def _megabytes(count: float) -> float:
    return round(count / 1e6, 1)


def _all_megabytes(table: dict[str, int]) -> dict[str, float]:
    return {key: _megabytes(value) for key, value in table.items()}
