"""What ``run.json`` says: the backbones and images that a run was made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from usae_viz.errors import RunError
from usae_viz.recipe import BackboneSpec
from usae_viz.run.files import read_json

FORMAT = 1


class BackboneRecord(BaseModel):
    """A backbone as the run was trained with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: BackboneSpec
    weights_sha256: str
    """Empty where it is not known: nothing is checked then."""
    dim: int
    grid: int
    """Side of the common token grid."""
    input_size: int
    """Side in pixels of the image that the network is fed with."""
    sees_colour: bool
    """False for a network of one input channel: it is fed luma."""
    native_grid: tuple[int, int] | None = None
    """Rows and columns of the network's own token map, which is resampled to `grid` (antialiased
    bilinear); None in runs that did not record it."""


class ImagesRecord(BaseModel):
    """The images that a run was made from, wherever they lay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int
    sha256: str
    """Over the sorted ids of all images."""


class RunInfo(BaseModel):
    """The content of ``run.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: str
    recipe_sha256: str
    backbones: tuple[BackboneRecord, ...]
    images: ImagesRecord | None = None
    """None in runs that did not record them."""
    created_by: str
    created: str | None = None
    """The day (ISO 8601) on which the run was begun; None in runs that did not record it."""

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to be the same: no versions, and no places on disk."""
        return self.model_dump(
            exclude={
                "created_by": True,
                "created": True,
                "images": True,
                "backbones": {"__all__": {"spec": {"weights"}, "native_grid": True}},
            }
        )


def read_info(path: Path) -> RunInfo:
    """Read a ``run.json``.

    Raises:
        RunError: it is missing or damaged, or of a newer format.
    """
    table = read_json(path)
    newer = table.get("format") if isinstance(table, dict) else None
    if isinstance(newer, int) and newer > FORMAT:
        raise RunError(
            f"{path.parent} was written by a newer usae-viz",
            expected=f"format {FORMAT}",
            got=f"format {newer}",
            hint="upgrade usae-viz",
        )
    try:
        return RunInfo.model_validate(table)
    except ValidationError as error:
        raise RunError(f"{path} does not describe a run", got=str(error)) from None


def refuse_other(path: Path, before: RunInfo, now: RunInfo) -> None:
    """Refuse to go on with a run at `path` that is not the one that is wanted now.

    Raises:
        RunError: recipe, backbones, weights or images differ.
    """
    was, there = before.images, now.images
    other_images = was is not None and there is not None and was != there
    if before.identity() == now.identity() and not other_images:
        return
    expected = (
        f"an empty folder or a run of this recipe ({now.name}, sha256 {now.recipe_sha256[:12]}) "
        "with the same weights"
    )
    if before.recipe_sha256 != now.recipe_sha256:
        got = f"a run of another recipe, sha256 {before.recipe_sha256[:12]}"
    elif was and there and other_images:
        expected = f"its {was.count} images, sha256 {was.sha256[:12]}"
        got = f"{there.count} images, sha256 {there.sha256[:12]}"
    else:
        got = "the same recipe with other backbones or weights"
    raise RunError(
        f"{path} already holds another run ({before.name})",
        expected=expected,
        got=got,
        hint="give another --out, or remove the folder",
    )
