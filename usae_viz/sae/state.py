"""The state of an unfinished training as safetensors: step, optimiser, averages, progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from usae_viz.errors import CheckpointError, TrainingError
from usae_viz.run import write_bytes


class Stateful(Protocol):
    """Anything that gives its state as tensors and takes it back."""

    def state(self) -> dict[str, Tensor]:
        """Return the state."""
        ...

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take it back."""
        ...


def save_state(path: Path, parts: Mapping[str, Stateful], progress: Mapping[str, Any]) -> None:
    """Write everything that a resume needs, atomically.

    Args:
        path: safetensors file.
        parts: what has tensors, by name.
        progress: what else there is: counts, times, scores; JSON values.

    Raises:
        TrainingError: a tensor is not finite; what was written before stays.
    """
    tensors = {f"{name}/{k}": v for name, part in parts.items() for k, v in part.state().items()}
    for key, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise TrainingError(
                f"the training has diverged: {key} is not finite",
                hint=f"lower training.lr; {path.name} is from before, if it is there",
            )
    data = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_bytes(path, save(data, metadata={"progress": json.dumps(dict(progress))}))


def load_state(path: Path, parts: Mapping[str, Stateful]) -> dict[str, Any]:
    """Bring a training to where `save_state` left it; returns its `progress`.

    Raises:
        CheckpointError: the file is damaged, or the training has other shapes.
    """
    try:
        with safe_open(path, "pt") as file:
            progress: dict[str, Any] = json.loads((file.metadata() or {})["progress"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        for name, part in parts.items():
            part.load_state(below(tensors, f"{name}/"))
        return progress
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise CheckpointError(
            f"{path} cannot be resumed from",
            got=" ".join(str(error).split())[:300],
            hint="train without --resume, or with the settings that it was written under",
        ) from error


def model_state(usae: nn.Module, draws: torch.Generator) -> dict[str, Tensor]:
    """Return what every step keeps: the model, and the generator of its draws."""
    tensors = {f"usae/{key}": value for key, value in usae.state_dict().items()}
    return {**tensors, "draws": draws.get_state()}


def load_model_state(
    usae: nn.Module, draws: torch.Generator, tensors: Mapping[str, Tensor]
) -> None:
    """Take over what `model_state` returned.

    Raises:
        KeyError, RuntimeError: it is of a training with other settings.
    """
    usae.load_state_dict(below(tensors, "usae/"), strict=True)
    draws.set_state(tensors["draws"])


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, named without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
