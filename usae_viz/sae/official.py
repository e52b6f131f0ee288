"""Reading the published checkpoints: three pickles of one training, and the YAML beside them.

The layout is that of the code published with arXiv 2502.03714. Each ``.pth`` is a dictionary with
``model_state_dict``: a linear layer, a BatchNorm with running statistics, and a dictionary that is
not normalised. The YAML holds k and, per backbone, one mean and one standard deviation by which
activations were standardised.
"""

from __future__ import annotations

import math
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from torch import Tensor

from usae_viz.errors import CheckpointError
from usae_viz.sae.universal import UniversalSAE

EPS = 1e-5
"""Of the published BatchNorm (torch's default)."""
LINEAR, NORM = "encoder.final_block.0", "encoder.final_block.1"
KEYS = {
    *(f"{LINEAR}.{key}" for key in ("weight", "bias")),
    *(f"{NORM}.{key}" for key in ("weight", "bias", "running_mean", "running_var")),
    "dictionary._weights",
}
COUNTER = f"{NORM}.num_batches_tracked"


class Official(NamedTuple):
    """What the published files hold.

    Attributes:
        usae: BatchNorm folded into the encoders, dictionary rows of unit norm.
        steps: optimiser steps of all models together; 0 if the files do not say.
    """

    usae: UniversalSAE
    steps: int


def read_official(folder: Path, *, tau: float = 0.1) -> Official:
    """Read a folder with one YAML and a ``.pth`` for each backbone that it names.

    Nothing in the pickles is executed: they are read with ``weights_only=True``.

    Args:
        folder: holds the files.
        tau: a concept fires where its value exceeds this (paper: 0.1).

    Raises:
        CheckpointError: a file is missing, damaged, asks for code, or is not of the published
            architecture.
    """
    config_file, config = _config(folder)
    where = str(config_file)
    if _at(config, where, "sae_params", "encoder_module") != "mlp_bn_1":
        raise CheckpointError(
            f"{where} is of another architecture",
            expected="sae_params.encoder_module: mlp_bn_1 (linear and BatchNorm)",
            got=str(config["sae_params"]["encoder_module"]),
        )
    if config["sae_params"].get("dictionary_normalization", "l2") != "l2":
        raise CheckpointError(
            f"{where} is of another architecture",
            expected="sae_params.dictionary_normalization: l2",
            got=str(config["sae_params"]["dictionary_normalization"]),
        )
    k = _at(config, where, "sae_params", "top_k")
    zoo = _at(config, where, "model_zoo")
    if not isinstance(zoo, dict) or not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise CheckpointError(f"{where} cannot be read", expected="a model_zoo, and top_k ≥ 1")
    tensors: dict[str, dict[str, Tensor]] = {}
    steps = 0
    for name, entry in zoo.items():
        path = _checkpoint(folder, str(name), entry if isinstance(entry, dict) else {})
        tensors[str(name)], taken = _read(path)
        steps += taken
    dims = {name: state[f"{LINEAR}.weight"].shape[1] for name, state in tensors.items()}
    widths = {state[f"{LINEAR}.weight"].shape[0] for state in tensors.values()}
    if len(widths) != 1:
        raise CheckpointError(
            f"the checkpoints in {folder} are not of one training",
            expected="as many concepts in each",
            got=", ".join(map(str, sorted(widths))),
        )
    usae = UniversalSAE(dims, widths.pop(), k, tau)
    if k > usae.concepts:
        raise CheckpointError(f"{where} keeps more concepts than there are", got=f"top_k {k}")
    with torch.no_grad():
        for i, (name, state) in enumerate(tensors.items()):
            _fill(usae, i, state)
            mean, std = (_number(zoo, where, name, key) for key in ("model_mean", "model_std"))
            if not std > 0:
                raise CheckpointError(
                    f"{where} has no standardisation of {name}", expected="model_std > 0"
                )
            usae.set_standardisation(name, torch.full((dims[name],), mean), std)
    return Official(usae.eval().requires_grad_(False), steps)


def _fill(usae: UniversalSAE, i: int, state: Mapping[str, Tensor]) -> None:
    exact = {key: value.double() for key, value in state.items()}
    gain = exact[f"{NORM}.weight"] / (exact[f"{NORM}.running_var"] + EPS).sqrt()
    usae.weight[i].copy_(exact[f"{LINEAR}.weight"] * gain[:, None])
    shifted = exact[f"{LINEAR}.bias"] - exact[f"{NORM}.running_mean"]
    usae.bias[i].copy_(shifted * gain + exact[f"{NORM}.bias"])
    rows = exact["dictionary._weights"]
    usae.dictionary[i].copy_(rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12))


