from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from usae_viz.errors import RunError
from usae_viz.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from usae_viz.lock import locked
with locked(Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path: Path, kind: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(path), kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_killed_holder_leaves_no_lock_and_is_named_while_it_lives(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    other = holder(path, "alone")
    try:
        with pytest.raises(RunError, match=f"by process {other.pid}"), locked(path):
            pytest.fail("the lock was given twice")
    finally:
        end(other)
    assert path.exists()
    with locked(path):
        assert path.read_text() == str(os.getpid())
    assert not path.exists()


def test_ranks_share_the_lock_and_keep_others_out(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    other = holder(path, "shared")
    try:
        with locked(path, shared=True):
            pass
        # The other rank is still at work: the file stays, and so does the lock.
        with pytest.raises(RunError, match="being written"), locked(path):
            pytest.fail("a lock that ranks share was given to somebody else")
    finally:
        end(other)
    with locked(path):
        pass
    assert not path.exists()


def test_only_one_that_is_alone_removes_what_killed_writers_left(tmp_path: Path) -> None:
    path, folder = tmp_path / ".lock", tmp_path / "store"
    folder.mkdir()
    left = folder / ".shard-00000.safetensors.0123456789ab"
    kept = [folder / name for name in (".hidden", "a.0123456789ab", ".a.0123456789AB")]
    for file in (left, *kept):
        file.touch()
    other = holder(path, "shared")
    try:
        with locked(path, shared=True, tidy=[folder]):
            assert left.exists()
    finally:
        end(other)
    with locked(path, shared=True, tidy=[folder]):
        assert not left.exists()
    assert all(file.exists() for file in kept)
