"""Reading recipes: TOML files, overrides, relative paths; every error at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from usae_viz.errors import RecipeError, did_you_mean
from usae_viz.recipe.sections import (
    ActivationsSpec,
    BackboneSpec,
    ConceptsSpec,
    ImagesSpec,
    Recipe,
    Section,
    TrainingSpec,
    UsaeSpec,
)

# Which part of `images.source` is a path; a name of the Hugging Face hub never begins with a dot.
SOURCE_PATH = re.compile(
    r"(?P<before>(folder|tar):|huggingface:(?=[.~])|torchvision:(.*,)?root=)"
    r"(?P<path>(?<=^folder:).*|(?<=^tar:).*|[^,]*)(?P<after>.*)"
)


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file.

    Args:
        path: a TOML file. Relative paths inside it are taken from its folder.
        overrides: ``key=value`` texts; dotted keys, values as TOML (bare words are text), and a
            backbone is addressed by its name: ``backbones.deit_tiny.layer=6``. Relative paths in
            these are taken from the current folder.

    Raises:
        RecipeError: the file is missing, is not TOML, or does not validate; all errors at once.
    """
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(
            f"there is no recipe {path}", hint="`usae-viz recipes ls` lists the ones shipped"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path} cannot be read as TOML", got=str(error)) from error
    for text in overrides:
        _override(table, text)
    return parse_recipe(table, origin=str(path), base=path.resolve().parent)


def parse_recipe(
    table: Mapping[str, Any], *, origin: str = "recipe", base: Path | None = None
) -> Recipe:
    """Validate a recipe given as nested tables; relative paths are anchored at `base`.

    Raises:
        RecipeError: naming every unknown key (with a suggestion) and every wrong value.
    """
    try:
        recipe = Recipe.model_validate(table)
    except ValidationError as error:
        problems = [_describe(item) for item in error.errors()]
        raise RecipeError(
            f"{origin} has {len(problems)} error{'s' if len(problems) > 1 else ''}:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        ) from None
    return recipe if base is None else _anchor(recipe, base)


def _anchor(recipe: Recipe, base: Path) -> Recipe:
    images = recipe.images.model_copy(
        update={
            "source": _anchored("source", recipe.images.source, base),
            "masks": _anchored("masks", recipe.images.masks, base),
        }
    )
    backbones = tuple(
        spec.model_copy(update={"weights": _anchored("weights", spec.weights, base)})
        for spec in recipe.backbones
    )
    folder = _anchored("weights_dir", recipe.weights_dir, base)
    return recipe.model_copy(
        update={"images": images, "weights_dir": folder, "backbones": backbones}
    )


def _anchored(key: str, value: Any, base: Path) -> Any:
    """Return the value of `key`; a relative path in it is made absolute at `base`."""
    if not isinstance(value, str):
        return value
    before, path, after = "", value, ""
    if key == "source":
        found = SOURCE_PATH.fullmatch(value)
        if not found:
            return value
        before, path, after = found["before"], found["path"], found["after"]
    elif key == "weights":
        # A bare name is looked for in `weights_dir`.
        if "/" not in value or value.startswith("package:"):
            return value
    elif key not in ("weights_dir", "masks"):
        return value
    return before + (str((base / Path(path).expanduser()).resolve()) if path else "") + after


def _override(table: dict[str, Any], text: str) -> None:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise RecipeError(
            f"--set {text!r} cannot be read", expected="key=value, for example training.steps=500"
        )
    node: Any = table
    rest = key.strip()
    while isinstance(node, list) or "." in rest:
        if isinstance(node, list):
            named = {str(item.get("name")): item for item in node if isinstance(item, dict)}
            # Names may hold dots themselves: the longest that fits is meant.
            fitting = [name for name in named if rest.startswith(f"{name}.")]
            if not fitting:
                part = rest.split(".")[0]
                raise RecipeError(
                    f"--set {text!r} addresses a whole list"
                    if "." not in rest or rest in named
                    else f"--set {text!r} names an unknown entry {part!r}",
                    expected=f"LIST.NAME.key=value with NAME one of {', '.join(named)}",
                    hint=did_you_mean(part, named),
                )
            part = max(fitting, key=len)
            node = named[part]
        else:
            part = rest.split(".")[0]
            node = node.setdefault(part, {})
        rest = rest[len(part) + 1 :]
        if not isinstance(node, dict | list):
            above = key.strip().removesuffix(f".{rest}")
            raise RecipeError(f"--set {text!r} goes below a value", got=f"{above} is {node!r}")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    node[rest] = _anchored(rest, parsed, Path.cwd())


def _describe(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "recipe"
    if item["type"] == "extra_forbidden":
        hint = did_you_mean(str(item["loc"][-1]), _fields_at(item["loc"][:-1]))
        return f"{where}: unknown key" + (f" ({hint})" if hint else "")
    if item["type"] == "missing":
        return f"{where}: missing"
    return f"{where}: {item['msg'].removeprefix('Value error, ')} (got {item['input']!r:.80})"


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[Section]] = {
        "images": ImagesSpec,
        "backbones": BackboneSpec,
        "activations": ActivationsSpec,
        "usae": UsaeSpec,
        "training": TrainingSpec,
        "concepts": ConceptsSpec,
    }
    section: type[Section] = tables.get(str(location[0]), Recipe) if location else Recipe
    return list(section.model_fields)
