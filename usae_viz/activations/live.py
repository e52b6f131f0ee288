"""Tokens straight from the networks, for passes over images that are not stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.images import ImageSource, batches


@torch.no_grad()
def live_tokens(
    backbones: Mapping[str, Backbone], source: ImageSource, ids: Sequence[str], size: int
) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
    """Yield ids and float32 tokens ``[images, grid * grid, dim]`` per backbone, in order of `ids`.

    Images that cannot be read are left out and listed in ``source.problems``.
    """
    for batch in batches(source, ids, size):
        images = batch.images.float() / 255
        rows = {
            name: backbone(images.to(backbone.mean.device)).flatten(2).transpose(1, 2).cpu()
            for name, backbone in backbones.items()
        }
        yield batch.ids, rows
