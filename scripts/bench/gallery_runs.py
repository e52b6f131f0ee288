"""Synthetic runs for the gallery's benchmarks; kept in USAE_VIZ_BENCH_RUNS, else for one call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("gallery_child.py")
SIZES = (1_000, 5_000, 20_000)
QUICK = (100, 400)


@contextmanager
def runs_folder() -> Iterator[Path]:
    """Yield the folder that synthetic runs are made in."""
    kept = os.environ.get("USAE_VIZ_BENCH_RUNS")
    if kept:
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def made(place: Path, size: int) -> Path:
    """Return the synthetic run of a size, made if it is not there."""
    folder = place / str(size)
    done = folder / "made"
    if not done.is_file():
        subprocess.run([sys.executable, CHILD, "make", folder, str(size)], check=True)
        done.touch()
    return folder


def built(folder: Path) -> dict[str, Any]:
    """Build the gallery of a run in a process of its own; return what `gallery_child` measured."""
    found = subprocess.run(
        [sys.executable, CHILD, "build", folder], check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(found.stdout)
    return result
