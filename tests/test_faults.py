"""What can go wrong around a run: kills, a full disk, a lost shard, two writers, odd clocks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scripts.tiny import write_recipe
from usae_viz.cli import app
from usae_viz.run import open_run

SCRIPTS = Path(__file__).parent.parent / "scripts"


def call(*words: str | Path | int) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def words_of(verb: str, recipe: Path, run: Path) -> list[str | Path | int]:
    return {
        "extract": ["extract", recipe, "--out", run],
        "train": ["train", recipe, "--out", run, "--resume"],
        "index": ["index", "--run", run],
        "maximize": ["maximize", "--run", run, "--concept", "0,1", "--steps", 2, "--size", 32],
        "gallery": ["gallery", "--run", run, "--single-file"],
    }[verb]


MADE = {
    "extract": ["*"],
    "train": ["usae.*", "training.jsonl", "evaluation*", "concepts", "maximized", "gallery"],
    "index": ["concepts"],
    "maximize": ["maximized", "gallery"],
    "gallery": ["gallery"],
}
"""What of a run a verb makes."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and a run in which everything is made."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = write_recipe(folder, images=12, steps=20)
    for verb in MADE:
        result = call(*words_of(verb, recipe, folder / "run"))
        assert result.exit_code == 0, result.output
    return folder


def before(whole: Path, run: Path, verb: str) -> Path:
    """Copy the run without what a verb makes."""
    shutil.copytree(whole / "run", run)
    for pattern in MADE[verb]:
        for path in list(run.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if verb == "extract":
        run.rmdir()
    return run


def stored(run: Path) -> dict[str, bytes]:
    """Return what has no clock and no path in it."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.suffix in (".safetensors", ".png", ".webp", ".toml")
    }


def left_over(run: Path) -> list[Path]:
    return [path for path in run.rglob(".*") if path.is_file()]


def test_jobs_that_were_killed_end_with_the_same_bytes() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPTS / "faults.py", "--kills", "5"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    table = json.loads(done.stdout)
    assert table["kills"] >= 5
    assert table["all_equal"], table
    assert all(job["kills"] >= 1 for job in table["jobs"].values())
    assert done.returncode == 0


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond some bytes: the system then answers as it does on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("verb", list(MADE))
def test_no_room_is_told_and_the_same_command_goes_on(
    whole: Path, tmp_path: Path, small_files: Callable[[int], None], verb: str
) -> None:
    run = before(whole, tmp_path / "run", verb)
    words = words_of(verb, whole / "tiny.toml", run)
    small_files(400)
    result = call(*words)
    small_files(resource.RLIM_INFINITY)
    assert result.exit_code == 1, result.output
    assert "could not be written" in result.stderr
    assert "make space and run the same command again" in result.stderr
    assert not left_over(run)
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert not left_over(run)
    wanted = stored(whole / "run")
    assert {key: data == wanted[key] for key, data in stored(run).items()} == dict.fromkeys(
        stored(run), True
    )


def mounted(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    found = shutil.which("mount") and os.geteuid() == 0
    return bool(found) and not subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of our own, and what changes its options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "size=60k"):
        pytest.skip("no file system can be mounted here")

    def change(options: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
        return folder

    yield change
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(whole: Path, disk: Callable[[str], Path]) -> None:
    run = disk("size=60k") / "run"
    for words in ([], ["--no-verify"]):
        result = call("extract", whole / "tiny.toml", "--out", run, *words)
        assert result.exit_code == 1
        assert "No space left on device" in result.stderr
        assert not left_over(run)
    disk("size=50m")
    for verb in MADE:
        result = call(*words_of(verb, whole / "tiny.toml", run))
        assert result.exit_code == 0, result.output
    assert stored(run) == stored(whole / "run")


def test_a_read_only_run_is_read_and_not_written(whole: Path, disk: Callable[[str], Path]) -> None:
    folder = disk("size=50m")
    shutil.copytree(whole / "run", folder / "run")
    shutil.rmtree(folder / "run" / "gallery")
    disk("ro")
    for verb in ("index", "gallery", "train", "extract"):
        # A store that is whole has nothing to write but the lock.
        result = call(*words_of(verb, whole / "tiny.toml", folder / "run"))
        assert result.exit_code == 1, (verb, result.output)
        assert "Read-only file system" in result.stderr
        assert "give a folder that may be written" in result.stderr
    assert call("concepts", "--run", folder / "run").exit_code == 0
    elsewhere = folder.parent / "elsewhere"
    result = call("gallery", "--run", folder / "run", "--out", elsewhere)
    assert result.exit_code == 0, result.output
    assert (elsewhere / "gallery" / "index.html").is_file()


def test_a_second_writer_is_told_of_the_first(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole / "run", run)
    opened = open_run(run)
    for verb, lock in (
        ("extract", opened.lock()),
        ("train", opened.lock()),
        ("index", opened.lock_outputs("concepts")),
    ):
        with lock:
            result = call(*words_of(verb, whole / "tiny.toml", run))
        assert result.exit_code == 1, (verb, result.output)
        assert f"is being written by process {os.getpid()}" in result.stderr
        assert "what it has finished is kept" in result.stderr
    assert stored(run) == stored(whole / "run")


@pytest.mark.parametrize("verb", list(MADE))
def test_clocks_that_jump_change_nothing(
    whole: Path, tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = before(whole, tmp_path / "run", verb)
    for number, path in enumerate(run.rglob("*")):
        os.utime(path, (4e9, 4e9) if number % 2 else (1, 1))
    now = iter(range(4_000_000_000, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    result = call(*words_of(verb, whole / "tiny.toml", run))
    assert result.exit_code == 0, result.output
    wanted = stored(whole / "run")
    assert all(data == wanted[key] for key, data in stored(run).items())


def test_a_lost_shard_is_named_and_made_again(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole / "run", run)
    lost = sorted((run / "activations").glob("shard-*"))[2]
    lost.unlink()
    result = call("index", "--run", run)
    assert result.exit_code == 1
    assert f"{lost} is missing" in result.stderr
    assert "extract again" in result.stderr
    assert call("extract", whole / "tiny.toml", "--out", run).exit_code == 0
    assert stored(run) == stored(whole / "run")
