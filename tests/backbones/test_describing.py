from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import timm
import torch
from typer.testing import CliRunner

from usae_viz.backbones import describe_network, from_timm, load_backbone, loading
from usae_viz.cli import app
from usae_viz.errors import BackboneError
from usae_viz.recipe import BackboneSpec

TinyVit = Callable[..., BackboneSpec]


def test_a_timm_network_is_described_without_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USAE_VIZ_WEIGHTS", raising=False)
    table = describe_network(BackboneSpec(name="a", model="timm:resnet10t.c3_in1k", input_size=64))
    assert table["parameters"] == sum(
        p.numel() for p in timm.create_model("resnet10t").parameters()
    )
    assert (table["input_size"], len(table["mean"])) == (64, 3)
    assert [row["layer"] for row in table["layers"]] == [
        "act1", "layer1", "layer2", "layer3", "layer4",
    ]  # fmt: skip
    assert table["layers"][-1] == {
        "layer": "layer4", "dim": 512, "grid": [2, 2], "gradient": True,
    }  # fmt: skip


def test_a_torchvision_network_is_described_by_its_blocks() -> None:
    spec = BackboneSpec(name="a", model="torchvision:squeezenet1_1", input_size=64)
    layers = describe_network(spec)["layers"]
    names = [row["layer"] for row in layers]
    assert names[:2] == ["features.0", "features.1"]
    assert all(row["gradient"] for row in layers)
    # Its indices and names are what a recipe takes.
    for index in (3, -2):
        by_index, by_name = (
            load_backbone(spec.model_copy(update={"layer": layer}), pretrained=False)
            for layer in (index, names[index])
        )
        assert (by_index.dim, by_index.native_grid) == (by_name.dim, by_name.native_grid)
        assert by_index.dim == layers[index]["dim"]
        assert list(by_index.native_grid) == layers[index]["grid"]


def test_local_weights_are_checked_on_the_way(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a")
    assert [row["layer"] for row in describe_network(spec)["layers"]] == ["blocks.0", "blocks.1"]
    with pytest.raises(BackboneError, match="are not those of"):
        describe_network(spec.model_copy(update={"kwargs": {}}))


def test_a_network_cut_off_from_the_pixels_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def cut(*arguments: object, **keywords: object) -> object:
        network = create(*arguments, **keywords)
        network.layer3.register_forward_hook(lambda _m, _i, output: output.detach())
        return network

    monkeypatch.setattr(timm, "create_model", cut)
    spec = BackboneSpec(name="a", model="timm:resnet10t", input_size=64)
    assert [row["gradient"] for row in describe_network(spec)["layers"]] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_only_models_of_libraries_can_be_described() -> None:
    with pytest.raises(BackboneError, match="models of libraries only"):
        describe_network(BackboneSpec(name="a", model="python:mine"))


def test_a_timm_network_without_intermediates_is_read_by_its_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = BackboneSpec(name="a", model="timm:resnet10t", input_size=64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        usual = load_backbone(spec, pretrained=False)
    for module in (from_timm, loading):
        monkeypatch.setattr(module, "has_intermediates", lambda _network: False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hooked = load_backbone(spec, pretrained=False)
    image = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    assert hooked.weights_sha256 == usual.weights_sha256
    assert torch.equal(hooked(image), usual(image))


def test_any_module_of_a_timm_network_can_be_read_by_name(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a", layer="blocks.1.norm1")
    backbone = load_backbone(spec)
    assert (backbone.dim, backbone.grid, backbone.extra_names) == (16, 4, ("class",))
    whole = load_backbone(tiny_vit("a", layer=0))
    image = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    normed = whole.network.blocks[1].norm1(whole(image).flatten(2).transpose(1, 2))  # type: ignore[operator, index, union-attr]
    torch.testing.assert_close(backbone(image).flatten(2).transpose(1, 2), normed)


def test_class_and_register_tokens_are_kept_when_asked_for(tiny_vit: TinyVit) -> None:
    backbone = load_backbone(tiny_vit("a", kwargs={"reg_tokens": 2}), grid=2)
    image = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    maps, extra = backbone.with_extra(image)
    assert maps.shape == (2, 16, 2, 2)
    assert torch.equal(maps, backbone(image))
    assert tuple(extra) == backbone.extra_names == ("class", "register_0", "register_1")
    network = backbone.network
    features = network.forward_features(backbone.preprocess(image))  # type: ignore[operator]
    torch.testing.assert_close(torch.stack(list(extra.values()), 1), features[:, :3])


def test_position_embeddings_follow_the_size_that_is_fed(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a")
    small, large = (
        load_backbone(spec.model_copy(update={"input_size": size})) for size in (32, 64)
    )
    assert (small.native_grid, large.native_grid) == ((4, 4), (8, 8))
    assert small.weights_sha256 == large.weights_sha256
    with pytest.raises(BackboneError, match=r"does not take|cannot be fed"):
        load_backbone(spec.model_copy(update={"input_size": 3}))


def test_the_doctor_says_what_a_recipe_needs() -> None:
    asked = ["doctor", "torchvision:squeezenet1_1", "--size", "64"]
    table = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert table["parameters"] == 1235496
    assert table["layers"][0] == {
        "layer": "features.0", "dim": 64, "grid": [31, 31], "gradient": True,
    }  # fmt: skip
    shown = CliRunner().invoke(app, asked).stdout
    assert "1.2 million parameters" in shown
    assert "features.12" in shown
    refused = CliRunner().invoke(app, ["doctor", "nothing"])
    assert refused.exit_code == 2
    assert "torchvision:NAME" in refused.stderr
