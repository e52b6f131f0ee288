"""What ``result.json`` must be: names become files of a page, so nothing else may stand there."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Matrix = list[list[float | None]]
Line = list[float]


class Selectivity(BaseModel):
    """Place of the concept, and its share, per picture and reader."""

    rank: list[list[int]]
    share: Matrix


class Trajectory(BaseModel):
    """Activation over the steps."""

    steps: list[Annotated[int, Field(ge=0, le=1 << 53)]]
    activation: dict[Name, Line]
    lowered: dict[Name, dict[Name, Line]]


class Stored(BaseModel):
    """The table that `MaximizeResult.write` writes; see there."""

    concept: Annotated[int, Field(ge=0)]
    backbones: list[Name]
    rows: list[Name]
    alpha: dict[Name, Name]
    variants: dict[Name, list[Name]]
    natural: dict[Name, float]
    natural_peak: dict[Name, float]
    transfer: Matrix
    transfer_peak: Matrix
    spread: Matrix
    seeds: list[Matrix] | None
    selectivity: Selectivity
    trajectory: Trajectory
    spectrum: dict[str, Any]
    corner: dict[Name, float]
    moved: Matrix | None
    start: dict[Name, float | None] | None
    likeness: Matrix | None
    verdict: str
    settings: dict[str, Any]
    seconds: float

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        known = set(self.backbones)
        named = {*self.alpha, *self.trajectory.activation, *self.natural, *self.natural_peak}
        if not named <= known or not known <= set(self.natural) & set(self.natural_peak):
            raise ValueError("backbones that are not the run's")
        if not set(self.variants) | set(self.corner) <= set(self.rows) or not self.rows:
            raise ValueError("rows that are none")
        matrices: list[Any] = [self.transfer, self.transfer_peak, self.spread, *(self.seeds or ())]
        matrices += [self.selectivity.rank, self.selectivity.share]
        matrices += [each for each in (self.moved, self.likeness) if each is not None]
        shape = [len(self.backbones)] * len(self.rows)
        if any([len(row) for row in matrix] != shape for matrix in matrices):
            raise ValueError(f"a matrix that is not {len(self.rows)} × {len(self.backbones)}")
        if "mode" not in self.settings or not isinstance(self.settings["mode"], str):
            raise ValueError("settings without a mode")
        return self
