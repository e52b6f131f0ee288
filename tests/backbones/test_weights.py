from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from usae_viz.backbones import load_backbone
from usae_viz.backbones.weights import find_weights
from usae_viz.errors import BackboneError
from usae_viz.recipe import BackboneSpec

TinyVit = Callable[..., BackboneSpec]


def spec(weights: str | None = None) -> BackboneSpec:
    return BackboneSpec(name="a", model="timm:vit_tiny_patch16_224.tag", weights=weights)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights beside another one that the environment names."""
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(tmp_path / "environment"))
    for folder in ("given", "environment"):
        (tmp_path / folder).mkdir()
        for name in ("vit_tiny_patch16_224.tag.safetensors", "bare.safetensors"):
            (tmp_path / folder / name).write_bytes(b"")
    return tmp_path


def test_weights_are_looked_for_by_the_models_name(shelf: Path) -> None:
    name = "vit_tiny_patch16_224.tag.safetensors"
    assert find_weights(spec(), str(shelf / "given")) == shelf / "given" / name
    assert find_weights(spec(), None) == shelf / "environment" / name


def test_weights_by_bare_name_lie_in_the_folder(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = spec("bare.safetensors")
    assert find_weights(bare, str(shelf / "given")) == shelf / "given" / "bare.safetensors"
    assert find_weights(bare, None) == shelf / "environment" / "bare.safetensors"
    monkeypatch.delenv("USAE_VIZ_WEIGHTS")
    assert find_weights(bare, None) is None


def test_without_a_local_file_the_weights_come_from_the_hub(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shelf / "given" / "vit_tiny_patch16_224.tag.safetensors").unlink()
    assert find_weights(spec(), str(shelf / "given")) is None
    monkeypatch.delenv("USAE_VIZ_WEIGHTS")
    assert find_weights(spec(), None) is None


def test_weights_by_path_and_in_a_package(shelf: Path) -> None:
    path = shelf / "given" / "bare.safetensors"
    assert find_weights(spec(str(path)), None) == path
    found = find_weights(spec("package:usae_viz/py.typed"), None)
    assert found is not None
    assert found.name == "py.typed"
    with pytest.raises(BackboneError, match="not installed"):
        find_weights(spec("package:no_such_package/x.safetensors"), None)


@pytest.mark.parametrize("weights", ["none.safetensors", "./none.safetensors", "package:timm/none"])
@pytest.mark.usefixtures("shelf")
def test_named_weights_that_are_missing_are_an_error_and_no_download(weights: str) -> None:
    with pytest.raises(BackboneError, match="the weights of a are missing") as caught:
        find_weights(spec(weights), None)
    assert "none" in str(caught.value.expected)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights_say_so(tiny_vit: TinyVit, share: float) -> None:
    good = tiny_vit("a")
    path = Path(str(good.weights))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BackboneError, match="cannot be read") as caught:
        load_backbone(good)
    assert str(path) in caught.value.problem
    assert "fetch or copy the file again" in str(caught.value.hint)


def test_a_pickle_is_not_read(tiny_vit: TinyVit) -> None:
    good = tiny_vit("a")
    torch.save({"weight": torch.zeros(1)}, str(good.weights))
    with pytest.raises(BackboneError, match="cannot be read"):
        load_backbone(good)


def test_weights_of_another_network_are_named(tiny_vit: TinyVit) -> None:
    wide = tiny_vit("wide", kwargs={"embed_dim": 32})
    deep = tiny_vit("deep", kwargs={"depth": 3})
    good = tiny_vit("a")
    for other in (wide, deep):
        with pytest.raises(BackboneError, match="are not those of a"):
            load_backbone(good.model_copy(update={"weights": other.weights}))


@pytest.mark.parametrize("change", ["missing", "surplus", "shape"])
def test_every_tensor_must_fit(tiny_vit: TinyVit, change: str) -> None:
    good = tiny_vit("a")
    tensors = load_file(str(good.weights))
    if change == "missing":
        del tensors["blocks.1.mlp.fc1.bias"]
    elif change == "surplus":
        tensors["blocks.1.mlp.fc9.bias"] = torch.zeros(1)
    else:
        tensors["blocks.1.mlp.fc1.bias"] = torch.zeros(3)
    save_file(tensors, str(good.weights))
    with pytest.raises(BackboneError, match=r"blocks\.1\.mlp\.fc"):
        load_backbone(good)
