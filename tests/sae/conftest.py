from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from usae_viz.sae import UniversalSAE


class Stats(NamedTuple):
    mean: Tensor
    scale: float


class FakeStore:
    """Paired tokens of two backbones that are linear views of the same few sparse causes."""

    def __init__(self, seed: int = 0, tokens: int = 4096) -> None:
        generator = torch.Generator().manual_seed(seed)
        causes = torch.rand(tokens, 12, generator=generator)
        causes = causes * (torch.rand(tokens, 12, generator=generator) < 0.15)
        self.rows: dict[str, Tensor] = {
            "one": causes @ torch.randn(12, 10, generator=generator) + 3.0,
            "two": causes @ torch.randn(12, 16, generator=generator) * 5 - 1.0,
        }

    def statistics(self) -> Mapping[str, Stats]:
        return {
            name: Stats(rows.mean(0), float(rows.var(0).mean().sqrt()))
            for name, rows in self.rows.items()
        }

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        return next(self.token_batches(tokens, seed=seed, buffer_images=1))

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        del buffer_images
        generator = torch.Generator().manual_seed(seed)
        number = 0
        while True:
            rows = torch.randint(len(self.rows["one"]), (batch_tokens,), generator=generator)
            if number >= start:
                yield {name: values[rows] for name, values in self.rows.items()}
            number += 1


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def usae() -> UniversalSAE:
    """A random model of three backbones with a standardisation of its own."""
    generator = torch.Generator().manual_seed(1)
    model = UniversalSAE({"a": 6, "b": 4, "c": 5}, concepts=20, k=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    for name in model.names:
        mean = torch.randn(model.dims[name], generator=generator)
        model.set_standardisation(name, mean, 1.7)
    return model.eval().requires_grad_(False)
