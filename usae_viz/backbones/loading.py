"""From a recipe's `BackboneSpec` to a `Backbone`: timm and torchvision by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import timm
import torch
import torchvision
from timm.data import resolve_model_data_config
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from usae_viz.backbones.backbone import Backbone
from usae_viz.backbones.weights import (
    ENVIRONMENT,
    find_weights,
    load_strictly,
    read_weights,
    state_sha256,
    translate_layout,
)
from usae_viz.errors import BackboneError, did_you_mean
from usae_viz.recipe import BackboneSpec
from usae_viz.run import Run

Read = Callable[[Tensor], Tensor]

# What a model's constructor raises on arguments that do not fit it.
MISUSE = (AssertionError, LookupError, RuntimeError, TypeError, ValueError)


def load_backbone(
    spec: BackboneSpec, *, grid: int | None = None, weights_dir: str | None = None
) -> Backbone:
    """Load a pretrained network, frozen, read at one layer.

    Args:
        spec: which network, which layer, which weights.
        grid: side of the common token grid; None keeps the network's own.
        weights_dir: folder of local weights (see `weights.find_weights`); else the hub.

    Raises:
        BackboneError: the model, its weights or the layer do not exist, or the weights are damaged
            or belong to another network.
    """
    library, _, model = spec.model.partition(":")
    if library == "timm":
        network, read, config = _timm(spec, model, weights_dir)
    else:
        network, read, config = _torchvision(spec, model, weights_dir)
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
            weights_sha256=state_sha256(network),
        )
    except (RuntimeError, AssertionError) as error:
        raise BackboneError(
            f"{spec.name} does not take the images that it is to be fed with",
            got=f"{input_size} pixels, mean {list(mean)}, std {list(std)}; {error}"[:400],
            hint="set `input_size`, `mean` and `std` (one value each where in_chans = 1)",
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


def _timm(
    spec: BackboneSpec, model: str, weights_dir: str | None
) -> tuple[Any, Read, dict[str, Any]]:
    path = find_weights(spec, weights_dir)
    network = _create_timm(model, spec, pretrained=path is None)
    if path is not None:
        load_strictly(network, read_weights(path, spec.name), spec.name, path)
    index, last = _timm_index(network, spec)
    norm = spec.final_norm and index == last

    def read(images: Tensor) -> Tensor:
        maps = network.forward_intermediates(
            images,
            indices=[index],
            norm=norm,
            stop_early=True,
            output_fmt="NCHW",
            intermediates_only=True,
        )
        return maps[0]  # type: ignore[no-any-return]

    return network, read, dict(resolve_model_data_config(network))


def _create_timm(model: str, spec: BackboneSpec, *, pretrained: bool) -> Any:
    name = model.split(".")[0]
    if ":" not in model and not timm.is_model(name):
        raise BackboneError(
            f"timm has no model {name!r}",
            hint=did_you_mean(name, timm.list_models()) or "`timm.list_models()` lists them",
        )
    try:
        network = timm.create_model(model, pretrained=pretrained, **spec.kwargs)
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
    if not hasattr(network, "forward_intermediates"):
        raise BackboneError(
            f"timm's {model} gives no intermediates", hint="choose a model with token maps"
        )
    return network


def _timm_index(network: Any, spec: BackboneSpec) -> tuple[int, int]:
    names = _timm_layers(network)
    if isinstance(spec.layer, str):
        if spec.layer not in names:
            raise BackboneError(
                f"{spec.name} has no layer {spec.layer!r}",
                expected=f"an index or one of {', '.join(names)}",
                hint=did_you_mean(spec.layer, names),
            )
        index = names.index(spec.layer)
    else:
        index = spec.layer + len(names) if spec.layer < 0 else spec.layer
        if not 0 <= index < len(names):
            raise BackboneError(
                f"{spec.name} has no layer {spec.layer}",
                expected=f"{-len(names)} to {len(names) - 1} ({', '.join(names)})",
            )
    return index, len(names) - 1


def _timm_layers(network: Any) -> list[str]:
    info = network.feature_info
    entries: Iterable[dict[str, Any]] = getattr(info, "info", info)
    return [str(entry["module"]) for entry in entries]


def _torchvision(
    spec: BackboneSpec, model: str, weights_dir: str | None
) -> tuple[nn.Module, Read, dict[str, Any]]:
    path = find_weights(spec, weights_dir)
    model, _, tag = model.partition(".")
    try:
        builder = torchvision.models.get_model_builder(model)
    except ValueError:
        raise BackboneError(
            f"torchvision has no model {model!r}",
            hint=did_you_mean(model, torchvision.models.list_models())
            or "`torchvision.models.list_models()` lists them",
        ) from None
    known = torchvision.models.get_model_weights(builder)
    if tag and tag not in known.__members__:
        raise BackboneError(
            f"torchvision has no weights {tag!r} for {model}",
            expected=f"one of {', '.join(known.__members__)}",
            hint=did_you_mean(tag, known.__members__),
        )
    weights = known[tag] if tag else known.DEFAULT
    try:
        network = builder(weights=weights if path is None else None, **spec.kwargs)
    except OSError as error:
        raise BackboneError(
            f"the weights of {spec.name} (torchvision's {model}) could not be fetched",
            got=f"{type(error).__name__}: {error}"[:300],
            hint=f"go online, or give local weights by `weights`, `weights_dir` or {ENVIRONMENT}",
        ) from error
    except MISUSE as error:
        raise BackboneError(
            f"torchvision cannot make {model}", got=str(error), hint="check `kwargs`"
        ) from error
    network.eval()
    nodes = get_graph_node_names(network)[1]
    node = _node(spec, nodes)
    cut = create_feature_extractor(network, return_nodes={node: "map"})
    if path is not None:
        tensors = read_weights(path, spec.name)
        if spec.weights_layout is not None:
            layout = _layout_of(spec)
            tensors = translate_layout(tensors, layout, cut, spec.name)
        else:
            tensors = {key: value for key, value in tensors.items() if key in cut.state_dict()}
        load_strictly(cut, tensors, spec.name, path)

    def read(images: Tensor) -> Tensor:
        result: Tensor = cut(images)["map"]
        return result

    preset = weights.transforms()
    size = preset.crop_size[0] if hasattr(preset, "crop_size") else 224
    config = {"input_size": (3, size, size), "mean": preset.mean, "std": preset.std}
    return cut, read, config


def _node(spec: BackboneSpec, nodes: list[str]) -> str:
    if isinstance(spec.layer, str) and spec.layer in nodes:
        return spec.layer
    if isinstance(spec.layer, str):
        # A module's name stands for its last node, as in torchvision's own extractor.
        inside = [node for node in nodes if node.startswith(spec.layer + ".")]
        if inside:
            return inside[-1]
    raise BackboneError(
        f"{spec.name} has no node {spec.layer!r}",
        expected="a node of torchvision's feature extraction, for example " + ", ".join(nodes[-4:]),
        hint=did_you_mean(str(spec.layer), nodes),
    )


def _layout_of(spec: BackboneSpec) -> nn.Module:
    library, _, model = (spec.weights_layout or "").partition(":")
    if library != "timm" or not timm.is_model(model):
        raise BackboneError(
            f"{spec.name}: weights_layout names no architecture",
            expected="timm:NAME, for example timm:mobilenetv2_100",
            got=repr(spec.weights_layout),
            hint=did_you_mean(model, timm.list_models()),
        )
    layout: nn.Module = timm.create_model(model, pretrained=False, num_classes=0)
    return layout


def describe_layers(spec: BackboneSpec, *, weights_dir: str | None = None) -> list[dict[str, Any]]:
    """Return one row per readable layer of a timm network, for `usae-viz doctor`.

    Each row has ``layer``, ``dim``, ``grid`` (h, w) and ``gradient``: whether a gradient of the
    token map reaches the input pixels.
    """
    library, _, model = spec.model.partition(":")
    if library != "timm":
        raise BackboneError(
            "layers can be listed for timm models only", expected="timm:NAME", got=spec.model
        )
    network: Any
    network, _, config = _timm(spec, model, weights_dir)
    network.eval().requires_grad_(False)
    size = spec.input_size or int(config["input_size"][-1])
    images = torch.rand(
        (1, len(spec.mean or config["mean"]), size, size),
        generator=torch.Generator().manual_seed(0),
    ).requires_grad_()
    maps = network.forward_intermediates(images, output_fmt="NCHW", intermediates_only=True)
    rows = []
    for name, native in zip(_timm_layers(network), maps, strict=True):
        (gradient,) = torch.autograd.grad(native.square().sum(), images, retain_graph=True)
        rows.append(
            {
                "layer": name,
                "dim": int(native.shape[1]),
                "grid": [int(native.shape[2]), int(native.shape[3])],
                "gradient": bool(gradient.abs().sum() > 0),
            }
        )
    return rows
