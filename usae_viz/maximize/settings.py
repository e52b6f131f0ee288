"""Settings of a maximization: what may be asked for, checked before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from usae_viz.errors import UsageError, did_you_mean
from usae_viz.maximize.canvas import ParamF, canvas_type
from usae_viz.maximize.modes import MODES
from usae_viz.maximize.objective import over_tokens
from usae_viz.maximize.views import ViewSpec

BALANCES = ("worst", "log", "sum")
PRECISIONS = ("auto", "float32", "bfloat16")
MARGIN = 1.15
"""Side of the canvas over the largest input size: room for views to move."""
MOST_SEEDS = 1 << 63
"""Seeds of torch's generators lie below."""
LEAVES_PICTURES_ALONE = ("chunk", "batch", "channels_last", "compile")
"""Settings that change pictures by rounding only."""


@dataclass(frozen=True)
class MaximizeSettings:
    """How concepts are maximized; the same for every backbone.

    What is raised or kept down is measured in units of the concept's natural level in its backbone
    (mean score of the natural top images), so weights mean the same in every backbone.

    Attributes:
        mode: a key of `modes.MODES`.
        parametrization: ``fourier`` (or with another decay, like ``fourier:1.5``), ``maco`` or
            ``pixel``, or one's own, see `canvas`.
        objective: how tokens become one number, as `objective.over_tokens` reads it.
        steps: Adam steps.
        size: side of the square canvas in pixels; None: 1.15 × the largest input size.
        views: views per step. At equal cost more steps of few views beat few steps of many.
        lr: Adam's step size; None: what suits the parametrization.
        seeds: pictures per concept and backbone, from different starts and views.
        seed: the first seed; seed s of a run of several is the run of seed `seed` + s.
        images: diverse mode: how many pictures that differ; they take the place of seeds.
        also: further concepts and their weights, raised along with each concept asked for (of
            weight 1), or, below 0, kept down.
        start: accentuate mode: image file to start from.
        balance: shared mode: what one picture owes several backbones. ``worst``: the pull of a
            backbone falls off with its share of the natural level above the least one; ``log``: it
            is inverse to the share; ``sum``: it is the same for all.
        suppression: contrast mode: weight of what is kept down, against 1 for what is raised.
        closeness: accentuate mode: weight of the distance to the start image in features.
        diversity: diverse mode: how hard a picture is pushed away from the others: length of that
            gradient over the concept's own, times their likeness in features. It never pushes
            against the concept, so one weight suits concepts of any level.
        selectivity: weight of all other concepts' gated activation; 0: they don't matter.
        tv: weight of the total variation of the image.
        early_stop: a picture is finished once its objective, averaged over 32 steps, rises by
            less than this (in natural levels) over the 32 before; 0: never early.
        chunk: concepts optimised in one batch and written together.
        batch: most views that a network holds in one graph; memory is bounded by it. A picture of
            more views goes through the network in parts, each computed again on the way back.
            None: 128; on a CPU pictures go together only as far as they have the pixels of 8 views
            of 224 × 224.
        precision: ``float32``, ``bfloat16`` (autocast of the networks) or ``auto``: bfloat16 on
            CUDA where the device has it, else float32.
        channels_last: memory format of the networks' inputs and, meanwhile, of their weights, which
            convolutions like (0.8 to 0.95 × their time on a CPU; nothing for a ViT); None: but for
            MPS.
        compile: put the networks through ``torch.compile``.
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
    images: int = 4
    also: Mapping[int, float] = field(default_factory=dict)
    start: str | Path | None = None
    balance: str = "worst"
    suppression: float = 1.0
    closeness: float = 1.0
    diversity: float = 1.0
    selectivity: float = 0.0
    tv: float = 0.0
    early_stop: float = 0.0
    chunk: int = 8
    batch: int | None = None
    precision: str = "auto"
    channels_last: bool | None = None
    compile: bool = False
    view_spec: ViewSpec = field(default_factory=ViewSpec)

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, MODES)
        canvas_type(self.parametrization)
        _one_of("balance", self.balance, BALANCES)
        _one_of("precision", self.precision, PRECISIONS)
        over_tokens(self.objective)
        for name in ("steps", "views", "seeds", "chunk"):
            _at_least(name, getattr(self, name), 1)
        _at_least("seed", self.seed, 0)
        most = MOST_SEEDS - max(self.seeds, self.images)
        if self.seed > most:
            raise UsageError("seed is too large", expected=f"at most {most}", got=str(self.seed))
        if self.size is not None:
            _at_least("size", self.size, 16)
        if self.batch is not None:
            _at_least("batch", self.batch, 1)
        if self.lr is not None and not self.lr > 0:
            raise UsageError("lr must be positive", got=str(self.lr))
        for name in ("suppression", "closeness", "diversity", "selectivity", "tv", "early_stop"):
            weight = getattr(self, name)
            if not 0 <= weight < math.inf:
                raise UsageError(f"{name} must be 0 or more", got=str(weight))
        for concept, weight in self.also.items():
            if not hasattr(concept, "__index__"):
                raise UsageError(
                    f"{concept!r} is no concept",
                    expected="also={number: weight}",
                    got=repr(concept),
                )
            if not math.isfinite(weight) or weight == 0:
                raise UsageError(
                    f"the weight of concept {concept} cannot be used",
                    expected="a number above 0 (raise it along) or below 0 (keep it down)",
                    got=str(weight),
                )
        self._check_mode()

    def _check_mode(self) -> None:
        if self.mode != "accentuate" and self.start is not None:
            raise UsageError(
                f"{self.mode} mode starts from nothing",
                got=f"start {str(self.start)!r}",
                hint="use accentuate mode",
            )
        for own in fields(self):
            mode, value = OF_ONE_MODE.get(own.name, self.mode), getattr(self, own.name)
            if mode != self.mode and value != own.default:
                raise UsageError(
                    f"{own.name} says nothing in {self.mode} mode",
                    expected=f"{own.name} with {mode} mode only",
                    got=f"{own.name} {value}",
                    hint=f"ask for --mode {mode}, or leave it out",
                )
        if self.mode == "diverse":
            _at_least("images", self.images, 2)
            if self.seeds > 1:
                raise UsageError(
                    "diverse mode has no seeds: each picture has a seed of its own",
                    got=f"seeds {self.seeds}",
                    hint=f"ask for --images {self.seeds}",
                )

    @property
    def pictures(self) -> int:
        """Number of pictures per concept and row: of seeds, or in diverse mode of images."""
        return self.images if self.mode == "diverse" else self.seeds

    @property
    def step_size(self) -> float:
        """What Adam's step size is, asked for or by default."""
        return canvas_type(self.parametrization).lr if self.lr is None else self.lr

    def in_channels_last(self, device: str) -> bool:
        """Return whether networks on a kind of device (``cpu``, …) are fed in that format."""
        return device != "mps" if self.channels_last is None else self.channels_last

    def canvas_size(self, input_sizes: Iterable[int]) -> int:
        """Return the side of the canvas for backbones of these input sizes, pixels."""
        return self.size or 8 * round(MARGIN * max(input_sizes) / 8)

    def table(self) -> dict[str, Any]:
        """Return what decides the pictures as plain JSON values."""
        table = {key: value for key, value in asdict(self).items() if key not in _elsewhere(self)}
        table["lr"] = self.step_size
        if callable(self.parametrization):
            table["parametrization"] = _name(self.parametrization)
        spec = table["view_spec"]
        spec["scale"] = list(self.view_spec.scale)
        spec["scale_end"] = self.view_spec.scale_end and list(self.view_spec.scale_end)
        spec["augmentations"] = [_name(call) for call in self.view_spec.augmentations]
        # JSON's keys are text.
        table["also"] = {str(concept): float(weight) for concept, weight in self.also.items()}
        return table

    @property
    def can_be_told_apart(self) -> bool:
        """Whether `table` says everything: what somebody's own callable does, a name cannot."""
        return not (self.view_spec.augmentations or callable(self.parametrization))


def _name(call: object) -> str:
    return getattr(call, "__qualname__", type(call).__qualname__)


OF_ONE_MODE = {
    "images": "diverse",
    "start": "accentuate",
    "balance": "shared",
    "suppression": "contrast",
    "closeness": "accentuate",
    "diversity": "diverse",
}
"""Settings that only one mode looks at."""


def _elsewhere(settings: MaximizeSettings) -> set[str]:
    foreign = {name for name, mode in OF_ONE_MODE.items() if mode != settings.mode}
    # A start image counts by its content, which `maximize` adds.
    return {*LEAVES_PICTURES_ALONE, *foreign, "start"}


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
