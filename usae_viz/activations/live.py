"""Tokens straight from the networks, for passes over images that are not stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.images import ImageSource, batches


def live_tokens(
    backbones: Mapping[str, Backbone], source: ImageSource, ids: Sequence[str], size: int
) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
    """Yield ids and float32 tokens ``[images, grid * grid, dim]`` per backbone, in order of `ids`.

    Images that cannot be read are left out and listed in ``source.problems``. The next images are
    decoded while the networks work.
    """
    for batch in batches(source, ids, size):
        yield batch.ids, read_tokens(backbones, batch.images)


@torch.no_grad()
def read_tokens(
    backbones: Mapping[str, Backbone], images: Tensor, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Return tokens ``[images, grid * grid, dim]`` of uint8 `images`, per backbone, on the CPU."""
    on_device: dict[torch.device, Tensor] = {}
    rows = {}
    for name, backbone in backbones.items():
        place = backbone.mean.device
        if place not in on_device:
            on_device[place] = images.to(place).float() / 255
        tokens = backbone(on_device[place]).flatten(2).transpose(1, 2)
        # Rounded where it is, so that no more travels between devices than is kept.
        rows[name] = tokens.to(dtype).cpu()
    return rows
