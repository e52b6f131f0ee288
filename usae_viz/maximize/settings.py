"""Settings of a maximization: what may be asked for, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from usae_viz.errors import UsageError, did_you_mean
from usae_viz.maximize.canvas import CANVASES, OwnCanvas, ParamF
from usae_viz.maximize.objective import OVER_TOKENS
from usae_viz.maximize.views import ViewSpec

MODES = ("per-model",)
MARGIN = 1.15
"""Side of the canvas over the largest input size: room for views to move."""


@dataclass(frozen=True)
class MaximizeSettings:
    """How concepts are maximized; the same for every backbone.

    Attributes:
        mode: ``per-model``: one picture per backbone, each following its own backbone only.
        parametrization: ``fourier``, ``maco`` or ``pixel``, or one's own, see `canvas`.
        objective: ``mean`` over tokens, ``top`` tenth of them, or the ``peak``.
        steps: Adam steps.
        size: side of the square canvas in pixels; None: 1.15 × the largest input size.
        views: views per step. At equal cost more steps of few views beat few steps of many.
        lr: Adam's step size; None: what suits the parametrization.
        seeds: pictures per concept and backbone, from different starts and views.
        seed: the first seed; seed s of a run of several is the run of seed `seed` + s.
        chunk: concepts optimised in one batch; memory grows with chunk × seeds × views.
        view_spec: how views are drawn.

    Raises:
        UsageError: a value lies outside what is accepted.
    """

    mode: str = "per-model"
    parametrization: str | ParamF = "fourier"
    objective: str = "mean"
    steps: int = 256
    size: int | None = None
    views: int = 2
    lr: float | None = None
    seeds: int = 1
    seed: int = 0
    chunk: int = 4
    view_spec: ViewSpec = field(default_factory=ViewSpec)

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, MODES)
        if not callable(self.parametrization):
            _one_of("parametrization", self.parametrization, CANVASES)
        _one_of("objective", self.objective, OVER_TOKENS)
        for name in ("steps", "views", "seeds", "chunk"):
            _at_least(name, getattr(self, name), 1)
        _at_least("seed", self.seed, 0)
        if self.size is not None:
            _at_least("size", self.size, 16)
        if self.lr is not None and not self.lr > 0:
            raise UsageError("lr must be positive", got=str(self.lr))

    @property
    def step_size(self) -> float:
        """What Adam's step size is, asked for or by default."""
        if self.lr is not None:
            return self.lr
        return (OwnCanvas if callable(self.parametrization) else CANVASES[self.parametrization]).lr

    def canvas_size(self, input_sizes: Iterable[int]) -> int:
        """Return the side of the canvas for backbones of these input sizes, pixels."""
        return self.size or 8 * round(MARGIN * max(input_sizes) / 8)

    def table(self) -> dict[str, Any]:
        """Return what decides the pictures as plain JSON values."""
        table = asdict(self)
        del table["chunk"]
        table["lr"] = self.step_size
        if callable(self.parametrization):
            table["parametrization"] = _name(self.parametrization)
        spec = table["view_spec"]
        spec["scale"] = list(self.view_spec.scale)
        spec["scale_end"] = self.view_spec.scale_end and list(self.view_spec.scale_end)
        spec["augmentations"] = [_name(call) for call in self.view_spec.augmentations]
        return table

    @property
    def can_be_told_apart(self) -> bool:
        """Whether `table` says everything: what somebody's own callable does, a name cannot."""
        return not (self.view_spec.augmentations or callable(self.parametrization))


def _name(call: object) -> str:
    return getattr(call, "__qualname__", type(call).__qualname__)


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(
            f"there is no {what} {value!r}",
            expected=f"one of {', '.join(known)}",
            hint=did_you_mean(value, known),
        )


def _at_least(what: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{what} is too small", expected=f"at least {least}", got=str(value))
