"""From a recipe's `BackboneSpec` to a `Backbone`: timm, torchvision and registered modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from usae_viz.backbones.backbone import Backbone
from usae_viz.backbones.from_timm import TimmReader, has_intermediates, open_timm, timm_layers
from usae_viz.backbones.from_torchvision import cut_at, cut_reader, load_cut, open_torchvision
from usae_viz.backbones.reading import SplitReader, module_output, readable_layers
from usae_viz.backbones.registered import registered_backbone
from usae_viz.backbones.weights import find_weights, state_sha256
from usae_viz.errors import BackboneError, did_you_mean
from usae_viz.recipe import BackboneSpec
from usae_viz.run import Run

Read = Callable[[Tensor], Tensor]


def load_backbone(
    spec: BackboneSpec,
    *,
    grid: int | None = None,
    weights_dir: str | None = None,
    pretrained: bool = True,
) -> Backbone:
    """Load a pretrained network, frozen, read at one layer.

    Args:
        spec: which network, which layer, which weights.
        grid: side of the common token grid; None keeps the network's own.
        weights_dir: folder of local weights (see `weights.find_weights`); else the hub.
        pretrained: False leaves random weights where there are no local ones.

    Raises:
        BackboneError: the model, its weights or the layer do not exist, or the weights are damaged
            or belong to another network.
    """
    library = spec.model.partition(":")[0]
    if library == "python":
        return registered_backbone(spec, grid)
    if library == "timm":
        network, config, sha256 = open_timm(spec, weights_dir, download=pretrained)
        read = _timm_reader(network, spec, config)
    else:
        local = find_weights(spec, weights_dir) is not None
        whole, config = open_torchvision(spec, pretrained=pretrained and not local)
        layer = _name_of(spec, whole, config) if isinstance(spec.layer, int) else spec.layer
        cut = cut_at(whole, layer, spec.name)
        network = load_cut(whole, cut, spec, weights_dir)
        read, sha256 = cut_reader(cut), state_sha256(cut)
    input_size = spec.input_size or int(config["input_size"][-1])
    mean, std = spec.mean or tuple(config["mean"]), spec.std or tuple(config["std"])
    try:
        return Backbone(
            spec.name,
            network,
            read,
            input_size=input_size,
            mean=mean,
            std=std,
            grid=grid,
            weights_sha256=sha256,
        )
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BackboneError(
            f"{spec.name} does not take the images that it is to be fed with",
            got=f"{input_size} pixels, mean {list(mean)}, std {list(std)}; {error}"[:400],
            hint="set `input_size` (and kwargs.img_size, where the network is built for one size), "
            "`mean` and `std` (one value each where in_chans = 1)",
        ) from error


def load_run_backbones(run: Run, names: Sequence[str] | None = None) -> dict[str, Backbone]:
    """Load the backbones of a run (all, or `names`), in the run's order.

    Raises:
        RunError: the run has no backbone of that name.
        BackboneError: they cannot be loaded, or their weights are not those of the training.
    """
    for name in names or ():
        run.record(name)
    loaded: dict[str, Backbone] = {}
    weights_dir = run.recipe().weights_dir
    for record in run.info.backbones:
        name = record.spec.name
        if names and name not in names:
            continue
        loaded[name] = load_backbone(record.spec, grid=record.grid, weights_dir=weights_dir)
        if record.weights_sha256 not in ("", loaded[name].weights_sha256):
            raise BackboneError(
                f"the weights of {name} are not those that the run was trained with",
                expected=f"sha256 {record.weights_sha256[:16]}…",
                got=f"sha256 {loaded[name].weights_sha256[:16]}…",
                hint="give the weights that the run was trained with",
            )
    return loaded


def probe(spec: BackboneSpec, config: dict[str, Any]) -> Tensor:
    """Return a normalised image of noise, as the network takes it."""
    size = spec.input_size or int(config["input_size"][-1])
    channels = len(spec.mean or config["mean"])
    return torch.randn((1, channels, size, size), generator=torch.Generator().manual_seed(0))


def _timm_reader(network: Any, spec: BackboneSpec, config: dict[str, Any]) -> Read:
    if not has_intermediates(network):
        network.eval()
        named = isinstance(spec.layer, str)
        layer = str(spec.layer) if named else _name_of(spec, network, config)
        return SplitReader(module_output(network, layer))
    names = timm_layers(network)
    if isinstance(spec.layer, int):
        index = _index_of(spec, names)
    elif spec.layer in names:
        index = names.index(spec.layer)
    elif spec.layer in dict(network.named_modules()):
        return SplitReader(module_output(network, spec.layer))
    else:
        raise BackboneError(
            f"{spec.name} has no layer {spec.layer!r}",
            expected=f"an index, one of {', '.join(names)}, or a module's name",
            hint=did_you_mean(spec.layer, names),
        )
    return TimmReader(network, index, norm=spec.final_norm and index == len(names) - 1)


def _name_of(spec: BackboneSpec, network: nn.Module, config: dict[str, Any]) -> str:
    """Return the name of the layer that an index stands for, where only a probe lists them.

    Raises:
        BackboneError: there are not so many.
    """
    with torch.no_grad():
        names = [name for name, _ in readable_layers(network, probe(spec, config))]
    return names[_index_of(spec, names)]


def _index_of(spec: BackboneSpec, names: Sequence[str]) -> int:
    assert isinstance(spec.layer, int)
    index = spec.layer + len(names) if spec.layer < 0 else spec.layer
    if not 0 <= index < len(names):
        raise BackboneError(
            f"{spec.name} has no layer {spec.layer}",
            expected=f"{-len(names)} to {len(names) - 1} ({', '.join(names)})",
        )
    return index
