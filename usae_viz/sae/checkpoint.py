"""A trained USAE on disk: ``usae.safetensors`` and ``usae.json``; loading is strict."""

from __future__ import annotations

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from usae_viz.errors import CheckpointError
from usae_viz.run import Run, write_bytes, write_json
from usae_viz.sae.config import UsaeConfig, read_config
from usae_viz.sae.universal import UniversalSAE


def save_usae(run: Run, usae: UniversalSAE, config: UsaeConfig, *, half: bool = False) -> None:
    """Write the model into the run, weights first; `half` stores float16."""
    state = usae.state_dict()
    if half:
        state = {key: t.half() if t.ndim == 2 else t for key, t in state.items()}
    write_bytes(run.usae_file, save({key: t.contiguous().cpu() for key, t in state.items()}))
    write_json(run.usae_config_file, config.model_dump(mode="json"))


def load_usae(run: Run) -> UniversalSAE:
    """Load the run's USAE, frozen, float32, in evaluation mode.

    Raises:
        CheckpointError: there is none, it is damaged, or weights and configuration disagree.
    """
    config = read_config(run)
    _refuse_other_shapes(run, config)
    usae = UniversalSAE(
        config.dims,
        config.concepts,
        config.k,
        config.tau,
        encoding=config.encoding,
        gate=config.gate,
    )
    try:
        state = {key: t.float() for key, t in load(run.usae_file.read_bytes()).items()}
        usae.load_state_dict(state, strict=True)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{run.usae_file} is missing or damaged", got=str(error), hint="train again"
        ) from error
    except RuntimeError as error:
        raise CheckpointError(
            f"{run.usae_file} does not match {run.usae_config_file.name}",
            got=" ".join(str(error).split())[:400],
            hint="take both files from the same run",
        ) from None
    if list(config.dims) != list(run.names):
        raise CheckpointError(
            f"{run.usae_config_file} is of another run",
            expected=f"backbones {', '.join(run.names)}",
            got=", ".join(config.dims),
        )
    return usae.eval().requires_grad_(False)


def _refuse_other_shapes(run: Run, config: UsaeConfig) -> None:
    """Compare sizes with the file's header before any memory is taken for them."""
    try:
        with safe_open(run.usae_file, "pt") as file:
            found = sorted(
                tuple(file.get_slice(key).get_shape())
                for key in file.keys()  # noqa: SIM118
                if len(file.get_slice(key).get_shape()) == 2
            )
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{run.usae_file} is missing or damaged", got=str(error), hint="train again"
        ) from error
    wanted = sorted((config.concepts, dim) for dim in config.dims.values() for _ in range(2))
    if found != wanted or config.k > config.concepts:
        raise CheckpointError(
            f"{run.usae_file} does not match {run.usae_config_file.name}",
            expected=f"matrices of {wanted}, k of at most {config.concepts}",
            got=f"{found}, k = {config.k}"[:400],
            hint="take both files from the same run",
        )
