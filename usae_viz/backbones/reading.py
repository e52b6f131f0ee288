"""Reading any module of any network: what timm's own intermediates and torch.fx do not reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from usae_viz.backbones.layout import Layout, named_tokens, prefix_names, split_tokens
from usae_viz.errors import BackboneError, did_you_mean

# Containers that only hold a network's blocks: their members are what a person would name.
CONTAINERS = (nn.Sequential, nn.ModuleList)


class SplitReader:
    """Normalised images → token map, through a function whose output is brought to that form.

    Args:
        output: normalised images → output of a layer, in any form that `split_tokens` takes.
        layout: see `split_tokens`.
        prefix: see `split_tokens`.
    """

    def __init__(
        self,
        output: Callable[[Tensor], Any],
        layout: Layout | None = None,
        prefix: int | None = None,
    ) -> None:
        self._output, self._layout, self._prefix = output, layout, prefix

    def __call__(self, images: Tensor) -> Tensor:
        """Return the token map ``[batch, dim, h, w]``."""
        return split_tokens(self._output(images), self._layout, self._prefix)[0]

    def with_extra(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the token map and the tokens before it by name, ``[batch, dim]`` each."""
        maps, prefix = split_tokens(self._output(images), self._layout, self._prefix)
        return maps, named_tokens(prefix_names(prefix.shape[1]), prefix)


class _ReachedError(Exception):
    """Ends a forward pass at the layer that is read: what comes after it is not computed."""


def module_output(network: nn.Module, layer: str | None) -> Callable[[Tensor], Any]:
    """Return a function that gives the output of one module of a network; None: of the whole.

    A hook, since an arbitrary module offers nothing else; it is there only while it reads.

    Raises:
        BackboneError: there is no module of that name.
    """
    if not layer:
        return network
    try:
        module = network.get_submodule(layer)
    except AttributeError:
        names = [name for name, _ in network.named_modules() if name]
        raise BackboneError(
            f"the network has no layer {layer!r}",
            expected="a module's name, for example " + ", ".join(names[-3:]),
            hint=did_you_mean(layer, names),
        ) from None
    return partial(_stop_at, network, module, layer)


def _stop_at(network: nn.Module, module: nn.Module, layer: str, images: Tensor) -> Any:
    caught: list[Any] = []

    def catch(_module: nn.Module, _inputs: object, output: object) -> None:
        caught.append(output)
        raise _ReachedError

    handle = module.register_forward_hook(catch)
    try:
        network(images)
    except _ReachedError:
        return caught[0]
    finally:
        handle.remove()
    raise BackboneError(
        f"a forward pass does not go through {layer!r}", hint="choose another layer"
    )


def readable_layers(network: nn.Module, images: Tensor) -> list[tuple[str, Tensor]]:
    """Run a network once and return the blocks that give token maps, in order of execution.

    By name, with what they gave as ``[batch, dim, h, w]``. Members of containers are listed one by
    one, but not what is inside of a block, nor modules that run several times.

    Args:
        network: in evaluation mode.
        images: normalised, as the network takes them.
    """
    outputs: list[tuple[str, Any]] = []
    handles = [
        module.register_forward_hook(
            lambda _module, _inputs, output, name=name: outputs.append((name, output))
        )
        for name, module in _blocks(network)
    ]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    times = Counter(name for name, _ in outputs)
    layers = []
    for name, output in outputs:
        try:
            maps, _ = split_tokens(output)
        except BackboneError:
            continue
        if times[name] == 1 and min(maps.shape[2:]) > 1 and torch.is_floating_point(maps):
            layers.append((name, maps))
    return layers


def _blocks(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield what a network is made of: containers, and what holds most of it, are looked into."""
    size = _parameters(network)
    waiting = [(name, child) for name, child in network.named_children()]
    while waiting:
        name, module = waiting.pop(0)
        inside = [(f"{name}.{part}", child) for part, child in module.named_children()]
        if inside and (type(module) in CONTAINERS or 2 * _parameters(module) > size):
            waiting = inside + waiting
        else:
            yield name, module


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
