"""Every verb does on another device what it does on the CPU: nothing lies on the wrong one."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.device.stand_in import NAME

ROOT = Path(__file__).parent.parent.parent
CLOCK = ("seconds", "per_second")
"""How names of figures end that a clock gave."""


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> dict[str, dict[str, Any]]:
    """What every job said, by job and device."""
    if shutil.which("c++") is None or importlib.util.find_spec("ninja") is None:
        pytest.skip("compiling the stand-in device needs a C++ compiler and ninja")
    assert pytestconfig.cache is not None
    build = pytestconfig.cache.mkdir("stand_in")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "tests.device.jobs", build, tmp_path_factory.mktemp("device")],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        assert line["exit"] == 0, f"{line['job']} on {line['device']}: {line['error'][-3000:]}"
        found.setdefault(line["job"], {})[line["device"]] = line["table"]
    return found


def numbers(value: Any, where: str = "") -> dict[str, float]:
    """Return every number of a JSON value by its place, without what the clock said."""
    if isinstance(value, dict):
        parts = [numbers(v, f"{where}/{k}") for k, v in value.items() if not k.endswith(CLOCK)]
    elif isinstance(value, list):
        parts = [numbers(v, f"{where}/{i}") for i, v in enumerate(value)]
    else:
        return {where: float(value)} if isinstance(value, int | float) else {}
    return {key: found for part in parts for key, found in part.items()}


def test_every_job_says_the_same_on_both_devices(tables: dict[str, dict[str, Any]]) -> None:
    both = {job: said for job, said in tables.items() if len(said) == 2}
    assert len(both) > 25
    for job, said in both.items():
        here, there = numbers(said["cpu"]), numbers(said[NAME])
        assert len(here) > 3, job
        # Sums are taken in another order, and so may pixels be whose map is equal.
        near = 2e-2 if job == "attribute sobol" else 2e-3
        assert there == pytest.approx(here, rel=near, abs=near, nan_ok=True), job
    whole, resumed = (numbers(tables[job][NAME]["r2"]) for job in ("train", "resumed"))
    assert resumed == pytest.approx(whole, abs=1e-5)


def test_the_stand_in_tells_what_would_fail_on_a_gpu(tables: dict[str, dict[str, Any]]) -> None:
    said = tables["mistakes"][NAME]
    assert len(said) == 7
    assert all(said.values()), said
