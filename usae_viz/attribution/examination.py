"""What a report on an image is to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from usae_viz.attribution.baselines import Baseline
from usae_viz.attribution.pixels import Method, check_method
from usae_viz.attribution.target import Target
from usae_viz.errors import UsageError


@dataclass(frozen=True)
class Examination:
    """What a report holds.

    Raises:
        UsageError: a value lies outside its range.
    """

    concepts: tuple[int, ...] = ()
    """Which; empty: the strongest of the image."""
    count: int = 6
    """How many, if none are named."""
    attributed: int = 4
    """How many of them get pixel attributions."""
    checked: int = 1
    """How many of these have their faithfulness measured on this image."""
    methods: tuple[Method, ...] = ("integrated_gradients",)
    """Pixel methods, the first one in the sheet."""
    tokens: Target = "active"
    """Which tokens pixels are attributed to: see `attribute_pixels`; no region here."""
    baseline: Baseline = "blur"
    """Where pixel methods start, and what deletion puts in the place of pixels."""
    steps: int = 50
    """Nodes of integrated gradients."""
    rows: int = 10
    """Concepts with a bar of their own in the class chart."""
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        for method in self.methods:
            check_method(method)
        if self.tokens not in ("active", "mean", "peak"):
            raise UsageError(f"tokens {self.tokens!r} are not known", expected="active, mean, peak")
        if self.baseline not in get_args(Baseline):
            raise UsageError(
                f"baseline {self.baseline!r} is not known", expected=" or ".join(get_args(Baseline))
            )
        if (
            min(self.count, self.steps, self.rows, self.batch_size) < 1
            or min(self.attributed, self.checked) < 0
        ):
            raise UsageError(
                "a setting of the report is out of range",
                expected="count, steps, rows and batch_size of at least 1, attributed and checked "
                "of 0",
            )
