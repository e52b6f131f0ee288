"""What networks give out, brought to one form: a token map and the tokens that stand beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any, Literal

from torch import Tensor

from usae_viz.errors import BackboneError

Layout = Literal["NCHW", "NHWC", "NLC"]


def split_tokens(
    output: Any, layout: Layout | None = None, prefix: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the token map ``[batch, dim, h, w]`` of a layer's output, and its prefix tokens.

    Args:
        output: a tensor, or what holds one as networks give it out: a tuple (its first member), a
            mapping or a record with ``last_hidden_state``.
        layout: ``NCHW`` (CNNs), ``NHWC`` (Swin) or ``NLC`` (a row of tokens, as in ViTs). By
            default told from the shape: the two equal sides are height and width, of a map with
            three equal sides the last two.
        prefix: number of tokens before those of the grid (class, registers), for ``NLC``; by
            default what is left over from the largest square.

    Returns:
        The map, and the prefix tokens ``[batch, prefix, dim]`` (none of them for maps).

    Raises:
        BackboneError: the output is no token map.
    """
    tensor = _tensor_in(output)
    shape = list(tensor.shape) if tensor is not None else type(output).__name__
    if tensor is not None and tensor.ndim == 4:
        square = tensor.shape[2] == tensor.shape[3] or tensor.shape[1] != tensor.shape[2]
        if layout is None:
            layout = "NCHW" if square else "NHWC"
        if layout != "NLC":
            maps = tensor if layout == "NCHW" else tensor.permute(0, 3, 1, 2)
            return maps, maps.new_empty(maps.shape[0], 0, maps.shape[1])
    elif tensor is not None and tensor.ndim == 3 and layout in (None, "NLC"):
        length = tensor.shape[1]
        side = isqrt(length if prefix is None else max(0, length - prefix))
        first = length - side * side if prefix is None else prefix
        if side > 1 and first + side * side == length:
            maps = tensor[:, first:].transpose(1, 2).reshape(tensor.shape[0], -1, side, side)
            return maps, tensor[:, :first]
    raise BackboneError(
        "the layer gives no token map",
        expected="[batch, dim, h, w], [batch, h, w, dim], or [batch, tokens, dim] on a square grid"
        if layout is None
        else f"{layout}" + (f" with {prefix} tokens before the grid's" if prefix else ""),
        got=str(shape),
        hint="choose another layer, or state `layout` and `prefix_tokens`",
    )


def prefix_names(count: int, *, registers: int = 0, distilled: bool = False) -> tuple[str, ...]:
    """Name the tokens before those of the grid: ``class``, ``distillation``, ``register_0`` …"""
    named = [] if count == registers else ["class"]
    if distilled:
        named.append("distillation")
    return (*named, *(f"register_{number}" for number in range(count - len(named))))[:count]


def named_tokens(names: Sequence[str], prefix: Tensor) -> dict[str, Tensor]:
    """Return ``[batch, prefix, dim]`` as name → ``[batch, dim]``."""
    return {name: prefix[:, number] for number, name in enumerate(names)}


def _tensor_in(output: Any) -> Tensor | None:
    if isinstance(output, Mapping):
        output = output.get("last_hidden_state")
    output = getattr(output, "last_hidden_state", output)
    if isinstance(output, list | tuple) and output:
        output = output[0]
    return output if isinstance(output, Tensor) else None
