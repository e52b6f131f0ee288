"""What the index holds of a concept besides numbers, without torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Example(NamedTuple):
    """An image that fires a concept in one backbone.

    Attributes:
        image_id: content hash of the image.
        score: mean over tokens of the gated activation.
        peak: its maximum over tokens.
        position: (row, column) of the peak on the token grid.
        grid: ``[grid, grid]`` uint8, the gated map as a share of `peak`, times 255.
        quantile: for examples drawn by chance, the share of the sampled images that fire the
            concept at most this strongly (mean over tokens); None for others.
    """

    image_id: str
    score: float
    peak: float
    position: tuple[int, int]
    grid: NDArray[np.uint8]
    quantile: float | None = None


class Neighbours(NamedTuple):
    """The nearest concepts of each of N.

    Attributes:
        concept: ``[N, count]`` int32, nearest first; −1 where there is none.
        nearness: ``[N, count]`` float32, cosine in [−1, 1].
    """

    concept: NDArray[np.int32]
    nearness: NDArray[np.float32]
