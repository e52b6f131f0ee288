"""The losses of a universal SAE, on standardised tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.sae.code import SparseCode, weighted_rows


def reconstruction_loss(
    code: SparseCode, rows: Mapping[str, Tensor], tokens: Mapping[str, Tensor], *, l1: bool
) -> Tensor:
    """Sum over backbones of the mean error per channel (paper eq. 5–6): one code, every decoder.

    Args:
        code: code of n tokens.
        rows: dictionary of each backbone ``[concepts, dim]``.
        tokens: standardised tokens of each backbone ``[n, dim]``.
        l1: absolute instead of squared error.
    """
    total = code.values.new_zeros(())
    for name, target in tokens.items():
        error = target - weighted_rows(code, rows[name])
        total = total + (error.abs().mean() if l1 else error.square().mean())
    return total


def agreement_loss(code: SparseCode, others: Mapping[str, Tensor]) -> Tensor:
    """How far the other backbones are from the code in direction: Σ (1 − cosine), mean over tokens.

    The cosine is taken over the concepts that the code keeps. It is scale-free: a squared
    difference would also be lowered by shrinking every code, which costs reconstruction.

    Args:
        code: code of n tokens from one backbone.
        others: pre-gate activations ``[n, concepts]`` of the same tokens in the others.
    """
    total = code.values.new_zeros(())
    for pre_gate in others.values():
        cosine = F.cosine_similarity(pre_gate.gather(1, code.indices), code.values, dim=1)
        total = total + (1 - cosine).mean()
    return total


def auxiliary_loss(
    pre_gate: Tensor,
    code: SparseCode,
    rows: Mapping[str, Tensor],
    tokens: Mapping[str, Tensor],
) -> Tensor:
    """Let concepts that were not kept predict what the code left over (AuxK as published).

    The upper half of the concepts that were not kept, by activation, decodes to the residual of
    each backbone, by L1. The residual is detached, and the selection made once for all decoders.
    """
    rest = pre_gate.relu().scatter(1, code.indices, 0.0)
    half = max(1, rest.shape[1] // 2)
    values, indices = rest.topk(half, dim=1, sorted=False)
    # Half of all concepts is not sparse: a dense product is the cheaper one here.
    second = torch.zeros_like(rest).scatter(1, indices, values)
    total = pre_gate.new_zeros(())
    for name, target in tokens.items():
        with torch.no_grad():
            residual = target - weighted_rows(code, rows[name])
        total = total + (residual - second @ rows[name]).abs().mean()
    return total
