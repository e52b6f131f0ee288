"""What can be read of a network, for a person who chooses a layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from usae_viz.backbones.from_timm import has_intermediates, open_timm, timm_layers
from usae_viz.backbones.from_torchvision import open_torchvision
from usae_viz.backbones.loading import probe
from usae_viz.backbones.reading import readable_layers
from usae_viz.errors import BackboneError
from usae_viz.recipe import BackboneSpec


def describe_network(spec: BackboneSpec, *, weights_dir: str | None = None) -> dict[str, Any]:
    """Return what a timm or torchvision network is made of, for `usae-viz doctor`.

    Nothing is downloaded: without local weights the network has random ones, which change neither
    shapes nor whether gradients pass.

    Returns:
        ``model``, ``parameters``, ``input_size`` (pixels), ``mean``, ``std``, and ``layers``: rows
        of ``layer`` (its name; its index is its place), ``dim``, ``grid`` (h, w) and ``gradient``,
        whether a gradient of the token map reaches the input pixels.

    Raises:
        BackboneError: the model does not exist, or is no model of a library.
    """
    library = spec.model.partition(":")[0]
    network: nn.Module
    if library == "timm":
        network, config, _ = open_timm(spec, weights_dir, download=False)
    elif library == "torchvision":
        network, config = open_torchvision(spec, pretrained=False)
    else:
        raise BackboneError(
            "layers can be listed for models of libraries only",
            expected="timm:NAME or torchvision:NAME",
            got=spec.model,
        )
    network.eval().requires_grad_(False)
    images = probe(spec, config).requires_grad_()
    rows = []
    for name, native in _layers(network, images):
        rows.append(
            {
                "layer": name,
                "dim": int(native.shape[1]),
                "grid": [int(native.shape[2]), int(native.shape[3])],
                "gradient": _reaches(native, images),
            }
        )
    return {
        "model": spec.model,
        "parameters": sum(tensor.numel() for tensor in network.parameters()),
        "input_size": images.shape[-1],
        "mean": list(spec.mean or config["mean"]),
        "std": list(spec.std or config["std"]),
        "layers": rows,
    }


def _reaches(native: Tensor, images: Tensor) -> bool:
    if not native.requires_grad:
        return False
    (gradient,) = torch.autograd.grad(
        native.square().sum(), images, retain_graph=True, allow_unused=True
    )
    return gradient is not None and bool(gradient.abs().sum() > 0)


def _layers(network: Any, images: Tensor) -> list[tuple[str, Tensor]]:
    if not has_intermediates(network):
        return readable_layers(network, images)
    maps = network.forward_intermediates(images, output_fmt="NCHW", intermediates_only=True)
    return list(zip(timm_layers(network), maps, strict=True))
