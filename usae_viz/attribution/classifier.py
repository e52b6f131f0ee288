"""The rest of a network: from the token map that a run reads to a class, differentiably.

A run's layer is the result of a function (timm's intermediates), while going on from it needs the
module inside the network that puts that map out. Which one it is is found by running the network
once and comparing, so no family of networks needs a rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from usae_viz.backbones import Backbone
from usae_viz.errors import BackboneError, UsageError


class Place(NamedTuple):
    """Where the token map comes out of a module.

    Attributes:
        module: its name in the network.
        layout: ``NCHW``, ``NHWC``, or ``tokens`` ``[n, prefix + h·w, dim]``.
        prefix: class and register tokens before the patches, for ``tokens``.
    """

    module: str
    layout: str
    prefix: int = 0


class Classifier(nn.Module):
    """A backbone's own classifier, as a function of its native token map.

    What the map does not hold (class and register tokens, skip connections around the layer) stays
    as it is on the image.

    Args:
        backbone: the network and its layer.
        any_output: take the network's output for what it is, for example an embedding, also where
            it has no classes.

    Raises:
        BackboneError: it has no classifier, no module of it puts the map out, or its classes do
            not depend on the map (a class token read from the last layer).
    """

    def __init__(self, backbone: Backbone, *, any_output: bool = False) -> None:
        super().__init__()
        self.backbone = backbone
        image, native, self.classes, places = _places(backbone, any_output)
        for place in reversed(places):
            self.place = place
            if self._depends(image, native):
                return
        raise BackboneError(
            f"the classes of {backbone.name} do not depend on the token map that the run reads",
            expected="a layer after which the patches still reach the classifier",
            got="a readout through the class token alone: every patch has zero gradient",
            hint="train the run on an earlier layer, or give a linear probe as the target",
        )

    def _depends(self, image: Tensor, native: Tensor) -> bool:
        leaf = native.clone().requires_grad_()
        score = self(image, leaf).square().sum()
        if not score.requires_grad:
            return False
        (gradient,) = torch.autograd.grad(score, leaf, allow_unused=True)
        return gradient is not None and bool(gradient.abs().sum() > 0)

    def native(self, image: Tensor) -> Tensor:
        """Return the native token map ``[1, dim, h, w]`` of an image ``[1, 3, H, W]``."""
        return self.backbone.native_map(image)

    def logits(self, image: Tensor) -> Tensor:
        """Return the logits ``[n, classes]`` of images ``[n, 3, H, W]``."""
        result: Tensor = self.backbone.network(self.backbone.preprocess(image))
        return result

    def forward(self, image: Tensor, maps: Tensor) -> Tensor:
        """Return the logits of an image whose token map is another.

        Args:
            image: ``[1, 3, H, W]`` in [0, 1].
            maps: native token maps ``[n, dim, h, w]`` to go on from.

        Returns:
            ``[n, classes]``; gradients reach `maps`.
        """
        if len(image) != 1:
            raise UsageError("one image at a time", expected="[1, 3, H, W]", got=f"{len(image)}")
        module = self.backbone.network.get_submodule(self.place.module)

        def replace(_: nn.Module, __: object, output: Tensor) -> Tensor:
            # A copy: the network may write over it in place.
            return _write(output, maps.clone(), self.place)

        handle = module.register_forward_hook(replace)
        try:
            return self.logits(image.expand(len(maps), -1, -1, -1))
        finally:
            handle.remove()


def _places(backbone: Backbone, any_output: bool) -> tuple[Tensor, Tensor, int, list[Place]]:
    """Return a probing image, its native map, the number of classes, and where the map comes out.

    The places are in the order in which the network computes them.
    """
    size = backbone.input_size
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((1, 3, size, size), generator=generator).to(backbone.mean)
    outputs: list[tuple[str, Tensor]] = []
    handles = [
        module.register_forward_hook(_recorder(outputs, name))
        for name, module in backbone.network.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            native = backbone.native_map(image)
            outputs.clear()
            logits = backbone.network(backbone.preprocess(image))
    finally:
        for handle in handles:
            handle.remove()
    flat = isinstance(logits, Tensor) and logits.ndim == 2
    if not flat or not (any_output or _has_classifier(backbone)):
        raise BackboneError(
            f"{backbone.name} has no classifier",
            expected="a network whose output is [batch, classes]",
            hint="give a linear probe, an embedding or a reference image as the target",
        )
    found = [
        Place(name, layout, prefix)
        for name, output in outputs
        for layout, prefix in _layouts(output, native)
    ]
    if not found:
        raise BackboneError(
            f"no module of {backbone.name} puts out the token map that the run reads",
            expected="a layer that the classifier goes on from, as it is (for the last one of a "
            "transformer: with the final norm)",
            hint="read another layer, or give a probe, an embedding or a reference as the target",
        )
    return image, native, int(logits.shape[1]), found


def _recorder(outputs: list[tuple[str, Tensor]], name: str) -> Callable[..., None]:
    def record(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim in (3, 4):
            # In-place activations write over what a module put out: keep a copy.
            outputs.append((name, output.detach().clone()))

    return record


def _has_classifier(backbone: Backbone) -> bool:
    # timm's networks keep the count, 0 without a head; torchvision's have no such attribute.
    count = getattr(backbone.network, "num_classes", None)
    return count is None or int(count) > 0


def _layouts(output: Tensor, native: Tensor) -> list[tuple[str, int]]:
    """Return the layouts in which `output` holds the map ``[1, dim, h, w]``."""
    dim, height, width = native.shape[1:]
    count = height * width
    candidates: list[tuple[str, int, Tensor]] = []
    if output.ndim == 4 and output.shape == native.shape:
        candidates.append(("NCHW", 0, output))
    if output.ndim == 4 and tuple(output.shape[1:]) == (height, width, dim):
        candidates.append(("NHWC", 0, output.permute(0, 3, 1, 2)))
    if output.ndim == 3 and output.shape[2] == dim and output.shape[1] >= count:
        prefix = output.shape[1] - count
        maps = output[:, prefix:].transpose(1, 2).reshape(1, dim, height, width)
        candidates.append(("tokens", prefix, maps))
    scale = float(native.abs().max())
    tolerance = 1e-5 * scale if math.isfinite(scale) else 0.0
    return [
        (layout, prefix)
        for layout, prefix, maps in candidates
        if float((maps - native).abs().max()) <= tolerance
    ]


def _write(output: Tensor, maps: Tensor, place: Place) -> Tensor:
    """Return a module's output with the token map put in its place, in the module's layout."""
    if place.layout == "NCHW":
        return maps
    if place.layout == "NHWC":
        return maps.permute(0, 2, 3, 1)
    tokens = maps.flatten(2).transpose(1, 2)
    return torch.cat([output[:, : place.prefix], tokens], dim=1) if place.prefix else tokens
