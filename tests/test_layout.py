"""The house holds what belongs in it: nothing that a benchmark or a run has left behind."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP = {
    *("pyproject.toml", "usae_viz", "recipes", "gallery", "tests", "scripts", "docs"),
    *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
    *(".ci", ".gitattributes", ".gitignore", ".pre-commit-config.yaml"),
}
LARGEST = 5_000_000
"""Bytes. The largest file that is meant to be here, the bundled example images, has 4.5 MB."""


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every path that git keeps."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_is_the_houses(tracked: list[str]) -> None:
    assert {name.split("/")[0] for name in tracked} <= TOP


def test_no_large_file_and_no_activations_are_kept(tracked: list[str]) -> None:
    large = {name: size for name in tracked if (size := (ROOT / name).stat().st_size) > LARGEST}
    assert not large
    assert not [name for name in tracked if Path(name).name.startswith("shard-")]


def test_nothing_that_is_shipped_names_a_folder_of_somebodys_machine(tracked: list[str]) -> None:
    texts = [name for name in tracked if name.endswith((".toml", ".json", ".jsonl"))]
    assert len(texts) > 10
    absolute = re.compile(r'"(?:folder:|tar:)?(?:/[\w.-]+){2}|"[A-Za-z]:\\')
    assert not [name for name in texts if absolute.search((ROOT / name).read_text())]
