"""Interventions on the code: scale concepts, or swap in another backbone's code, and look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from usae_viz.attribution.decomposition import Decomposition
from usae_viz.attribution.readout import Readout
from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.sae import SparseCode, UniversalSAE


@dataclass(frozen=True)
class Intervention:
    """Scores before and after.

    Attributes:
        before: ``[classes]`` on the untouched token map.
        reconstructed: ``[classes]`` on what the USAE says of it, without the error.
        after: ``[classes]`` on the changed map.
    """

    before: Tensor
    reconstructed: Tensor
    after: Tensor

    @property
    def change(self) -> Tensor:
        """``[classes]``: after − before."""
        return self.after - self.before


@torch.no_grad()
def scale_concepts(
    usae: UniversalSAE,
    backbone: Backbone,
    image: Tensor,
    readout: Readout,
    factors: Mapping[int, float],
) -> Intervention:
    """Multiply concepts' values in all tokens; 0 ablates. The rest and the error stay.

    Args:
        usae: the USAE.
        backbone: the network.
        image: ``[1, 3, H, W]`` in [0, 1].
        readout: the scores.
        factors: concept → factor. A concept that is not in the code stays absent.

    Raises:
        UsageError: a concept lies outside the code.
    """
    outside = [k for k in factors if not 0 <= k < usae.concepts]
    if outside:
        raise UsageError(f"there is no concept {outside[0]}", expected=f"0 to {usae.concepts - 1}")
    view = Decomposition(usae, backbone, image)
    return _compare(view, readout, view.scaled(dict(factors)))


@torch.no_grad()
def swap_code(
    usae: UniversalSAE,
    backbone: Backbone,
    image: Tensor,
    readout: Readout,
    source: Backbone,
    *,
    source_image: Tensor | None = None,
    keep_error: bool = False,
) -> Intervention:
    """Let a network go on from what another one saw: decode the other's code as its own map.

    Args:
        usae: the USAE; it must know both.
        backbone: the network whose scores are read.
        image: ``[1, 3, H, W]`` in [0, 1]; it also gives what the map does not hold (class token).
        readout: the scores of `backbone`.
        source: the network whose code is swapped in; on the same common grid.
        source_image: what `source` looks at; the same image by default.
        keep_error: add the error of `backbone`'s own reconstruction.

    Raises:
        UsageError: the grids differ.
    """
    if source.grid != backbone.grid:
        raise UsageError(
            "codes of different grids cannot be swapped",
            expected=f"grid {backbone.grid}",
            got=f"{source.name} with grid {source.grid}",
        )
    view = Decomposition(usae, backbone, image)
    seen = image if source_image is None else source_image
    tokens = source(seen).permute(0, 2, 3, 1).flatten(0, 2)
    return go_on_from(view, readout, usae.encode(source.name, tokens), keep_error=keep_error)


@torch.no_grad()
def go_on_from(
    view: Decomposition, readout: Readout, code: SparseCode, *, keep_error: bool = False
) -> Intervention:
    """Let a network go on from another code of the common grid; see `swap_code`."""
    maps = view.decode(code)
    return _compare(view, readout, maps + view.error if keep_error else maps)


def _compare(view: Decomposition, readout: Readout, maps: Tensor) -> Intervention:
    stacked = torch.cat([view.native, view.native - view.error, maps])
    before, reconstructed, after = readout.scores(view.image, stacked)
    return Intervention(before, reconstructed, after)
