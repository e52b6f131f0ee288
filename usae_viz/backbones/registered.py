"""Any `nn.Module` as a backbone, given by the Python program that has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from usae_viz.backbones.backbone import Backbone
from usae_viz.backbones.layout import Layout
from usae_viz.backbones.reading import SplitReader, module_output
from usae_viz.backbones.weights import state_sha256
from usae_viz.errors import BackboneError, did_you_mean
from usae_viz.recipe import BackboneSpec

_REGISTERED: dict[str, Backbone] = {}

# Keys of a recipe that say how a network of a library is made and fed.
BELONGS_TO_THE_MODULE = (
    *("layer", "weights", "weights_layout", "kwargs"),
    *("input_size", "mean", "std"),
)


def register_backbone(
    name: str,
    network: nn.Module,
    *,
    input_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    layer: str | None = None,
    read: Callable[[Tensor], Any] | None = None,
    layout: Layout | None = None,
    prefix_tokens: int | None = None,
) -> Backbone:
    """Make a backbone of any module, and let recipes name it as ``model = "python:NAME"``.

    It serves for training, maximization and heatmaps in this process, as any other backbone. A run
    records its weights' hash but cannot load it again: another process must register it first, and
    the command line refuses such a run. The network is frozen and put in evaluation mode.

    Args:
        name: of the backbone; an earlier one of this name is replaced.
        network: takes normalised images ``[batch, channels, input_size, input_size]``.
        input_size: side in pixels of what the network is fed with.
        mean: channel means of its preprocessing, for images in [0, 1]; one value if it takes luma.
        std: channel standard deviations of its preprocessing.
        layer: name of the module whose output is read; None: what the network returns.
        read: instead of `layer`, normalised images → output of a layer.
        layout: of that output, if its shape does not tell; see `split_tokens`.
        prefix_tokens: class and register tokens before those of the grid; see `split_tokens`.

    Returns:
        The backbone, on its own grid.

    Raises:
        BackboneError: the network does not take such images, or the layer gives no token map.
    """
    BackboneSpec(name=name, model=f"python:{name}")
    if layer is not None and read is not None:
        raise BackboneError(f"{name} is given both a layer and a function that reads it")
    network = network.eval().requires_grad_(False)
    try:
        backbone = Backbone(
            name,
            network,
            SplitReader(read or module_output(network, layer), layout, prefix_tokens),
            input_size=input_size,
            mean=mean,
            std=std,
            grid=None,
            weights_sha256=state_sha256(network),
        )
    except (AssertionError, RuntimeError, ValueError) as error:
        raise BackboneError(
            f"{name} does not take the images that it is to be fed with",
            got=f"{input_size} pixels, mean {list(mean)}, std {list(std)}; {error}"[:400],
        ) from error
    _REGISTERED[name] = backbone
    return backbone


def registered_backbone(spec: BackboneSpec, grid: int | None) -> Backbone:
    """Return a registered module as a recipe asks for it.

    Raises:
        BackboneError: it is not registered in this process, or the recipe wants it otherwise.
    """
    name = spec.model.removeprefix("python:")
    if name not in _REGISTERED:
        raise BackboneError(
            f"{spec.name} is a module that only a Python program can give",
            expected=f"usae_viz.register_backbone({name!r}, …) before, in the same process",
            got="registered: " + (", ".join(_REGISTERED) or "none"),
            hint=did_you_mean(name, _REGISTERED),
        )
    set_here = [
        key
        for key in BELONGS_TO_THE_MODULE
        if getattr(spec, key)
        != BackboneSpec.model_fields[key].get_default(call_default_factory=True)
    ]
    if set_here:
        raise BackboneError(
            f"{spec.name} is a module that was registered with its settings",
            got=f"{', '.join(set_here)} in the recipe",
            hint="give them to register_backbone",
        )
    made = _REGISTERED[name]
    return Backbone(
        spec.name,
        made.network,
        made.read,
        input_size=made.input_size,
        mean=made.mean.flatten().tolist(),
        std=made.std.flatten().tolist(),
        grid=grid,
        weights_sha256=made.weights_sha256,
    )
