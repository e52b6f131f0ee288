"""Bytes on disk and in memory that follow from a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from usae_viz.recipe import Recipe
from usae_viz.sae.encoding import TILE
from usae_viz.sae.modes import ARCHETYPES
from usae_viz.sae.universal import PIECE

MOMENTS = 16
"""Bytes of a shard's moments a channel: mean and m2 in float64."""
HEADER = 170
"""Bytes of a shard's header, and as much again for each of its tensors."""
ENCODED = 6.5
"""Bytes that encoding takes for each pre-gate activation: itself, and what finds the largest."""
COUNTED = 1 << 22
"""Values of a code that are dense at once in counting, per backbone (``sae.statistics``)."""
LOOK_IMAGES = 16
"""Held-out images whose codes are held at once (``workflow.training``)."""
BUFFERS = 3
"""Shuffle buffers in memory: one in use, one ready, one being read; without a store, one."""
SHARDS = 3
"""Shards in memory: one that is filled, one that is written, and its file's bytes."""


def parameters(recipe: Recipe, dims: Mapping[str, int]) -> int:
    """Return how many numbers the USAE has: encoders, biases, dictionaries, thresholds."""
    vectors = 2 if recipe.usae.variant in ("batchtopk", "jumprelu") else 1
    return recipe.usae.concepts * (2 * sum(dims.values()) + vectors * len(dims))


def learning(recipe: Recipe, dims: Mapping[str, int]) -> int:
    """Return how many numbers have a gradient and moments in training."""
    if recipe.usae.variant != "archetypal":
        return parameters(recipe, dims)
    # The dictionaries are made of the mixture.
    dictionaries = recipe.usae.concepts * sum(dims.values())
    return parameters(recipe, dims) - dictionaries + _mixture(recipe, dims)


def beside(recipe: Recipe, dims: Mapping[str, int]) -> int:
    """Return how many numbers a training's model has beside the USAE's: archetypes and mixture."""
    if recipe.usae.variant != "archetypal":
        return 0
    return _mixture(recipe, dims) + (recipe.usae.archetypes or ARCHETYPES) * sum(dims.values())


def _mixture(recipe: Recipe, dims: Mapping[str, int]) -> int:
    """Return how many numbers mix archetypes into rows, and lead rows out of their hull."""
    usae = recipe.usae
    steps = sum(dims.values()) if usae.relaxation else 0
    return usae.concepts * ((usae.archetypes or ARCHETYPES) + steps)


def image_bytes(recipe: Recipe, dims: Mapping[str, int]) -> int:
    """Return the bytes of the tokens of one image, of all backbones."""
    size = 4 if recipe.activations.dtype == "float32" else 2
    return recipe.activations.grid**2 * sum(dims.values()) * size


def disk(recipe: Recipe, dims: Mapping[str, int], images: tuple[int, int]) -> dict[str, int]:
    """Return bytes on disk, by what for.

    Args:
        recipe: what would be trained.
        dims: channels of each backbone.
        images: how many to train on, and how many held out.
    """
    shards = sum(-(-count // recipe.activations.shard_images) for count in images)
    tensors = 3 * len(dims) + 1
    store = sum(images) * (image_bytes(recipe, dims) + 32) + shards * (
        MOMENTS * sum(dims.values()) + HEADER * (1 + tensors)
    )
    p = parameters(recipe, dims)
    training = recipe.training
    whole = p + beside(recipe, dims)
    copies = (1 + bool(training.average)) * whole + (training.patience is not None) * p
    return {
        "activations": store if recipe.activations.store else 0,
        "usae": 4 * p,
        "checkpoint": 4 * (copies + 2 * learning(recipe, dims)),
    }


def memory(recipe: Recipe, dims: Mapping[str, int], images: tuple[int, int]) -> dict[str, int]:
    """Return bytes of memory that the training loop takes beyond its libraries, by what for.

    ``together`` is the peak: what is always there, and the largest of what comes and goes (the
    step's gradients and transients, a look at held-out images, numbering the concepts at the end, a
    checkpoint's bytes). ``device`` is the part of it that lies on the device: neither shuffle
    buffers nor numbering nor the checkpoint. What malloc
    keeps of freed memory comes on top.

    Args:
        recipe: what would be trained.
        dims: channels of each backbone.
        images: how many to train on, and how many held out.
    """
    training, usae = recipe.training, recipe.usae
    p, width, tokens = parameters(recipe, dims), sum(dims.values()), recipe.activations.grid**2
    learns, whole = learning(recipe, dims), p + beside(recipe, dims)
    buffers = -(-max(images[0], 1) // training.buffer_images)
    kept = training.batch_tokens * usae.k
    looked = min(LOOK_IMAGES, training.validation_images, images[1]) * tokens
    # All processes share a batch and hold a whole model each.
    always = {
        "parameters": 4 * whole,
        "moments": 8 * learns,
        "average": 4 * whole if training.average else 0,
        "best": 4 * p if training.patience is not None else 0,
        "shuffle_buffers": (BUFFERS if recipe.activations.store else 1)
        * -(-images[0] // buffers)
        * image_bytes(recipe, dims),
        "batch": 4 * training.batch_tokens * width,
    }
    passing = {
        "gradients": 4 * learns,
        # Errors of one backbone at a time; values, indices and their order by concept.
        "transient": TILE + 4 * training.batch_tokens * max(dims.values()) + kept * 40,
    }
    # Finished copies of the model: held-out images are looked at, and concepts numbered, by those.
    look = 0.0
    if training.validate_every and looked:
        codes = min(looked * usae.concepts, PIECE)
        look = 4 * p + 8 * looked * width + ENCODED * codes + _counting(recipe, dims, looked)
    numbering = (
        4 * p
        + ENCODED * min(training.batch_tokens * usae.concepts, PIECE)
        + _counting(recipe, dims, training.batch_tokens)
    )
    checkpoint = disk(recipe, dims, images)["checkpoint"]
    if training.checkpoint_every > training.steps:
        checkpoint = 0
    step = sum(passing.values())
    fixed = sum(always.values())
    return {
        **always,
        **passing,
        "look": round(look),
        "numbering": round(numbering),
        "checkpoint": checkpoint,
        "device": round(fixed - always["shuffle_buffers"] + max(step, look)),
        "together": round(fixed + max(step, look, numbering, checkpoint)),
    }


def _counting(recipe: Recipe, dims: Mapping[str, int], tokens: int) -> int:
    return 4 * len(dims) * min(tokens * recipe.usae.concepts, COUNTED)


def extraction_memory(
    recipe: Recipe, dims: Mapping[str, int], weights: int, images: int
) -> dict[str, int]:
    """Return bytes of memory that an extraction takes, but for the networks' own transients.

    Args:
        recipe: what would be extracted.
        dims: channels of each backbone.
        weights: of the networks together.
        images: in all.
    """
    shard = min(recipe.activations.shard_images, images) * image_bytes(recipe, dims)
    canvas = 3 * recipe.images.canvas**2
    # Two batches are decoded ahead; one is floating point on the device.
    batches = recipe.activations.batch_images * canvas * (2 + 4)
    table = {"networks": 4 * weights, "shards": SHARDS * shard, "batches": batches}
    return {**table, "together": sum(table.values())}
