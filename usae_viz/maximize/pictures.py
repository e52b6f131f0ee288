"""What an optimisation leaves: pictures, where they were pulled at, and how they got there."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from usae_viz.maximize.modes import Row


@dataclass(frozen=True)
class Maximized:
    """Pictures of C concepts, R a concept, from S seeds (in diverse mode: S that differ).

    Attributes:
        concepts: the C concepts.
        rows: what the R pictures of a concept are of.
        images: per row, by its name, ``[C, S, 3, size, size]`` uint8 sRGB.
        alpha: per backbone that raises, ``[C, S, size, size]`` float in [0, 1]: where it pulled at
            the picture that it raises.
        trajectory: per backbone that raises, ``[C, S, moments]``: pre-gate activation, mean over
            that step's views, standardised units; not-a-number once a picture was finished.
        lowered: per row, the same of the backbones that keep the concept down in it.
        moments: the steps that trajectories are of.
        steps: ``[C, S]`` per row: after how many steps each picture was finished.
    """

    concepts: tuple[int, ...]
    rows: tuple[Row, ...]
    images: dict[str, Tensor]
    alpha: dict[str, Tensor]
    trajectory: dict[str, Tensor]
    lowered: dict[str, dict[str, Tensor]]
    moments: tuple[int, ...]
    steps: dict[str, Tensor]
