"""torchvision's models: made, loaded and cut at a node of its feature extraction."""

from __future__ import annotations

import inspect
from typing import Any

import timm
import torchvision
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from usae_viz.backbones.from_timm import MISUSE
from usae_viz.backbones.reading import SplitReader
from usae_viz.backbones.weights import (
    ENVIRONMENT,
    find_weights,
    load_strictly,
    read_weights,
    translate_layout,
)
from usae_viz.errors import BackboneError, did_you_mean
from usae_viz.recipe import BackboneSpec


def open_torchvision(spec: BackboneSpec, *, pretrained: bool) -> tuple[nn.Module, dict[str, Any]]:
    """Return a torchvision network and its preprocessing.

    Raises:
        BackboneError: the model or its weights do not exist or cannot be had.
    """
    model, _, tag = spec.model.partition(":")[2].partition(".")
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
    # Some start with slow draws of weights, or fetch those of a part of theirs by themselves.
    takes = inspect.signature(builder).parameters
    options: dict[str, Any] = {}
    if model in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if "weights_backbone" in takes and not pretrained:
        options["weights_backbone"] = None
    try:
        network = builder(weights=weights if pretrained else None, **{**options, **spec.kwargs})
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
    preset = weights.transforms()
    size = preset.crop_size[0] if hasattr(preset, "crop_size") else 224
    # Detectors have no means: they normalise by themselves.
    mean, std = getattr(preset, "mean", (0.0,) * 3), getattr(preset, "std", (1.0,) * 3)
    config = {"input_size": (3, size, size), "mean": mean, "std": std}
    return network.eval(), config


def cut_at(network: nn.Module, layer: str, name: str) -> nn.Module:
    """Return the network up to a node of its feature extraction; it gives ``{"map": output}``.

    Raises:
        BackboneError: there is no such node, or the network cannot be traced.
    """
    try:
        nodes = get_graph_node_names(network)[1]
    except Exception as error:  # tracing runs the network's own code on stand-ins
        raise BackboneError(
            f"{name} cannot be traced, so torchvision cannot cut it at a layer",
            got=f"{type(error).__name__}: {error}"[:300],
            hint="in Python, usae_viz.register_backbone reads any module",
        ) from error
    if layer not in nodes:
        # A module's name stands for its last node, as in torchvision's own extractor.
        inside = [node for node in nodes if node.startswith(layer + ".")]
        if not inside:
            raise BackboneError(
                f"{name} has no node {layer!r}",
                expected="an index, a module's name, or a node of torchvision's feature "
                "extraction, for example " + ", ".join(nodes[-4:]),
                hint=did_you_mean(layer, nodes),
            )
        layer = inside[-1]
    cut: nn.Module = create_feature_extractor(network, return_nodes={layer: "map"})
    return cut


class WholeNetwork(nn.Module):
    """A network with its classifier, and the part of it that is read; they share their modules."""

    def __init__(self, whole: nn.Module, cut: nn.Module) -> None:
        super().__init__()
        self.whole, self.cut = whole, cut

    def forward(self, images: Tensor) -> Tensor:
        """Return what the whole network puts out: for classifiers ``[batch, classes]``."""
        output: Tensor = self.whole(images)
        return output


def load_cut(
    whole: nn.Module, cut: nn.Module, spec: BackboneSpec, weights_dir: str | None
) -> nn.Module:
    """Load local weights, if there are any, into a network that was cut.

    Returns:
        The whole network where all of it has weights, else the cut alone: a file need not hold what
        lies behind the layer, and a classifier of random weights is none.
    """
    path = find_weights(spec, weights_dir)
    if path is None:
        return WholeNetwork(whole, cut)
    tensors = read_weights(path, spec.name)
    if spec.weights_layout is not None:
        tensors = translate_layout(tensors, _layout_of(spec), cut, spec.name)
    elif whole.state_dict().keys() <= tensors.keys():
        kept = {key: tensors[key] for key in whole.state_dict()}
        load_strictly(whole, kept, spec.name, path)
        return WholeNetwork(whole, cut)
    else:
        tensors = {key: value for key, value in tensors.items() if key in cut.state_dict()}
    load_strictly(cut, tensors, spec.name, path)
    return cut


def cut_reader(cut: nn.Module) -> SplitReader:
    """Return what reads the token map of a network that `cut_at` made."""
    return SplitReader(lambda images: cut(images)["map"])


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
