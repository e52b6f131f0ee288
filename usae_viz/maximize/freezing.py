"""Lending networks: frozen while pictures are optimised, given back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Freeze modules (evaluation mode, no gradients for weights) for as long as the block runs.

    Afterwards, and after an error too, every parameter's ``requires_grad`` and every module's
    ``training`` are what they were; ``grad`` and hooks are never touched.
    """
    parameters = {p: p.requires_grad for module in modules for p in module.parameters()}
    training = {part: part.training for module in modules for part in module.modules()}
    try:
        for parameter in parameters:
            parameter.requires_grad_(False)
        for part in training:
            part.training = False
        yield
    finally:
        for parameter, wanted in parameters.items():
            parameter.requires_grad_(wanted)
        for part, was in training.items():
            part.training = was
