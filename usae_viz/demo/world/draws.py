"""Counter-based random numbers: a draw depends on (seed, index, slot) and on nothing else."""

from __future__ import annotations

import torch
from torch import Tensor


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_A = _signed(0xBF58476D1CE4E5B9)
_MIX_B = _signed(0x94D049BB133111EB)


def _shifted(x: Tensor, bits: int) -> Tensor:
    # torch has no unsigned 64-bit shift: mask off what the arithmetic shift drags in.
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _splitmix(x: Tensor) -> Tensor:
    """splitmix64 finaliser (Steele, Lea & Flood 2014) on int64 with wrap-around."""
    x = x + _GOLDEN
    x = (x ^ _shifted(x, 30)) * _MIX_A
    x = (x ^ _shifted(x, 27)) * _MIX_B
    return x ^ _shifted(x, 31)


def uniforms(seed: int, indices: Tensor, count: int) -> Tensor:
    """``count`` uniforms in [0, 1) for each index: ``[n]`` int64 → ``[n, count]`` float32."""
    base = _splitmix(indices.to(torch.int64) ^ _splitmix(torch.tensor(_signed(seed))))
    bits = _splitmix(base[:, None] + torch.arange(count) * _GOLDEN)
    return _shifted(bits, 40).to(torch.float32) / float(1 << 24)
