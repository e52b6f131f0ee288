"""The concept index: its time over that of encoding the same tokens, and whether memory stays flat.

Throughput and memory of a long pass are printed on stderr. Codes are simulated there, since it is
counting that is measured: a few batches of random ones, seen again and again as new images.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time

import torch
from timing import Row, compare

from usae_viz.concepts import ConceptPass
from usae_viz.sae import SparseCode, UniversalSAE

CONCEPTS, K, TOKENS, BATCH = 8192, 32, 256, 16
DIMS = {"one": 768, "two": 384, "three": 768}


def rows(quick: bool) -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    usae = UniversalSAE(DIMS, CONCEPTS, K).requires_grad_(False)
    for weight in usae.weight:
        weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[1] ** 0.5)
    size = 8 if quick else BATCH
    tokens = {n: torch.randn(size * TOKENS, d, generator=generator) for n, d in DIMS.items()}
    gathered, number = _long_pass(usae, images=400 if quick else 100_000)

    def encode() -> dict[str, SparseCode]:
        return {name: usae.encode(name, tokens[name]) for name in usae.names}

    def index() -> None:
        nonlocal number
        gathered.add(_ids(number, size), encode())
        number += size

    row = compare(
        f"encode and index {size} images × {TOKENS} tokens, {CONCEPTS} concepts, 3 backbones",
        index,
        "encoding",
        encode,
        rounds=3 if quick else 7,
    )
    return [row]


def _long_pass(usae: UniversalSAE, images: int) -> tuple[ConceptPass, int]:
    generator = torch.Generator().manual_seed(1)
    pool = [{name: _code(generator) for name in usae.names} for _ in range(4)]
    gathered = ConceptPass(usae, TOKENS)
    started, early = time.perf_counter(), 0.0
    for first in range(0, images, BATCH):
        gathered.add(_ids(first, BATCH), pool[first // BATCH % len(pool)])
        # By a fifth of the images every place that is to be filled has been filled.
        if not early and first >= images // 5:
            early = _megabytes()
    seconds = time.perf_counter() - started
    print(
        f"{images} images × {TOKENS} tokens × {len(usae.names)} backbones: {images / seconds:.0f} "
        f"images a second ({seconds:.0f} s); peak memory {early:.0f} MB after a fifth, "
        f"{_megabytes():.0f} MB at the end",
        file=sys.stderr,
        flush=True,
    )
    return gathered, images


def _code(generator: torch.Generator) -> SparseCode:
    count = BATCH * TOKENS
    # Concepts differ in rate, as they do: the first are a hundred times as frequent as the last.
    weight = torch.logspace(0, -2, CONCEPTS).expand(count, -1)
    indices = torch.multinomial(weight, K, generator=generator)
    return SparseCode(torch.empty(count, K).exponential_(generator=generator), indices)


def _ids(first: int, count: int) -> list[str]:
    return [hashlib.sha256(str(first + i).encode()).hexdigest() for i in range(count)]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
