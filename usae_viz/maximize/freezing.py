"""Lending networks: frozen while pictures are optimised, given back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def frozen(*modules: nn.Module, channels_last: bool = False) -> Iterator[None]:
    """Freeze modules (evaluation mode, no gradients for weights) for as long as the block runs.

    Afterwards, and after an error too, every parameter's ``requires_grad`` and every module's
    ``training`` are what they were; ``grad`` and hooks are never touched.

    Args:
        modules: what is lent.
        channels_last: whether the weights of convolutions lie in that memory format meanwhile (in
            copies; the modules get their own tensors back), which inputs of that format would
            otherwise have made of them in every pass.
    """
    for module in modules:
        _leave_inference(module)
    parameters = {p: p.requires_grad for module in modules for p in module.parameters()}
    weights = {p: p.data for p in parameters if p.ndim == 4} if channels_last else {}
    training = {part: part.training for module in modules for part in module.modules()}
    try:
        for parameter in parameters:
            parameter.requires_grad_(False)
        for part in training:
            part.training = False
        for weight, own in weights.items():
            weight.data = own.contiguous(memory_format=torch.channels_last)
        yield
    finally:
        for weight, own in weights.items():
            weight.data = own
        for parameter, wanted in parameters.items():
            parameter.requires_grad_(wanted)
        for part, was in training.items():
            part.training = was


def _leave_inference(module: nn.Module) -> None:
    """Replace by copies what was loaded under inference mode, which no gradient can pass."""
    for part in module.modules():
        for name, own in part._parameters.items():
            if own is not None and own.is_inference():
                part._parameters[name] = nn.Parameter(own.clone(), own.requires_grad)
        for name, value in part._buffers.items():
            if value is not None and value.is_inference():
                part._buffers[name] = value.clone()
