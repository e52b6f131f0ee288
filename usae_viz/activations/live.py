"""Tokens straight from the networks, for passes over images that are not stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource, batches


def live_tokens(
    backbones: Mapping[str, Backbone],
    source: ImageSource,
    ids: Sequence[str],
    size: int,
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[list[str], dict[str, Tensor]]]:
    """Yield ids and tokens ``[images, grid * grid, dim]`` per backbone, in order of `ids`.

    Images that cannot be read are left out and listed in ``source.problems``. The next images are
    decoded while the networks work.
    """
    for batch in batches(source, ids, size):
        yield batch.ids, read_tokens(backbones, batch.images, dtype)


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


def refuse_unstorable(backbone: Backbone, images: Tensor, dtype: torch.dtype) -> None:
    """Say why the tokens of uint8 `images` are not finite in `dtype`.

    Raises:
        StoreError: always.
    """
    exact = read_tokens({backbone.name: backbone}, images)[backbone.name]
    peak = float(exact.abs().max())
    if not torch.isfinite(exact).all():
        raise StoreError(
            f"{backbone.name} has activations that are not finite",
            got=str(peak),
            hint="check its weights and its preprocessing",
        )
    # Squares are summed in float32.
    most = min(torch.finfo(dtype).max, 1e18)
    raise StoreError(
        f"{backbone.name} has activations that {str(dtype).removeprefix('torch.')} cannot hold",
        expected=f"at most {most:.5g}",
        got=f"{peak:.5g}",
        hint='set activations.dtype = "bfloat16" or "float32"',
    )
