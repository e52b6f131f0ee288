from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from pydantic import ValidationError

from usae_viz.errors import RecipeError
from usae_viz.recipe import Recipe, load_recipe, parse_recipe

RECIPES = Path(__file__).parents[1] / "recipes"


def table() -> dict[str, Any]:
    return {
        "name": "tiny",
        "images": {"source": "folder:photos", "canvas": 32},
        "backbones": [
            {"name": "deit", "model": "timm:deit_tiny_patch16_224"},
            {"name": "mobile", "model": "torchvision:mobilenet_v2", "layer": "features.13.add"},
        ],
        "activations": {"grid": 4},
        "usae": {"concepts": 16, "k": 2},
        "training": {"steps": 10},
    }


def write(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(content))
    return path


@pytest.mark.parametrize(
    ("section", "key", "suggestion"),
    [
        (None, "sead", "seed"),
        ("images", "canvass", "canvas"),
        ("activations", "shard_image", "shard_images"),
        ("usae", "concept", "concepts"),
        ("training", "step", "steps"),
        ("backbones", "layr", "layer"),
    ],
)
def test_unknown_key_is_refused_with_a_suggestion(
    section: str | None, key: str, suggestion: str
) -> None:
    content = table()
    target = content if section is None else content[section]
    (target[1] if isinstance(target, list) else target)[key] = 1
    with pytest.raises(RecipeError, match=f"{key}: unknown key .did you mean '{suggestion}'"):
        parse_recipe(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prefixes": [4, 16]}, 'prefixes is only for variant "matryoshka", not "topk"'),
        ({"variant": "matryoshka", "prefixes": [8, 4, 16]}, "must rise and end with concepts = 16"),
        ({"variant": "matryoshka", "prefixes": [4, 8]}, "must rise and end with concepts = 16"),
        ({"variant": "jumprelu", "mode": "paper"}, 'needs mode "ours", not "paper"'),
        ({"variant": "topk", "relaxation": 0.1}, 'relaxation is only for variant "archetypal"'),
        ({"variant": "archetypal", "update": "drawn"}, "shares its rows"),
        ({"variant": "gated"}, "Input should be 'topk', 'batchtopk'"),
    ],
)
def test_variants_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    content = table()
    content["usae"] |= changes
    with pytest.raises(RecipeError, match=message):
        parse_recipe(content)


def test_all_errors_come_at_once() -> None:
    content = table()
    content["images"]["canvas"] = -3
    content["backbones"][1]["model"] = "keras:vgg"
    content["nonsense"] = True
    del content["activations"]["grid"]
    with pytest.raises(RecipeError) as caught:
        parse_recipe(content, origin="mine.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "mine.toml has 4 errors:"
    assert len(lines) == 5
    for text in ("images.canvas: ", "(got -3)", "backbones.1.model: expected 'timm:NAME'"):
        assert text in str(caught.value)
    assert "  - nonsense: unknown key" in lines
    assert "  - activations.grid: missing" in lines


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("images.canvas", '"32"'),
        ("images.canvas", "true"),
        ("images.canvas", "32.5"),
        ("images.validation", "1.0"),
        ("images.crop", "centre"),
        ("training.lr", "0.0"),
        ("training.lr", '"0.1"'),
        ("usae.agreement", "-1.0"),
        ("seed", "zero"),
        ("name", "../up"),
        ("backbones.deit.name", "a/b"),
        ("backbones.deit.final_norm", '"no"'),
    ],
)
def test_values_of_another_type_or_range_are_refused(tmp_path: Path, key: str, value: str) -> None:
    where = key.replace("deit", "0")
    with pytest.raises(RecipeError, match=f"  - {where}: "):
        load_recipe(write(tmp_path, table()), [f"{key}={value}"])


def test_k_above_the_width_and_two_backbones_of_one_name_are_refused() -> None:
    content = table()
    content["usae"]["k"] = 17
    with pytest.raises(RecipeError, match="k = 17 is larger than concepts = 16"):
        parse_recipe(content)
    content = table()
    content["backbones"][1]["name"] = "deit"
    with pytest.raises(RecipeError, match="two backbones are called deit"):
        parse_recipe(content)


