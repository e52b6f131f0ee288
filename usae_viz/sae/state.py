"""The state of an unfinished training as safetensors: model, optimisers, BatchNorm, draws."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from usae_viz.errors import CheckpointError
from usae_viz.run import write_bytes
from usae_viz.sae.step import TrainingStep


def save_state(path: Path, step: TrainingStep, done: int, seconds: float) -> None:
    """Write everything that a resume needs, atomically.

    Args:
        path: safetensors file.
        step: the training.
        done: steps taken.
        seconds: wall time spent.
    """
    tensors = {f"usae/{key}": value for key, value in step.usae.state_dict().items()}
    if step.norms is not None:
        tensors |= {f"norms/{key}": value for key, value in step.norms.state_dict().items()}
    for i, optimiser in enumerate(step.optimisers):
        for p, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{i}/{p}/{key}": value for key, value in state.items()}
    tensors["draws"] = step.generator.get_state()
    data = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_bytes(path, save(data, metadata={"done": str(done), "seconds": repr(seconds)}))


def load_state(path: Path, step: TrainingStep) -> tuple[int, float]:
    """Bring a training to where `save_state` left it; returns steps taken and seconds spent.

    Raises:
        CheckpointError: the file is damaged, or the training has other shapes.
    """
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        step.usae.load_state_dict(_below(tensors, "usae/"), strict=True)
        if step.norms is not None:
            step.norms.load_state_dict(_below(tensors, "norms/"), strict=True)
        for i, optimiser in enumerate(step.optimisers):
            states: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(tensors, f"optimiser/{i}/").items():
                number, _, field = key.partition("/")
                states.setdefault(int(number), {})[field] = value
            table = optimiser.state_dict()
            optimiser.load_state_dict({"state": states, "param_groups": table["param_groups"]})
        step.generator.set_state(tensors["draws"])
        return int(meta["done"]), float(meta["seconds"])
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise CheckpointError(
            f"{path} cannot be resumed from",
            got=" ".join(str(error).split())[:300],
            hint="train without --resume, or with the settings that it was written under",
        ) from error


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
