"""Any module as a backbone: by the module that is read, by a function, and in a whole run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from typer.testing import CliRunner

import usae_viz as uv
from usae_viz.backbones import load_backbone, register_backbone, registered
from usae_viz.backbones.reading import module_output, readable_layers
from usae_viz.cli import app
from usae_viz.errors import BackboneError
from usae_viz.recipe import BackboneSpec, Recipe

PLAIN: dict[str, Any] = {"input_size": 16, "mean": (0.5,) * 3, "std": (0.25,) * 3}


@pytest.fixture(autouse=True)
def _none_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_REGISTERED", {})


class Patches(nn.Module):
    """A row of tokens with a class token in front, through two blocks and a head."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.embed = nn.Conv2d(3, 6, 4, stride=4)
            self.blocks = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
            self.head = nn.Linear(6, 2)
            self.token = nn.Parameter(torch.randn(1, 1, 6))
        self.passes = 0

    def forward(self, images: Tensor) -> Tensor:
        self.passes += 1
        tokens = self.embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(tokens), -1, -1), tokens], 1)
        for block in self.blocks:
            tokens = tokens + block(tokens).tanh()
        result: Tensor = self.head(tokens[:, 0])
        return result


def images(count: int = 2) -> Tensor:
    return torch.rand((count, 3, 20, 24), generator=torch.Generator().manual_seed(0))


def test_a_module_is_read_at_the_layer_that_is_named() -> None:
    network = Patches()
    backbone = register_backbone("mine", network, layer="blocks.1", **PLAIN)
    assert (backbone.dim, backbone.grid, backbone.extra_names) == (6, 4, ("class",))
    maps, extra = backbone.with_extra(images())
    caught: list[Tensor] = []
    handle = network.blocks[1].register_forward_hook(lambda _m, _i, out: caught.append(out))
    network(backbone.preprocess(images()))
    handle.remove()
    assert torch.equal(maps.flatten(2).transpose(1, 2), caught[0][:, 1:])
    assert torch.equal(extra["class"], caught[0][:, 0])
    assert torch.equal(backbone(images()), maps)
    assert not any(module._forward_hooks for module in network.modules())


def test_what_comes_after_the_layer_is_not_computed() -> None:
    network = Patches()
    backbone = register_backbone("mine", network, layer="blocks.0", **PLAIN)
    calls: list[str] = []
    network.head.register_forward_hook(lambda *_: calls.append("head"))
    backbone(images())
    assert calls == []
    assert network.passes == 2


def test_gradients_reach_the_pixels_through_a_layer_that_ends_the_pass() -> None:
    backbone = register_backbone("mine", Patches(), layer="blocks.0", **PLAIN)
    pixels = images().requires_grad_()
    (gradient,) = torch.autograd.grad(backbone(pixels).square().sum(), pixels)
    assert (gradient.abs().sum(1) > 0).all()


def test_a_function_may_read_instead() -> None:
    network = nn.Conv2d(3, 5, 4, stride=4)
    backbone = register_backbone("mine", network, read=lambda x: {"last_hidden_state": network(x)},
                                 **PLAIN)  # fmt: skip
    assert backbone(images()).shape == (2, 5, 4, 4)
    whole = register_backbone("whole", network, **PLAIN)
    assert torch.equal(whole(images()), backbone(images()))


def test_a_recipe_names_it_and_sets_the_grid() -> None:
    made = register_backbone("mine", Patches(), layer="blocks.1", **PLAIN)
    spec = BackboneSpec(name="a", model="python:mine")
    again = load_backbone(BackboneSpec.model_validate(spec.model_dump()), grid=2)
    assert (again.name, again.grid, again.native_grid) == ("a", 2, (4, 4))
    assert again.weights_sha256 == made.weights_sha256
    torch.testing.assert_close(again.native_map(images()), made(images()))
    with pytest.raises(BackboneError, match="registered with its settings") as caught:
        load_backbone(spec.model_copy(update={"layer": 3, "input_size": 32}))
    assert caught.value.got == "layer, input_size in the recipe"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layer": "blocks.7"}, "no layer 'blocks.7'"),
        ({"layer": "head"}, "no token map"),
        ({"mean": (0.5,), "std": (0.5,)}, "does not take the images"),
        ({"layer": "blocks.1", "read": lambda x: x}, "both a layer and a function"),
    ],
)
def test_modules_that_cannot_serve_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        register_backbone("mine", Patches(), **{**PLAIN, **fields})
    with pytest.raises(BackboneError, match="only a Python program can give"):
        load_backbone(BackboneSpec(name="a", model="python:mine"))


def test_names_are_those_that_a_recipe_takes() -> None:
    with pytest.raises(ValidationError):
        register_backbone("no/slash", Patches(), layer="blocks.1", **PLAIN)


def test_a_layer_that_no_pass_goes_through_is_named() -> None:
    network = Patches()
    network.spare = nn.Linear(6, 6)
    with pytest.raises(BackboneError, match="does not go through 'spare'"):
        module_output(network, "spare")(torch.zeros(1, 3, 16, 16))


def test_readable_layers_are_the_blocks_in_their_order() -> None:
    rows = readable_layers(Patches().eval(), torch.zeros(1, 3, 16, 16))
    assert [(name, list(maps.shape)) for name, maps in rows] == [
        ("embed", [1, 6, 4, 4]),
        ("blocks.0", [1, 6, 4, 4]),
        ("blocks.1", [1, 6, 4, 4]),
    ]


@pytest.fixture
def trained(
    tiny_recipe: Callable[..., Recipe], photos: Callable[..., Path], tmp_path: Path
) -> uv.Run:
    photos(12)
    for number, name in enumerate(("one", "two")):
        register_backbone(name, Patches(number), layer="blocks.1", **PLAIN)
    recipe = tiny_recipe(
        backbones=[{"name": n, "model": f"python:{n}"} for n in ("one", "two")],
        training={"steps": 3},
    )
    return uv.train(recipe, tmp_path / "run")


def test_a_run_over_registered_modules_works_in_python_and_is_refused_elsewhere(
    trained: uv.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = uv.open_run(trained.path)
    photo = tmp_path / "photos" / "000.png"
    assert json.loads((run.path / "run.json").read_text())["backbones"][0]["native_grid"] == [4, 4]
    concept = uv.load_index(run).most_universal(1)[0]
    assert uv.heatmap(run, [photo], concept)
    (result,) = uv.maximize(run, [concept], steps=2, size=24)
    assert set(result.images) == {"one", "two"}
    # A process in which nothing is registered, as that of the command line.
    monkeypatch.setattr(registered, "_REGISTERED", {})
    with pytest.raises(BackboneError, match="only a Python program can give"):
        uv.heatmap(run, [photo], concept)
    asked = ["heatmap", "--run", str(run.path), str(photo), "--concept", str(concept)]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 1
    assert "register_backbone('one', …)" in refused.stderr
    # The same name for another module is noticed.
    register_backbone("one", Patches(7), layer="blocks.1", **PLAIN)
    register_backbone("two", Patches(8), layer="blocks.1", **PLAIN)
    with pytest.raises(BackboneError, match="weights of one are not those"):
        uv.heatmap(run, [photo], concept)