def test_missing_file_and_broken_toml_are_recipe_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no recipe"):
        load_recipe(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(RecipeError, match="cannot be read as TOML"):
        load_recipe(broken)
    broken.write_bytes(b"name = '\xff'")
    with pytest.raises(RecipeError, match="cannot be read as TOML"):
        load_recipe(broken)
    with pytest.raises(RecipeError, match="cannot be read as TOML"):
        load_recipe(tmp_path)


def test_a_recipe_does_not_change_after_reading() -> None:
    recipe = parse_recipe(table())
    with pytest.raises(ValidationError, match="frozen"):
        recipe.usae.k = 3


def test_overrides_reach_tables_backbones_and_keyword_arguments(tmp_path: Path) -> None:
    recipe = load_recipe(
        write(tmp_path, table()),
        [
            "seed=7",
            "training.steps = 500",
            "training.lr=1e-3",
            "usae.mode=paper",
            "concepts.tau=0.25",
            "backbones.deit.layer=6",
            "backbones.mobile.layer='features.7.add'",
            "backbones.deit.kwargs.img_size=64",
            "backbones.deit.mean=[0.5, 0.5, 0.5]",
            'name="a.b"',
        ],
    )
    deit, mobile = recipe.backbones
    assert (recipe.seed, recipe.training.steps, recipe.training.lr) == (7, 500, 1e-3)
    assert (recipe.usae.mode, recipe.concepts.tau, recipe.name) == ("paper", 0.25, "a.b")
    assert (deit.layer, deit.kwargs, deit.mean) == (6, {"img_size": 64}, (0.5, 0.5, 0.5))
    assert mobile.layer == "features.7.add"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.steps", "cannot be read"),
        ("=5", "cannot be read"),
        ("training.step=5", "did you mean 'steps'"),
        ("training.steps=many", "training.steps"),
        ("backbones.deti.layer=2", "did you mean 'deit'"),
        ("backbones=3", "backbones"),
        ("backbones.deit=3", "whole list"),
        ("name.deeper=3", "goes below a value"),
    ],
)
def test_overrides_that_cannot_be_meant_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = write(tmp_path, table())
    with pytest.raises(RecipeError, match=message):
        load_recipe(path, [text])


def test_backbones_whose_names_hold_dots_are_addressed_by_the_longest_that_fits(
    tmp_path: Path,
) -> None:
    content = table()
    content["backbones"][0]["name"] = "vit"
    content["backbones"][1]["name"] = "vit.b16"
    path = write(tmp_path, content)
    recipe = load_recipe(path, ["backbones.vit.b16.layer=3", "backbones.vit.layer=5"])
    assert [spec.layer for spec in recipe.backbones] == [5, 3]
    recipe = load_recipe(path, ["backbones.vit.b16.kwargs.img_size=64"])
    assert recipe.backbones[1].kwargs == {"img_size": 64}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("folder:a, b/c", "folder:{base}/a, b/c"),
        ("tar:shards/{000..010}.tar", "tar:{base}/shards/{{000..010}}.tar"),
        ("huggingface:mnist,split=test", "huggingface:mnist,split=test"),
        ("huggingface:./saved,split=test", "huggingface:{base}/saved,split=test"),
        ("torchvision:CIFAR10,root=d,train=false", "torchvision:CIFAR10,root={base}/d,train=false"),
        ("torchvision:FakeData,size=9", "torchvision:FakeData,size=9"),
        ("world:images=3", "world:images=3"),
        ("somebodys:own", "somebodys:own"),
    ],
)
def test_the_path_in_a_source_is_taken_from_the_recipes_folder(
    tmp_path: Path, source: str, expected: str
) -> None:
    content = table()
    content["images"]["source"] = source
    recipe = load_recipe(write(tmp_path, content))
    assert recipe.images.source == expected.format(base=tmp_path)


