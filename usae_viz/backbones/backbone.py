"""The one class that knows a network's input size, means and token layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.errors import UsageError

# Rec. 601 luma of sRGB values, what "L" means to Pillow: how a one-channel network sees colour.
LUMA = (0.299, 0.587, 0.114)


class Backbone(nn.Module):
    """A frozen network read at one layer.

    Calling it maps images ``[batch, 3, height, width]`` in [0, 1] (sRGB, any size) to a token map
    ``[batch, dim, grid, grid]``, differentiably. It resizes (antialiased bilinear, to a square of
    `input_size` pixels) and normalises by itself, so nothing outside knows a mean or a patch size.

    Args:
        name: short name of the backbone in its run.
        network: the whole network, kept for its classifier.
        read: maps normalised images to the native token map ``[batch, dim, h, w]``. If it has a
            method ``with_extra``, that returns the map and further tokens by name.
        input_size: side in pixels of what the network is fed with.
        mean: channel means of the preprocessing; one value for a one-channel network.
        std: channel standard deviations of the preprocessing.
        weights_sha256: see `weights.state_sha256`.
        grid: side of the returned token map; None keeps the network's own.

    Attributes:
        dim: channels of the token map.
        native_grid: rows and columns of the network's own token map.
        extra_names: tokens beside the map that the layer has: ``class``, ``register_0`` …
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        network: nn.Module,
        read: Callable[[Tensor], Tensor],
        *,
        input_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        grid: int | None,
        weights_sha256: str,
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.read = read
        self.input_size = input_size
        self.sees_colour = len(mean) == 3
        self.weights_sha256 = weights_sha256
        self.eval()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)
        with torch.no_grad():
            grey = torch.full((1, 3, input_size, input_size), 0.5)
            native, extra = self._native_with_extra(grey)
        self.dim = int(native.shape[1])
        self.native_grid = (int(native.shape[2]), int(native.shape[3]))
        self.grid = grid if grid is not None else min(self.native_grid)
        self.extra_names = tuple(extra)

    def preprocess(self, images: Tensor) -> Tensor:
        """Return `images` ``[batch, 3, H, W]`` in [0, 1] as the network expects them."""
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise UsageError(
                f"{self.name} was given something that is no batch of images",
                expected="floats [batch, 3, height, width] in [0, 1]",
                got=f"{images.dtype} {list(images.shape)}",
            )
        size = (self.input_size, self.input_size)
        if tuple(images.shape[-2:]) != size:
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        if not self.sees_colour:
            weights = images.new_tensor(LUMA).view(1, 3, 1, 1)
            images = (images * weights).sum(1, keepdim=True)
        return (images - self.mean) / self.std

    def native_map(self, images: Tensor) -> Tensor:
        """Return the token map ``[batch, dim, h, w]`` on the network's own grid."""
        return self.read(self.preprocess(images))

    def forward(self, images: Tensor) -> Tensor:
        """Return the token map ``[batch, dim, grid, grid]`` on the common grid."""
        return self._to_grid(self.native_map(images))

    def with_extra(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the token map as `forward` does, and the tokens of `extra_names` by name.

        Class and register tokens have no place in the image, so they are no part of the map; here
        they are kept, ``[batch, dim]`` each, from the same pass.
        """
        native, extra = self._native_with_extra(images)
        return self._to_grid(native), extra

    def _native_with_extra(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        images = self.preprocess(images)
        if hasattr(self.read, "with_extra"):
            native, extra = self.read.with_extra(images)
            return native, extra
        return self.read(images), {}

    def _to_grid(self, native: Tensor) -> Tensor:
        if tuple(native.shape[-2:]) == (self.grid, self.grid):
            return native
        if native.dtype == torch.bfloat16:
            # Under autocast; on a CPU antialiased resizing has no bfloat16.
            native = native.float()
        return F.interpolate(native, (self.grid, self.grid), mode="bilinear", antialias=True)

    def train(self, mode: bool = True) -> Backbone:
        """Stay in evaluation mode: a backbone is frozen, its BatchNorm statistics too."""
        del mode
        return super().train(False)
