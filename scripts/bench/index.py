"""The concept index: its time over that of encoding the same tokens.

Both are timed after the places for examples have been filled; ``scripts/index_memory.py`` measures
a long pass and its memory.
"""

from __future__ import annotations

import hashlib

import torch
from timing import Row, compare

from usae_viz.concepts import ConceptPass
from usae_viz.sae import SparseCode, UniversalSAE

CONCEPTS, K, TOKENS, BATCH = 8192, 32, 256, 16
DIMS = {"one": 768, "two": 384, "three": 768}


def rows(quick: bool) -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    usae = model()
    size = 8 if quick else BATCH
    tokens = {n: torch.randn(size * TOKENS, d, generator=generator) for n, d in DIMS.items()}
    gathered, number = ConceptPass(usae, TOKENS), 400 if quick else 4000
    pool = simulated(usae, 2)
    for first in range(0, number, BATCH):
        gathered.add(image_ids(first, BATCH), pool[first // BATCH % len(pool)])

    def encode() -> dict[str, SparseCode]:
        return {name: usae.encode(name, tokens[name]) for name in usae.names}

    def index() -> None:
        nonlocal number
        gathered.add(image_ids(number, size), encode())
        number += size

    row = compare(
        f"encode and index {size} images × {TOKENS} tokens, {CONCEPTS} concepts, 3 backbones",
        index,
        "encoding",
        encode,
        rounds=3 if quick else 7,
    )
    return [row]


def model() -> UniversalSAE:
    """Return a model with random encoders."""
    generator = torch.Generator().manual_seed(0)
    usae = UniversalSAE(DIMS, CONCEPTS, K).requires_grad_(False)
    for weight in usae.weight:
        weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[1] ** 0.5)
    return usae


def simulated(usae: UniversalSAE, batches: int) -> list[dict[str, SparseCode]]:
    """Return codes of some batches of images."""
    generator = torch.Generator().manual_seed(1)
    return [{name: _code(generator) for name in usae.names} for _ in range(batches)]


def _code(generator: torch.Generator) -> SparseCode:
    count = BATCH * TOKENS
    # Concepts differ in rate, as they do: the first are a hundred times as frequent as the last.
    weight = torch.logspace(0, -2, CONCEPTS).expand(count, -1)
    indices = torch.multinomial(weight, K, generator=generator)
    return SparseCode(torch.empty(count, K).exponential_(generator=generator), indices)


def image_ids(first: int, count: int) -> list[str]:
    """Return ids of so many images that nobody has seen."""
    return [hashlib.sha256(str(first + i).encode()).hexdigest() for i in range(count)]
