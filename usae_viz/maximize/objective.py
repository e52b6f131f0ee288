"""The objective: how active concepts are before the gate, over the tokens of a view."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from usae_viz.errors import UsageError, did_you_mean
from usae_viz.sae import UniversalSAE

OverTokens = Callable[[Tensor], Tensor]
"""Makes one number a view, ``[batch]``, of activations ``[batch, grid, grid]``."""

TOP_SHARE = 0.1
"""Share of tokens that the objective ``top`` averages over."""
FORMS = ("mean", "top[:SHARE]", "peak", "softmax[:TEMPERATURE]", "position:ROW,COLUMN")
"""How an objective is written."""


def over_tokens(text: str) -> OverTokens:
    """Return how activations over the tokens of a view become one number.

    Args:
        text: ``mean`` of all tokens; ``top`` tenth of them, or ``top:0.25``; ``peak``, the largest;
            ``softmax``, the mean weighted by the softmax of the activations (in standardised units;
            ``softmax:2`` divides them by 2 first); ``position:3,7``, one token, by row and column
            from 0.

    Raises:
        UsageError: the text cannot be read.
    """
    form, _, argument = text.partition(":")
    if form == "mean" and not argument:
        return lambda activation: activation.mean((1, 2))
    if form == "peak" and not argument:
        return lambda activation: activation.amax((1, 2))
    if form == "top":
        return _top(_number(text, argument, TOP_SHARE, 1.0))
    if form == "softmax":
        return _softmax(_number(text, argument, 1.0, float("inf")))
    if form == "position":
        return _position(text, argument)
    raise _unreadable(text)


def _number(text: str, argument: str, default: float, largest: float) -> float:
    try:
        value = float(argument) if argument else default
    except ValueError:
        raise _unreadable(text) from None
    if not 0 < value <= largest:
        raise _unreadable(text)
    return value


def _unreadable(text: str) -> UsageError:
    forms = [form.partition("[")[0].partition(":")[0] for form in FORMS]
    return UsageError(
        f"the objective {text!r} cannot be read",
        expected=f"one of {', '.join(FORMS)}",
        hint=None if text in forms else did_you_mean(text.partition(":")[0], forms),
    )


def _top(share: float) -> OverTokens:
    def top(activation: Tensor) -> Tensor:
        flat = activation.flatten(1)
        return flat.topk(max(1, round(share * flat.shape[1])), dim=1).values.mean(1)

    return top


def _softmax(temperature: float) -> OverTokens:
    def softmax(activation: Tensor) -> Tensor:
        flat = activation.flatten(1)
        return ((flat.detach() / temperature).softmax(1) * flat).sum(1)

    return softmax


def _position(text: str, argument: str) -> OverTokens:
    match = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", argument)
    if match is None:
        raise _unreadable(text)
    row, column = int(match[1]), int(match[2])

    def position(activation: Tensor) -> Tensor:
        grid = activation.shape[1:]
        if row >= grid[0] or column >= grid[1]:
            raise UsageError(
                f"the objective {text!r} names a token outside the grid",
                expected=f"rows 0 to {grid[0] - 1}, columns 0 to {grid[1] - 1}",
            )
        return activation[:, row, column]

    return position


def parse_weights(text: str) -> dict[int, float]:
    """Return concepts and their weights from a text like ``12:0.5,30:-1``; alone, one weighs 1.

    Raises:
        UsageError: the text cannot be read.
    """
    chosen: dict[int, float] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?::\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*)?", part)
        if match is None:
            raise UsageError(
                f"{text!r} gives no concepts and weights",
                expected="CONCEPT:WEIGHT, like 12:0.5,30:-1",
            )
        chosen[int(match[1])] = float(match[2] or 1)
    return chosen


def token_activation(usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor) -> Tensor:
    """Return the pre-gate activations of each image's own concepts at every token.

    Only the encoder rows asked for are computed, and not the gate: TopK gives a concept that is not
    among the k largest no gradient at all, so an optimisation could not start.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n * views, dim, grid, grid]``, the views of an image side by side.
        concepts: ``[n, K]``, the concepts of each image.

    Returns:
        ``[n * views, K, grid, grid]`` in standardised units, any sign.
    """
    batch, dim, height, width = maps.shape
    tokens = maps.flatten(2).transpose(1, 2).reshape(-1, dim)
    distinct, column = torch.unique(concepts, return_inverse=True)
    every = usae.pre_gate(name, tokens, distinct).view(batch, height, width, -1)
    every = every.permute(0, 3, 1, 2)
    if len(distinct) == 1:
        return every.expand(-1, concepts.shape[1], -1, -1)
    where = column.repeat_interleave(batch // len(concepts), dim=0)
    return every.gather(1, where[:, :, None, None].expand(-1, -1, height, width))


def concept_activation(
    usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor, objective: str = "mean"
) -> Tensor:
    """Return the pre-gate activation of another concept for each image.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n * views, dim, grid, grid]``, the views of an image side by side.
        concepts: ``[n]``, the concept of each image.
        objective: as `over_tokens` reads it; the tokens of each view count by themselves.

    Returns:
        ``[n]``, mean over views, in standardised units, any sign.
    """
    own = token_activation(usae, name, maps, concepts[:, None])[:, 0]
    return over_tokens(objective)(own).view(len(concepts), -1).mean(1)


def read_clean(
    usae: UniversalSAE, name: str, maps: Tensor, concepts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the code says about whole images: score, peak and mean code.

    Args:
        usae: the USAE.
        name: the backbone that `maps` are of.
        maps: token maps ``[n, dim, grid, grid]`` of images without views.
        concepts: ``[n]``, the concept of each image.

    Returns:
        ``[n]`` mean over tokens of the concept's gated activation, ``[n]`` its maximum, and
        ``[n, N]`` mean over tokens of every concept's.
    """
    n, dim = maps.shape[:2]
    tokens = maps.flatten(2).transpose(1, 2)
    per_image = tokens.shape[1]
    code = usae.encode(name, tokens.reshape(-1, dim))
    values = code.values.view(n, -1)
    indices = code.indices.view(n, -1)
    mean = torch.zeros(n, usae.concepts, device=maps.device)
    mean.scatter_add_(1, indices, values / per_image)
    own = torch.where(indices == concepts[:, None], values, 0)
    return mean.gather(1, concepts[:, None])[:, 0], own.amax(1), mean
