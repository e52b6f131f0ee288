"""Mean and variance of tokens, streamed, and the one file in which a store keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from usae_viz.errors import StoreError
from usae_viz.run import write_bytes


class Statistics(NamedTuple):
    """Standardisation of one backbone.

    Attributes:
        mean: ``[dim]`` mean of each channel.
        scale: one number, the root of the mean variance over channels: standardised tokens keep
            the proportions between channels and have unit variance on average.
        variance: ``[dim]`` variance of each channel.
        tokens: how many tokens this is the statistics of.
    """

    mean: Tensor
    scale: float
    variance: Tensor
    tokens: int


class Moments:
    """Count, mean and sum of squared deviations of tokens, per channel, in float64.

    Parts are merged pairwise (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances", 1979), so a mean far from zero costs no digits.
    """

    def __init__(
        self, dim: int, count: int = 0, mean: Tensor | None = None, m2: Tensor | None = None
    ) -> None:
        self.count = count
        self.mean = torch.zeros(dim, dtype=torch.float64) if mean is None else mean
        self.m2 = torch.zeros(dim, dtype=torch.float64) if m2 is None else m2

    def add(self, tokens: Tensor) -> None:
        """Add tokens ``[n, dim]`` of any floating type."""
        count, dim = tokens.shape
        if not count:
            return
        tokens = tokens.float()
        # Sums over rows as products with ones, which is several times faster than `sum(0)`.
        ones = tokens.new_ones(1, count)
        pivot = (ones @ tokens)[0] / count
        rest = tokens - pivot
        residue = (ones @ rest)[0].double()
        squares = (ones @ rest.square_())[0].double()
        # The pivot is a rounded mean: what it lacks is put right in both sums (the corrected
        # two-pass algorithm of the same report).
        mean = pivot.double() + residue / count
        m2 = (squares - residue.square() / count).clamp_min(0)
        self.merge(Moments(dim, count, mean.cpu(), m2.cpu()))

    def merge(self, other: Moments) -> None:
        """Add the tokens that another part has seen."""
        if not other.count:
            return
        total = self.count + other.count
        gap = other.mean - self.mean
        self.mean = self.mean + gap * (other.count / total)
        self.m2 = self.m2 + other.m2 + gap.square() * (self.count * other.count / total)
        self.count = total

    @property
    def finite(self) -> bool:
        """False once a token was infinite or not a number."""
        return bool(torch.isfinite(self.m2).all())

    def statistics(self) -> Statistics:
        """Return the standardisation of all that was added."""
        variance = self.m2 / max(self.count, 1)
        return Statistics(
            mean=self.mean.float(),
            scale=max(float(variance.mean().sqrt()), 1e-6),
            variance=variance.float(),
            tokens=self.count,
        )


def write_moments(path: Path, moments: Mapping[str, Moments], of: str) -> str:
    """Write the moments of every backbone.

    Args:
        path: safetensors file with ``<name>/mean`` and ``<name>/m2``, float64 ``[dim]``.
        moments: per backbone.
        of: says what they are the moments of; `read_moments` compares it.

    Returns:
        sha256 of the file.
    """
    tensors: dict[str, Tensor] = {}
    for name, part in moments.items():
        tensors |= {f"{name}/mean": part.mean, f"{name}/m2": part.m2}
        tensors[f"{name}/count"] = torch.tensor(part.count)
    data = save(tensors, metadata={"of": of})
    write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def read_moments(path: Path, names: tuple[str, ...], of: str) -> dict[str, Moments] | None:
    """Read what `write_moments` wrote; None if the file is missing or of something else.

    Raises:
        StoreError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("of") != of:
                return None
            parts = {
                name: [file.get_tensor(f"{name}/{part}") for part in ("count", "mean", "m2")]
                for name in names
            }
    except (SafetensorError, OSError) as error:
        raise StoreError(
            f"{path} is damaged", got=str(error), hint="remove it: it is computed again"
        ) from error
    return {
        name: Moments(len(mean), int(count), mean, m2) for name, (count, mean, m2) in parts.items()
    }
