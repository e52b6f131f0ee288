"""One table of networks: each gives a token map, passes gradients, and treats images one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from scripts.backbone_table import measure, networks, rows_of_page
from usae_viz.backbones import load_backbone
from usae_viz.recipe import BackboneSpec

NETWORKS = networks()


def test_the_table_is_as_broad_as_it_should_be() -> None:
    timm = [network for network in NETWORKS if network["model"].startswith("timm:")]
    torchvision = [n for n in NETWORKS if n["model"].startswith("torchvision:")]
    assert len(timm) >= 25
    assert len({network["family"] for network in timm}) >= 15
    assert len(torchvision) >= 6
    assert list(rows_of_page()) == [network["model"] for network in NETWORKS]


@pytest.mark.parametrize("network", NETWORKS, ids=[network["model"] for network in NETWORKS])
def test_network(network: dict[str, Any]) -> None:
    found = measure(network)
    assert found.shape[0] == 3
    assert min(found.shape) > 1
    assert found.unreached == []
    assert found.batch_difference < 1e-4
    assert found.row == rows_of_page()[network["model"]]


@pytest.mark.parametrize(
    ("model", "dim", "native", "extra"),
    [
        ("vit_base_patch16_224", 768, 14, ("class",)),
        ("vit_base_patch16_siglip_224.webli", 768, 14, ()),
        ("vit_small_patch14_dinov2.lvd142m", 384, 16, ("class",)),
    ],
)
def test_the_grids_of_the_official_models(
    model: str, dim: int, native: int, extra: tuple[str, ...]
) -> None:
    # One block of each: neither dims nor grids depend on their number.
    spec = BackboneSpec(name="a", model=f"timm:{model}", input_size=224, kwargs={"depth": 1})
    backbone = load_backbone(spec, grid=14, pretrained=False)
    image = torch.rand((1, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    assert backbone.native_map(image).flatten(2).shape == (1, dim, native * native)
    assert backbone(image).shape == (1, dim, 14, 14)
    assert backbone.extra_names == extra