def _config(folder: Path) -> tuple[Path, dict[str, Any]]:
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if len(files) != 1:
        raise CheckpointError(
            f"{folder} holds {len(files)} YAML files" if folder.is_dir() else f"no folder {folder}",
            expected="the .pth files and the one YAML of their training",
            got=", ".join(path.name for path in files) or "none",
        )
    try:
        table = yaml.safe_load(files[0].read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{files[0]} cannot be read", got=" ".join(str(error).split())[:300]
        ) from None
    if not isinstance(table, dict):
        raise CheckpointError(f"{files[0]} cannot be read", expected="a table of settings")
    section = table.get("global") or {}
    if not isinstance(section, dict) or section.get("standardize", True) is not True:
        raise CheckpointError(
            f"{files[0]} is of a training without standardisation",
            expected="global.standardize: true",
        )
    return files[0], table


def _at(table: Mapping[str, Any], where: str, *keys: str) -> Any:
    node: Any = table
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            raise CheckpointError(f"{where} lacks {'.'.join(keys)}")
        node = node[key]
    return node


def _number(zoo: Mapping[str, Any], where: str, name: str, key: str) -> float:
    value = _at(zoo, where, name, key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise CheckpointError(
            f"{where} has no standardisation of {name}",
            expected=f"model_zoo.{name}.{key}: a finite number",
            got=repr(value),
            hint="the published YAML beside the checkpoints has it; the one before training not",
        )
    return float(value)


def _checkpoint(folder: Path, name: str, entry: Mapping[str, Any]) -> Path:
    named = entry.get("checkpoint_path")
    if isinstance(named, str) and (folder / Path(named).name).is_file():
        return folder / Path(named).name
    pattern = re.compile(rf"uni_{re.escape(name)}_checkpoint_(\d+)\.pth")
    found = {int(m[1]): path for path in folder.iterdir() if (m := pattern.fullmatch(path.name))}
    if not found:
        raise CheckpointError(
            f"{folder} holds no checkpoint of {name}", expected=f"uni_{name}_checkpoint_29.pth"
        )
    return found[max(found)]


def _read(path: Path) -> tuple[dict[str, Tensor], int]:
    try:
        with warnings.catch_warnings():
            # Of pickles of a protocol that torch.save does not write: refused or read, as they are.
            warnings.simplefilter("ignore")
            table = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is refused: it holds more than tensors, or is no checkpoint",
            expected="a file of torch.save with tensors, numbers and texts only",
            got=" ".join(str(error).split())[:300],
            hint="nothing of it was executed; fetch the published file again",
        ) from None
    except Exception as error:  # a damaged pickle may raise anything
        raise CheckpointError(
            f"{path} is damaged", got=" ".join(str(error).split())[:300], hint="fetch it again"
        ) from None
    state = table.get("model_state_dict") if isinstance(table, dict) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} is no published checkpoint", expected="model_state_dict")
    missing, surplus = KEYS - set(state), set(state) - KEYS - {COUNTER}
    if missing or surplus:
        raise CheckpointError(
            f"{path} is of another architecture",
            expected="a linear layer, a BatchNorm and a dictionary",
            got=f"missing {sorted(missing)}, surplus {sorted(map(str, surplus))}"[:300],
        )
    tensors = {key: state[key] for key in sorted(KEYS)}
    _check(path, tensors)
    return tensors, _steps(table.get("optimizer_state_dict"))


def _check(path: Path, tensors: Mapping[str, Any]) -> None:
    weight = tensors[f"{LINEAR}.weight"]
    shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
    for key, value in tensors.items():
        matrix = key in (f"{LINEAR}.weight", "dictionary._weights")
        wanted = shape if matrix else shape[:1]
        if len(shape) != 2 or not isinstance(value, Tensor) or tuple(value.shape) != wanted:
            raise CheckpointError(
                f"{path} does not fit together at {key}",
                expected=str(list(wanted)),
                got=str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__,
            )
        if not value.is_floating_point() or not value.isfinite().all():
            raise CheckpointError(f"{path} holds values that are not finite at {key}")
    if (tensors[f"{NORM}.running_var"] < 0).any():
        raise CheckpointError(f"{path} holds a negative variance")


def _steps(optimiser: Any) -> int:
    """Return the steps that this model's optimiser took, if it says so."""
    states = optimiser.get("state") if isinstance(optimiser, dict) else None
    for state in states.values() if isinstance(states, dict) else ():
        if isinstance(state, dict) and "step" in state:
            try:
                return int(state["step"])
            except (TypeError, ValueError):
                return 0
    return 0