def test_paths_are_taken_from_the_recipes_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = table()
    content["images"]["source"] = "folder:../photos"
    content["weights_dir"] = "weights"
    content["backbones"][0]["weights"] = "more/deit.safetensors"
    content["backbones"][1]["weights"] = "bare.safetensors"
    path = write(tmp_path / "sub", content)
    monkeypatch.chdir("/")
    recipe = load_recipe(path)
    assert recipe.images.source == f"folder:{tmp_path / 'photos'}"
    assert recipe.weights_dir == str(tmp_path / "sub" / "weights")
    assert recipe.backbones[0].weights == str(tmp_path / "sub" / "more" / "deit.safetensors")
    assert recipe.backbones[1].weights == "bare.safetensors"


def test_paths_that_are_absolute_or_no_paths_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    content = table()
    content["images"]["source"] = "world:images=60"
    content["backbones"][0]["weights"] = "package:usae_viz/demo/x.safetensors"
    content["backbones"][1]["weights"] = "~/w/x.safetensors"
    recipe = load_recipe(write(tmp_path, content))
    assert recipe.images.source == "world:images=60"
    assert recipe.backbones[0].weights == "package:usae_viz/demo/x.safetensors"
    assert recipe.backbones[1].weights == str(tmp_path / "home" / "w" / "x.safetensors")


def test_paths_in_overrides_are_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "sub", table())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    recipe = load_recipe(
        path, ["images.source=folder:photos", "weights_dir=w", "backbones.deit.weights=./d.st"]
    )
    assert recipe.images.source == f"folder:{tmp_path / 'here' / 'photos'}"
    assert recipe.weights_dir == str(tmp_path / "here" / "w")
    assert recipe.backbones[0].weights == str(tmp_path / "here" / "d.st")


def test_digest_depends_on_the_content_and_not_on_its_layout(tmp_path: Path) -> None:
    first = parse_recipe(table())
    reordered = {key: table()[key] for key in reversed(table())}
    reordered["seed"] = 0  # the default, written out
    assert parse_recipe(reordered).digest() == first.digest()
    assert len(first.digest()) == 64
    changed = table()
    changed["usae"]["k"] = 3
    assert parse_recipe(changed).digest() != first.digest()
    moved = table()
    moved["images"].update(source="folder:/elsewhere", labels="folders", masks="/elsewhere/masks")
    moved["weights_dir"] = "/elsewhere/weights"
    moved["backbones"][0]["weights"] = "/elsewhere/deit.safetensors"
    assert parse_recipe(moved).digest() == first.digest()
    commented = tmp_path / "recipe.toml"
    commented.write_text("# a comment\n" + tomli_w.dumps(table()))
    plain = write(tmp_path / "b", table())
    content = ["images.source=folder:/x"]
    assert load_recipe(commented, content).digest() == load_recipe(plain, content).digest()


def test_resolved_recipe_reads_back_as_the_same(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = tiny_recipe(
        seed=3,
        backbones=[
            {
                "name": "a",
                "model": "timm:resnet10t",
                "kwargs": {"channels": [8, 16], "depth": 1, "drop_rate": 0.5, "flag": True},
                "mean": [0.5],
                "std": [0.25],
            },
            {"name": "b", "model": "torchvision:alexnet", "layer": "features.2"},
        ],
        training={"lr": 3e-4},
    )
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.toml())
    again = load_recipe(path)
    assert again == recipe
    assert again.digest() == recipe.digest()
    assert again.backbones[0].kwargs["flag"] is True


def test_shipped_recipes_validate_and_open_with_their_command() -> None:
    paths = sorted(RECIPES.glob("*.toml"))
    assert paths
    for path in paths:
        assert load_recipe(path).name == path.stem
        assert path.read_text().startswith("# usae-viz train ")


def test_recipes_runs_and_errors_import_no_torch() -> None:
    code = (
        "import sys, usae_viz.recipe, usae_viz.run, usae_viz.errors\n"
        "heavy = {'torch', 'timm', 'kornia', 'captum', 'torchvision', 'numpy', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
