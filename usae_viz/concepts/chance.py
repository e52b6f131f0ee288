"""Chance that is the same on every machine, rank and order: drawn from the images' own hashes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


def image_words(ids: Sequence[str]) -> Words:
    """Return 64 bits of each image's content hash."""
    return np.array([int(image_id[-16:], 16) for image_id in ids], np.uint64)


def mixed(words: Words, salt: int) -> Words:
    """Return other words of the same shape, as if at random.

    The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014): a library's generator would have to be seeded anew for every image.
    """
    with np.errstate(over="ignore"):
        z = words + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniforms(words: Words) -> NDArray[np.float64]:
    """Return words as numbers in [0, 1)."""
    return (words >> np.uint64(11)).astype(np.float64) / 2.0**53
