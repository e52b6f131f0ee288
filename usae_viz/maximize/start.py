"""Starting from a photograph, on any canvas."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.maximize.canvas import Canvas

ROOM = 0.02
"""The photograph is kept this far from black and white, where a sigmoid does not move."""


class PhotoCanvas:
    """A canvas whose images begin as a photograph.

    What the canvas beneath has moved since its start is added to the photograph, both as logits:
    σ(logit(photo) + logit(canvas) - logit(its start)). So it works for every parametrization, and
    the images stay in (0, 1).

    Args:
        canvas: what is optimised.
        photo: ``[3, height, width]`` in [0, 1]; resized to the canvas's size where it has another.

    Attributes:
        photo: the photograph at the canvas's size.
    """

    def __init__(self, canvas: Canvas, photo: Tensor) -> None:
        self._canvas = canvas
        with torch.no_grad():
            begin = canvas.images().logit(eps=1e-4)
            # One's own parametrization has a size of its own.
            size = (begin.shape[-2], begin.shape[-1])
            if tuple(photo.shape[-2:]) != size:
                photo = F.interpolate(photo[None], size, mode="bilinear", antialias=True)[0]
            self.photo = photo
            self._offset = photo.clamp(ROOM, 1 - ROOM).logit() - begin

    def parameters(self) -> list[Tensor]:
        """Return the parameters of the canvas beneath."""
        return self._canvas.parameters()

    def images(self) -> Tensor:
        """Return the images ``[n, 3, height, width]`` in (0, 1)."""
        return (self._canvas.images().logit(eps=1e-4) + self._offset).sigmoid()
