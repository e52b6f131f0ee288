from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor

from usae_viz.attribution import classifier_readout
from usae_viz.backbones import load_backbone, load_run_backbones
from usae_viz.backbones.weights import state_sha256
from usae_viz.errors import BackboneError, RunError
from usae_viz.recipe import BackboneSpec, Recipe
from usae_viz.run import FORMAT, BackboneRecord, Run, RunInfo

TinyVit = Callable[..., BackboneSpec]

RESNET: dict[str, Any] = {"channels": [8, 16, 16, 24], "stem_width": 8, "num_classes": 5}


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_local_weights_are_the_ones_that_are_used(tiny_vit: TinyVit) -> None:
    one, same, other = (load_backbone(tiny_vit("a", seed=s)) for s in (1, 1, 2))
    images = pictures(1, 3, 32, 32)
    assert torch.equal(one(images), same(images))
    assert one.weights_sha256 == same.weights_sha256
    assert not torch.allclose(one(images), other(images))
    assert one.weights_sha256 != other.weights_sha256


def test_half_precision_files_are_read_as_float32(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a")
    assert spec.weights
    save_file({k: v.half() for k, v in load_file(spec.weights).items()}, spec.weights)
    backbone = load_backbone(spec)
    assert {p.dtype for p in backbone.parameters()} == {torch.float32}


def test_the_hash_of_weights_ignores_the_files_layout() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    before = state_sha256(network)
    network[1].num_batches_tracked += 1
    assert state_sha256(network) == before
    network[0].bias.data[1] += 1e-6
    assert state_sha256(network) != before


def test_vit_token_map_equals_a_hook_on_the_module(tiny_vit: TinyVit) -> None:
    images = pictures(2, 3, 32, 32)
    for layer, normed in ((0, True), (1, True), (1, False)):
        backbone = load_backbone(tiny_vit("a", layer=layer, final_norm=normed))
        network: Any = backbone.network
        seen: list[Tensor] = []
        handle = network.blocks[layer].register_forward_hook(
            lambda _module, _inputs, output, seen=seen: seen.append(output)
        )
        network(backbone.preprocess(images))
        handle.remove()
        tokens = network.norm(seen[0]) if layer == 1 and normed else seen[0]
        spatial = tokens[:, network.num_prefix_tokens :].transpose(1, 2).reshape(2, 16, 4, 4)
        torch.testing.assert_close(backbone(images), spatial)


def test_cnn_token_map_equals_a_hook_on_the_module(tmp_path: Path) -> None:
    path = tmp_path / "resnet.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(timm.create_model("resnet10t", **RESNET).state_dict(), path)
    images = pictures(2, 3, 64, 64)
    for layer, module in ((-1, "layer4"), ("layer2", "layer2"), (0, "act1")):
        spec = BackboneSpec(
            name="r",
            model="timm:resnet10t",
            layer=layer,
            weights=str(path),
            kwargs=RESNET,
            input_size=64,
        )
        backbone = load_backbone(spec)
        seen: list[Tensor] = []
        handle = backbone.network.get_submodule(module).register_forward_hook(
            lambda _module, _inputs, output, seen=seen: seen.append(output)
        )
        backbone.network(backbone.preprocess(images))
        handle.remove()
        assert torch.equal(backbone(images), seen[0])


def test_layers_by_index_from_the_end_and_by_name_are_the_same(tiny_vit: TinyVit) -> None:
    images = pictures(1, 3, 32, 32)
    maps = [load_backbone(tiny_vit("a", layer=n))(images) for n in (0, -2, "blocks.0", 1, -1)]
    assert torch.equal(maps[0], maps[1])
    assert torch.equal(maps[0], maps[2])
    assert torch.equal(maps[3], maps[4])
    assert not torch.allclose(maps[0], maps[3])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (2, "has no layer 2\n  expected: -2 to 1 .blocks.0, blocks.1."),
        (-3, "has no layer -3"),
        ("block.1", "did you mean 'blocks.1'"),
    ],
)
def test_layers_that_do_not_exist_are_named(
    tiny_vit: TinyVit, layer: int | str, message: str
) -> None:
    with pytest.raises(BackboneError, match=message):
        load_backbone(tiny_vit("a", layer=layer))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("timm:vit_tiny_patch16_22", "did you mean 'vit_tiny_patch16_224'"),
        ("timm:zzzzzz", "list_models"),
        ("timm:vit_tiny_patch16_224.no_such_tag", "Invalid pretrained tag"),
        ("torchvision:mobilnet_v2", "did you mean 'mobilenet_v2'"),
        ("torchvision:mobilenet_v2.IMAGENET1K_V7", "one of IMAGENET1K_V1, IMAGENET1K_V2"),
    ],
)
def test_models_that_do_not_exist_get_a_suggestion(model: str, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        load_backbone(BackboneSpec(name="a", model=model))


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_without_a_hub_the_error_says_how_to_go_on(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The hub's own error for "offline and not in the cache"; in some versions a ValueError too.
    class LocalEntryNotFoundError(FileNotFoundError, ValueError):
        pass

    def offline(*_arguments: object, **_keywords: object) -> None:
        raise LocalEntryNotFoundError("cannot find the requested files in the local cache")

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(torchvision.models.mobilenetv2, "_ovewrite_named_param", offline)
    monkeypatch.delenv("USAE_VIZ_WEIGHTS", raising=False)
    model = {"timm": "timm:vit_tiny_patch16_224", "torchvision": "torchvision:mobilenet_v2"}
    with pytest.raises(BackboneError, match="could not be fetched") as caught:
        load_backbone(BackboneSpec(name="a", model=model[library], layer="x"))
    assert "USAE_VIZ_WEIGHTS" in str(caught.value.hint)


def test_arguments_that_do_not_fit_point_to_kwargs(tiny_vit: TinyVit) -> None:
    spec = tiny_vit("a")
    wrong = spec.model_copy(update={"kwargs": {**spec.kwargs, "num_heads": 3}})
    with pytest.raises(BackboneError, match="timm cannot make") as caught:
        load_backbone(wrong)
    assert "kwargs" in str(caught.value.hint)
    wrong = spec.model_copy(update={"kwargs": {**spec.kwargs, "no_such_argument": 3}})
    with pytest.raises(BackboneError, match="no_such_argument"):
        load_backbone(wrong)


@pytest.mark.parametrize(
    "fields", [{"input_size": 224}, {"mean": (0.5,), "std": (0.5,)}, {"mean": (0.5, 0.5)}]
)
def test_preprocessing_that_the_network_does_not_take_is_named(
    tiny_vit: TinyVit, fields: dict[str, Any]
) -> None:
    with pytest.raises(BackboneError, match="does not take the images") as caught:
        load_backbone(tiny_vit("a", **fields))
    assert "input_size" in str(caught.value.hint)


@pytest.fixture(scope="module")
def mobilenets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same random MobileNetV2 under timm's and under torchvision's names."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = timm.create_model("mobilenetv2_100", num_classes=0)
        theirs = torchvision.models.mobilenet_v2(weights=None)
    generator = torch.Generator().manual_seed(1)
    for module in ours.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    state = theirs.state_dict()
    body = [key for key in state if not key.startswith("classifier")]
    for key, value in zip(body, ours.state_dict().values(), strict=True):
        state[key] = value.clone()
    folder = tmp_path_factory.mktemp("mobilenets")
    paths = folder / "timm.safetensors", folder / "torchvision.safetensors"
    save_file(ours.state_dict(), paths[0])
    save_file(state, paths[1])
    return paths


def mobile(path: Path, **fields: Any) -> BackboneSpec:
    table = {"name": "m", "weights": str(path), "layer": "features.13.add", "input_size": 64}
    return BackboneSpec.model_validate(
        {"model": "torchvision:mobilenet_v2", "weights_layout": "timm:mobilenetv2_100"}
        | table
        | fields
    )


def test_weights_in_another_librarys_layout_give_the_same_network(
    mobilenets: tuple[Path, Path],
) -> None:
    ours, theirs = mobilenets
    images = pictures(2, 3, 64, 64)
    translated = load_backbone(mobile(ours))
    native = load_backbone(mobile(theirs, weights_layout=None))
    plain = timm.create_model("mobilenetv2_100", num_classes=0).eval()
    plain.load_state_dict(load_file(ours))
    with torch.no_grad():
        expected = plain.forward_intermediates(
            translated.preprocess(images), intermediates_only=True
        )
    assert translated(images).shape == (2, 96, 4, 4)
    assert torch.equal(translated(images), native(images))
    torch.testing.assert_close(translated(images), expected[3])
    assert translated.weights_sha256 == native.weights_sha256


def test_a_torchvision_network_keeps_its_classifier_where_the_file_has_it(
    mobilenets: tuple[Path, Path],
) -> None:
    ours, theirs = mobilenets
    images = pictures(2, 3, 64, 64)
    whole = load_backbone(mobile(theirs, weights_layout=None))
    plain = torchvision.models.mobilenet_v2(weights=None).eval()
    plain.load_state_dict(load_file(theirs))
    prepared = whole.preprocess(images)
    with torch.no_grad():
        torch.testing.assert_close(whole.network(prepared), plain(prepared))
    readout = classifier_readout(whole)
    maps = whole.native_map(images[:1])
    with torch.no_grad():
        torch.testing.assert_close(readout.scores(images[:1], maps), plain(prepared[:1]))
    with pytest.raises(BackboneError, match="no classifier"):
        classifier_readout(load_backbone(mobile(ours)))


def test_a_modules_name_stands_for_its_last_node(mobilenets: tuple[Path, Path]) -> None:
    images = pictures(1, 3, 64, 64)
    named = load_backbone(mobile(mobilenets[0], layer="features.13"))
    assert torch.equal(named(images), load_backbone(mobile(mobilenets[0]))(images))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layer": "features.31.add"}, "did you mean 'features.3.add'"),
        ({"layer": 99}, "has no layer 99"),
        ({"weights_layout": "mobilenetv2_100"}, "names no architecture"),
        ({"weights_layout": "timm:mobilnetv2_100"}, "did you mean 'mobilenetv2_100'"),
        ({"weights_layout": "timm:resnet10t"}, "do not follow their weights_layout"),
        ({"weights_layout": None}, "are not those of m"),
        ({"kwargs": {"width": 2}}, "torchvision cannot make mobilenet_v2"),
    ],
)
def test_wrong_layouts_and_nodes_are_named(
    mobilenets: tuple[Path, Path], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackboneError, match=message):
        load_backbone(mobile(mobilenets[0], **fields))


