"""What attribution costs over the passes through the network that it cannot do without."""

from __future__ import annotations

from collections.abc import Callable

import timm
import torch
from timing import Row, compare
from torch import Tensor

from usae_viz.attribution import attribute_classes, attribute_pixels, classifier_readout
from usae_viz.backbones import Backbone
from usae_viz.sae import UniversalSAE

STEPS, BATCH = 32, 16


def _backbone(model: str, layer: int) -> Backbone:
    torch.manual_seed(0)
    network = timm.create_model(model, pretrained=False)

    def read(images: Tensor) -> Tensor:
        maps: list[Tensor] = network.forward_intermediates(
            images, indices=[layer], stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        return maps[0]

    half = (0.5, 0.5, 0.5)
    return Backbone(model, network, read, input_size=224, mean=half, std=half, grid=None,
                    weights_sha256="")  # fmt: skip


def rows(quick: bool) -> list[Row]:
    """Time pixel and class attributions of one image against bare forward and backward passes."""
    table = _rows("resnet18", 3, 2 if quick else 9)
    return table if quick else [*table, *_rows("vit_tiny_patch16_224", 8, 9)]


def _rows(model: str, layer: int, rounds: int) -> list[Row]:
    backbone = _backbone(model, layer)
    usae = UniversalSAE({model: backbone.dim}, 1024, 16)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in usae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    usae.eval().requires_grad_(False)
    image = torch.rand(1, 3, 224, 224, generator=generator)
    readout = classifier_readout(backbone)

    def bare(function: Callable[[Tensor], Tensor]) -> None:
        for _ in range(STEPS // BATCH):
            pixels = image.expand(BATCH, -1, -1, -1).clone().requires_grad_()
            function(pixels).sum().backward()

    return [
        compare(
            f"{model}: integrated gradients, {STEPS} steps",
            lambda: attribute_pixels(usae, backbone, image, 3, steps=STEPS, batch_size=BATCH),
            "bare-forward-backward",
            lambda: bare(backbone.native_map),
            rounds=rounds,
        ),
        compare(
            f"{model}: concepts to class, {STEPS} nodes and 10 ablations",
            lambda: attribute_classes(
                usae, backbone, image, readout, 3, steps=STEPS, max_steps=STEPS, batch_size=BATCH
            ),
            "bare-forward-backward",
            lambda: bare(lambda pixels: backbone.network(backbone.preprocess(pixels))),
            rounds=rounds,
        ),
    ]
