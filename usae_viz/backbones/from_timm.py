"""timm's models: made, loaded and read by index or name, mostly through `forward_intermediates`."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import timm
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from usae_viz.backbones.layout import named_tokens, prefix_names
from usae_viz.backbones.weights import (
    ENVIRONMENT,
    find_weights,
    load_strictly,
    read_weights,
    state_sha256,
)
from usae_viz.errors import BackboneError, did_you_mean
from usae_viz.recipe import BackboneSpec

# What a model's constructor raises on arguments that do not fit it.
MISUSE = (AssertionError, LookupError, RuntimeError, TypeError, ValueError)


# Classes whose `forward_intermediates` refuses to apply a norm.
WITHOUT_FINAL_NORM = ("Hiera", "HieraDet")


def open_timm(
    spec: BackboneSpec, weights_dir: str | None, *, download: bool = True
) -> tuple[Any, dict[str, Any], str]:
    """Return a timm network with its weights, its preprocessing, and their hash.

    Where ``input_size`` is not the network's own, its position embeddings and windows are resized
    to it if it can (`set_input_size`); the hash is that of the weights as they came.

    Raises:
        BackboneError: the model or its weights do not exist or do not fit.
    """
    model = spec.model.partition(":")[2]
    path = find_weights(spec, weights_dir)
    network = _create(model, spec, pretrained=path is None and download)
    if path is not None:
        load_strictly(network, read_weights(path, spec.name), spec.name, path)
    config = dict(resolve_model_data_config(network))
    sha256 = state_sha256(network)
    size = spec.input_size
    if size is not None and size != config["input_size"][-1] and hasattr(network, "set_input_size"):
        try:
            with warnings.catch_warnings():
                # timm's own interpolation uses what torch discourages.
                warnings.simplefilter("ignore")
                network.set_input_size(img_size=(size, size))
        except MISUSE as error:
            raise BackboneError(
                f"{spec.name} cannot be fed with images of {size} pixels",
                got=str(error)[:300],
                hint="choose an input_size that its patches and windows divide",
            ) from error
    return network, config, sha256


def _create(model: str, spec: BackboneSpec, *, pretrained: bool) -> Any:
    name = model.split(".")[0]
    if ":" not in model and not timm.is_model(name):
        raise BackboneError(
            f"timm has no model {name!r}",
            hint=did_you_mean(name, timm.list_models()) or "`timm.list_models()` lists them",
        )
    try:
        return timm.create_model(model, pretrained=pretrained, **spec.kwargs)
    except Exception as error:  # the hub's client raises whatever its network layer raises
        if isinstance(error, MISUSE) and not isinstance(error, OSError):
            raise BackboneError(
                f"timm cannot make {model}", got=str(error), hint="check `model` and `kwargs`"
            ) from error
        raise BackboneError(
            f"the weights of {spec.name} ({model}) could not be fetched from the hub",
            got=f"{type(error).__name__}: {error}"[:300],
            hint=f"go online, or give local weights by `weights`, `weights_dir` or {ENVIRONMENT}",
        ) from error


def has_intermediates(network: nn.Module) -> bool:
    """Return whether timm reads the network's layers itself."""
    return hasattr(network, "forward_intermediates")


def timm_layers(network: Any) -> list[str]:
    """Return the names of the layers that `forward_intermediates` gives, in its order.

    Where branches of a network share a name, the later ones are told by ``#2`` …
    """
    info = network.feature_info
    entries: Iterable[Mapping[str, Any]] = getattr(info, "info", info)
    times: Counter[str] = Counter()
    names = []
    for entry in entries:
        name = str(entry["module"])
        times[name] += 1
        names.append(name if times[name] == 1 else f"{name}#{times[name]}")
    return names


class TimmReader:
    """Normalised images → token map of one of timm's intermediates.

    Args:
        network: has `forward_intermediates`.
        index: which of them.
        norm: apply the network's final norm, if it offers that.
    """

    def __init__(self, network: Any, index: int, *, norm: bool) -> None:
        self._read: Callable[..., list[Any]] = network.forward_intermediates
        self._index = index
        self._norm = norm and type(network).__name__ not in WITHOUT_FINAL_NORM
        takes = inspect.signature(self._read).parameters
        count = int(getattr(network, "num_prefix_tokens", 0) or 0)
        self._names: tuple[str, ...] = ()
        if "return_prefix_tokens" in takes:
            registers = getattr(network, "reg_token", None)
            self._names = prefix_names(
                count,
                registers=registers.shape[1] if isinstance(registers, Tensor) else 0,
                distilled=getattr(network, "dist_token", None) is not None,
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Return the token map ``[batch, dim, h, w]``."""
        maps: Tensor = self._intermediate(images)
        return maps

    def with_extra(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the token map, and the class and register tokens by name, ``[batch, dim]``."""
        if not self._names:
            return self(images), {}
        maps, prefix = self._intermediate(images, return_prefix_tokens=True)
        return maps, named_tokens(self._names, prefix)

    def _intermediate(self, images: Tensor, **options: bool) -> Any:
        return self._read(
            images,
            indices=[self._index],
            norm=self._norm,
            stop_early=True,
            output_fmt="NCHW",
            intermediates_only=True,
            **options,
        )[0]