def test_a_translated_file_must_fit_the_network_by_shape(tmp_path: Path) -> None:
    path = tmp_path / "narrow.safetensors"
    save_file(timm.create_model("mobilenetv2_050", num_classes=0).state_dict(), path)
    with pytest.raises(BackboneError, match=r"do not fit at features\.0\.0\.weight") as caught:
        load_backbone(mobile(path, weights_layout="timm:mobilenetv2_050"))
    assert caught.value.expected == "shape [32, 3, 3, 3]"
    assert "[16, 3, 3, 3]" in str(caught.value.got)


def test_a_model_saved_for_the_hub_loads_from_its_folder(tmp_path: Path) -> None:
    from timm.models import _hub

    options = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2}
    network = timm.create_model("vit_tiny_patch16_224", **options)
    _hub.save_for_hf(network, str(tmp_path / "m"), model_args=options, safe_serialization=True)
    backbone = load_backbone(BackboneSpec(name="a", model=f"timm:local-dir:{tmp_path / 'm'}"))
    assert (backbone.dim, backbone.native_grid, backbone.input_size) == (16, (4, 4), 32)
    assert backbone.weights_sha256 == state_sha256(network)


def test_a_torchvision_network_that_cannot_be_traced_points_to_another_way() -> None:
    spec = BackboneSpec(
        name="a",
        model="torchvision:ssdlite320_mobilenet_v3_large",
        layer="backbone",
        kwargs={"num_classes": 2},
    )
    with pytest.raises(BackboneError, match="cannot be traced") as caught:
        load_backbone(spec, pretrained=False)
    assert "register_backbone" in str(caught.value.hint)


