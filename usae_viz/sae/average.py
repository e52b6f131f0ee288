"""An exponential average of the weights along a training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from usae_viz.sae.archetypes import Archetypes
from usae_viz.sae.universal import UniversalSAE


class Averaged(Protocol):
    """What is averaged: a model and what only its training needs."""

    usae: UniversalSAE
    norms: nn.ModuleList | None
    archetypes: Archetypes | None

    def finish(self) -> None:
        """Fold what only training needs into the model."""
        ...


class Average:
    """Average of a step's model: the value of one step falls by `decay` at each later one."""

    def __init__(self, step: Averaged, decay: float) -> None:
        rule = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self._model = AveragedModel(_modules(step), multi_avg_fn=rule).requires_grad_(False)

    def update(self, step: Averaged) -> None:
        """Take in the model after a step."""
        self._model.update_parameters(_modules(step))

    def modules(self) -> nn.ModuleDict:
        """Return the averages as ``usae`` and, if there are any, ``norms``, ``archetypes``."""
        modules = self._model.module
        assert isinstance(modules, nn.ModuleDict)
        return modules

    def state(self) -> dict[str, Tensor]:
        """Return the averages."""
        return dict(self._model.state_dict())

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self._model.load_state_dict(dict(tensors), strict=True)


@torch.no_grad()
def finished_copy(step: Averaged, average: Average | None) -> UniversalSAE:
    """Return the model as it would be if the training ended here; the training is not touched."""
    twin = copy.copy(step)
    modules = copy.deepcopy(_modules(step) if average is None else average.modules())
    usae = modules["usae"]
    assert isinstance(usae, UniversalSAE)
    twin.usae = usae
    if step.norms is not None:
        norms = modules["norms"]
        assert isinstance(norms, nn.ModuleList)
        twin.norms = norms
    if step.archetypes is not None:
        archetypes = modules["archetypes"]
        assert isinstance(archetypes, Archetypes)
        twin.archetypes = archetypes
    twin.finish()
    return usae


def _modules(step: Averaged) -> nn.ModuleDict:
    modules: dict[str, nn.Module] = {"usae": step.usae}
    if step.norms is not None:
        modules["norms"] = step.norms
    if step.archetypes is not None:
        modules["archetypes"] = step.archetypes
    return nn.ModuleDict(modules)
