"""``usae.json``: what a trained USAE is, without its weights and without torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from usae_viz.errors import CheckpointError
from usae_viz.run import Run, read_json

FORMAT = 1
Count = Annotated[int, Field(gt=0, lt=2**31)]

Encoding = Literal["alone", "shared", "joint"]
"""How tokens of all backbones are read at once: each backbone by itself; each with values of its
own at concepts chosen by all together; or one code, of the sum of the pre-gate activations."""
Gate = Literal["topk", "batchtopk", "jumprelu"]
"""What keeps a concept: a place among the k largest, or a threshold that training has set for the
backbone (``batchtopk``) or learnt for each concept (``jumprelu``)."""


class UsaeConfig(BaseModel):
    """The content of ``usae.json``: all that is needed to build the module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    dims: dict[str, Count]
    """Channels per backbone, in the order of the tensors."""
    concepts: Count
    k: Count
    tau: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    mode: str
    encoding: Encoding = "alone"
    """How tokens of all backbones are read at once."""
    variant: str = "topk"
    """How the code is sparse, as in the recipe."""
    gate: Gate = "topk"
    """What keeps a concept."""
    prefixes: tuple[int, ...] = ()
    """Sizes of nested dictionaries (``matryoshka``)."""
    steps: int
    """Optimiser steps taken."""
    seconds: float
    """Wall time of the training loop."""


def read_config(run: Run) -> UsaeConfig:
    """Read ``usae.json``.

    Raises:
        CheckpointError: it is missing, damaged or of another format.
    """
    if not run.usae_config_file.is_file():
        raise CheckpointError(
            f"{run.path} holds no trained USAE", hint="finish `usae-viz train RECIPE --out RUN`"
        )
    table: Any = read_json(run.usae_config_file)
    try:
        config = UsaeConfig.model_validate(table)
    except ValidationError as error:
        raise CheckpointError(f"{run.usae_config_file} cannot be read", got=str(error)) from None
    if config.format != FORMAT:
        raise CheckpointError(
            f"{run.usae_config_file} has another format",
            expected=str(FORMAT),
            got=str(config.format),
        )
    return config