@pytest.fixture
def run(tiny_vit: TinyVit, tiny_recipe: Callable[..., Recipe], tmp_path: Path) -> Run:
    specs = [tiny_vit("a", seed=1), tiny_vit("b", seed=2)]
    recipe = tiny_recipe(backbones=[spec.model_dump(exclude_none=True) for spec in specs])
    loaded = [load_backbone(spec) for spec in specs]
    records = tuple(
        BackboneRecord(
            spec=spec,
            weights_sha256=backbone.weights_sha256,
            dim=16,
            grid=2,
            input_size=32,
            sees_colour=True,
        )
        for spec, backbone in zip(specs, loaded, strict=True)
    )
    info = RunInfo(
        format=FORMAT,
        name="tiny",
        recipe_sha256=recipe.digest(),
        backbones=records,
        created_by="usae-viz",
    )
    return Run.create(tmp_path / "run", recipe, info)


def test_a_runs_backbones_load_in_its_order_on_its_grid(run: Run) -> None:
    loaded = load_run_backbones(run, ["b", "a"])
    assert list(loaded) == ["a", "b"]
    assert {backbone.grid for backbone in loaded.values()} == {2}
    assert list(load_run_backbones(run, ["b"])) == ["b"]
    with pytest.raises(RunError, match="no backbone 'c'"):
        load_run_backbones(run, ["a", "c"])


def test_other_weights_than_those_of_the_training_are_refused(run: Run) -> None:
    first, second = (record.spec.weights for record in run.info.backbones)
    assert first
    assert second
    Path(first).write_bytes(Path(second).read_bytes())
    with pytest.raises(BackboneError, match="weights of a are not those"):
        load_run_backbones(run)
