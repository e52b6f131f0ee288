"""Weights from local files: where they lie, what names they use, what they hash to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from usae_viz.errors import BackboneError
from usae_viz.recipe import BackboneSpec

ENVIRONMENT = "USAE_VIZ_WEIGHTS"


def find_weights(spec: BackboneSpec, weights_dir: str | None) -> Path | None:
    """Return the local weights of a backbone, or None if they come from the hub.

    Looked for in this order: ``weights`` as ``package:PACKAGE/FILE`` or as a path; then a file
    named ``weights`` (or, without it, ``MODEL.safetensors``) in `weights_dir` or, without that, in
    the folder that the environment variable ``USAE_VIZ_WEIGHTS`` names.

    Raises:
        BackboneError: a file was named that is not there.
    """
    folder = weights_dir or os.environ.get(ENVIRONMENT)
    if spec.weights is None:
        if folder is None:
            return None
        # Of ``hf-hub:USER/NAME`` the name counts.
        guess = Path(folder) / f"{spec.model.partition(':')[2].rsplit('/', 1)[-1]}.safetensors"
        return guess if guess.is_file() else None
    if spec.weights.startswith("package:"):
        package, _, name = spec.weights.removeprefix("package:").partition("/")
        try:
            path = Path(str(resources.files(package))) / name
        except ModuleNotFoundError:
            raise BackboneError(
                f"the weights of {spec.name} lie in a package that is not installed",
                got=spec.weights,
                hint=f"install {package}",
            ) from None
    elif "/" in spec.weights or Path(spec.weights).is_absolute():
        path = Path(spec.weights)
    elif folder is None:
        return None
    else:
        path = Path(folder) / spec.weights
    if not path.is_file():
        raise BackboneError(
            f"the weights of {spec.name} are missing",
            expected=f"a safetensors file at {path}",
            hint=f"put it there, or change `weights`, `weights_dir` or {ENVIRONMENT}",
        )
    return path


def read_weights(path: Path, name: str) -> dict[str, Tensor]:
    """Read a safetensors file as float32.

    Raises:
        BackboneError: the file is truncated or is no safetensors file.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise BackboneError(
            f"the weights of {name} cannot be read: {path}",
            expected="a whole safetensors file",
            got=f"{path.stat().st_size} bytes; {error}",
            hint="fetch or copy the file again",
        ) from error
    return {key: t.float() if t.is_floating_point() else t for key, t in tensors.items()}


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], name: str, path: Path) -> None:
    """Load `tensors` into `network`; every name and shape must match.

    Raises:
        BackboneError: naming the first missing, surplus or differently shaped tensors.
    """
    try:
        network.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise BackboneError(
            f"the weights in {path} are not those of {name}",
            got=" ".join(line.strip() for line in lines[1:4])[:600],
            hint="check `model` and `kwargs`, or set `weights_layout`",
        ) from None


def translate_layout(
    tensors: Mapping[str, Tensor], layout: nn.Module, network: nn.Module, name: str
) -> dict[str, Tensor]:
    """Rename tensors from the names of `layout` to those of `network`, by order of definition.

    Two libraries' versions of one architecture define the same layers in the same order under
    other names. `network` may end earlier (it was cut after the layer that is read).

    Raises:
        BackboneError: the file is not of `layout`, or a shape differs at some position.
    """
    ordered = list(layout.state_dict())
    missing = [key for key in ordered if key not in tensors]
    if missing:
        raise BackboneError(
            f"the weights of {name} do not follow their weights_layout",
            expected=f"tensors named like {ordered[0]}",
            got=f"{len(missing)} of {len(ordered)} missing, first {missing[0]}",
        )
    renamed: dict[str, Tensor] = {}
    for position, (key, tensor) in enumerate(network.state_dict().items()):
        if position >= len(ordered) or tensors[ordered[position]].shape != tensor.shape:
            theirs = ordered[position] if position < len(ordered) else "the file's end"
            raise BackboneError(
                f"the weights of {name} do not fit at {key}",
                expected=f"shape {list(tensor.shape)}",
                got=f"{theirs}" + (f" {list(tensors[theirs].shape)}" if theirs in tensors else ""),
            )
        renamed[key] = tensors[ordered[position]]
    return renamed


def state_sha256(network: nn.Module) -> str:
    """Return the sha256 over all parameters and buffers (names, shapes, float32 bytes).

    The same for a hub download and a local copy, whatever the file's own layout.
    """
    digest = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        if key.endswith("num_batches_tracked"):
            continue
        digest.update(f"{key}{list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().to(torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
