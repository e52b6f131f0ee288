"""A tiny smooth backbone and a USAE over it, made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from usae_viz.backbones import Backbone
from usae_viz.sae import UniversalSAE

DIM, SIDE = 6, 16


class Toy(nn.Module):
    """Patches of 4 pixels, a smooth non-linearity, no more."""

    def __init__(self, *, symmetric: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, DIM, 4, stride=4)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
            if symmetric:
                self.patch.weight.add_(self.patch.weight.flip(-1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.patch(images))


def make_backbone(name: str = "toy", *, symmetric: bool = False) -> Backbone:
    network = Toy(symmetric=symmetric)
    return Backbone(
        name,
        network,
        network,
        input_size=SIDE,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        grid=None,
        weights_sha256="",
    )


def make_usae(names: tuple[str, ...] = ("toy",), concepts: int = 12, k: int = 3) -> UniversalSAE:
    usae = UniversalSAE(dict.fromkeys(names, DIM), concepts, k)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in usae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return usae.eval().requires_grad_(False)


@pytest.fixture
def backbone() -> Backbone:
    return make_backbone()


@pytest.fixture
def usae() -> UniversalSAE:
    return make_usae()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
