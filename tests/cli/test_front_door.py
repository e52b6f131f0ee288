"""The help of the program is written without loading it; what it says is what is there."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

import usae_viz.cli
from usae_viz.cli import OPTIONS, VERBS, app, main_help

LIGHT = """
import sys
{before}
heavy = {{"torch", "numpy", "pydantic", "rich", "typer", "PIL", "timm", "matplotlib"}}
print(*sorted(heavy & set(sys.modules)))
"""


def loaded_by(before: str) -> list[str]:
    words = [sys.executable, "-c", LIGHT.format(before=before)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_help_is_the_same_with_and_without_the_application() -> None:
    for words in (["--help"], ["-h"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0
        assert result.output == main_help() + "\n"
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, result.output) == (2, main_help() + "\n")


def test_help_says_of_each_verb_what_the_verb_says() -> None:
    for verb, text in VERBS.items():
        module = import_module(f"usae_viz.cli.{verb.replace('-', '_')}")
        made = getattr(module, "app", None)
        said = made.info.help if made else getattr(module, verb.replace("-", "_")).__doc__
        assert inspect.cleandoc(said).splitlines()[0] == text
        result = CliRunner().invoke(app, [verb, "--help"])
        assert result.exit_code == 0
        assert text.split()[0] in result.output


def test_every_module_that_is_a_verb_is_listed() -> None:
    folder = Path(usae_viz.cli.__file__).parent
    verbs = {
        file.stem.replace("_", "-")
        for file in folder.glob("*.py")
        if "\n@verb\n" in file.read_text(encoding="utf-8")
    }
    assert verbs == set(VERBS)


def test_options_of_the_program_are_listed() -> None:
    from typer.main import get_command

    options = {name for option in get_command(app).params for name in option.opts}
    assert options | {"-h", "--help"} == {name for key in OPTIONS for name in key.split(", ")}


def test_a_misspelt_verb_gets_a_suggestion() -> None:
    result = CliRunner().invoke(app, ["maximise"])
    assert result.exit_code == 2
    assert "maximize" in result.output


@pytest.mark.parametrize(
    "before", ["import usae_viz", "sys.argv[1:] = ['--help']; import usae_viz.cli as c; c.main()"]
)
def test_the_door_opens_without_libraries(before: str) -> None:
    assert loaded_by(before)[-1] == ""


def test_help_of_a_verb_loads_only_what_draws_it() -> None:
    before = (
        "from typer.testing import CliRunner; from usae_viz.cli import app; "
        "CliRunner().invoke(app, ['{}', '--help'])"
    )
    # Typer itself loads pydantic where it is installed.
    assert set(loaded_by(before.format("maximize"))[-1].split()) <= {"pydantic", "rich", "typer"}


@pytest.mark.parametrize("words", [["concepts", "--json"], ["runs"], ["recipes", "ls"]])
def test_what_is_only_read_is_told_without_torch(words: list[str]) -> None:
    before = (
        "from typer.testing import CliRunner; from usae_viz.cli import app; "
        f"assert CliRunner().invoke(app, {words!r}).exit_code == 0"
    )
    assert not {"torch", "timm"} & set(loaded_by(before)[-1].split())
