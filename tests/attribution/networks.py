"""Small classifiers of every layout that a token map can come in."""

from __future__ import annotations

import torch
from torch import nn

from usae_viz.backbones import Backbone

DIM, SIDE, CLASSES = 6, 16, 5


def seeded(network: nn.Module, scale: float = 0.3) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return network.eval().requires_grad_(False)


class Convolutional(nn.Module):
    """Maps ``[n, dim, 4, 4]``, then an in-place activation, a convolution, a pooled head."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.num_classes = classes
        self.patch = nn.Conv2d(3, DIM, 4, stride=4)
        self.act = nn.ReLU(inplace=True)
        self.later = nn.Conv2d(DIM, DIM, 3, padding=1)
        self.head = nn.Linear(DIM, classes) if classes else nn.Identity()

    def read(self, images):
        return self.patch(images)

    def forward(self, images):
        maps = self.later(self.act(self.patch(images)))
        return self.head(torch.tanh(maps).mean((2, 3)))


class ChannelsLast(Convolutional):
    """The same with a module that puts out ``[n, h, w, dim]``."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = Turn()

    def read(self, images):
        return self.patch(images)

    def forward(self, images):
        turned = self.turn(self.patch(images) * 1.0)
        return self.head(torch.tanh(turned).mean((1, 2)))


class Turn(nn.Module):
    def forward(self, maps):
        return maps.permute(0, 2, 3, 1)


class Transformer(nn.Module):
    """A class token before 16 patches, a block, and a head that reads the class token."""

    def __init__(self, depth: int = 2) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, DIM, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, DIM))
        self.blocks = nn.ModuleList(Mix() for _ in range(depth))
        self.head = nn.Linear(DIM, CLASSES)
        self.num_classes = CLASSES
        self.layer = 0

    def tokens(self, images, layers):
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        for block in self.blocks[:layers]:
            x = block(x)
        return x

    def read(self, images):
        x = self.tokens(images, self.layer + 1)[:, 1:]
        return x.transpose(1, 2).reshape(len(x), DIM, 4, 4)

    def forward(self, images):
        return self.head(self.tokens(images, len(self.blocks))[:, 0])


class Mix(nn.Module):
    """Mixes tokens a little, as attention does."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(DIM, DIM)

    def forward(self, x):
        return x + torch.tanh(self.linear(x) + x.mean(1, keepdim=True))


def backbone_of(network, name: str = "toy", *, grid: int | None = None) -> Backbone:
    return Backbone(
        name,
        network,
        network.read,
        input_size=SIDE,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        grid=grid,
        weights_sha256=f"sha-{name}",
    )
