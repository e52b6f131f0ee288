"""Damaged files and odd words: `scripts/fuzz.py` with few cases, and texts made by hypothesis."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usae_viz.cli.sweeps import sweep_points
from usae_viz.concepts import parse_concepts
from usae_viz.errors import UsaeVizError
from usae_viz.maximize.objective import parse_weights
from usae_viz.recipe import load_recipe, parse_recipe

FUZZ = Path(__file__).parent.parent / "scripts" / "fuzz.py"
QUICK = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    "0123456789,-:.= ab<>~()andor'\"[]", max_size=30
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
TREE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
KEYS = st.sampled_from(["name", "seed", "images", "backbones", "activations", "usae", "training"])


def test_damaged_files_and_odd_words_are_refused_or_read() -> None:
    done = subprocess.run(
        [sys.executable, FUZZ, "--cases", "150", "--seed", "7"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    table = json.loads(done.stdout)
    assert table["failures"] == 0, table["failed"]
    assert sum(table["by_kind"].values()) == 150
    assert len(table["by_kind"]) > 10
    assert done.returncode == 0


@QUICK
@given(TEXT)
def test_texts_of_the_command_line_are_read_or_refused(text: str) -> None:
    for reader in (parse_concepts, parse_weights, lambda t: sweep_points([t])):
        with suppress(UsaeVizError):
            reader(text)


@QUICK
@given(st.dictionaries(KEYS | TEXT, TREE, max_size=6))
def test_recipes_of_any_shape_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(UsaeVizError):
        parse_recipe(table)


@QUICK
@given(st.lists(TEXT | st.builds("{}={}".format, TEXT, TEXT), max_size=3))
def test_overrides_of_any_text_are_read_or_refused(tmp_path: Path, texts: list[str]) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(tomli_w.dumps({"name": "x", "images": {"source": "world:images=3"}}))
    with pytest.raises(UsaeVizError):
        load_recipe(file, texts)
