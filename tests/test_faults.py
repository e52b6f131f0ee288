"""Killed jobs end as undisturbed ones do: the scripts that show it, with few kills."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_an_extraction_that_was_killed_ends_with_the_same_bytes() -> None:
    done = subprocess.run(
        [
            sys.executable, SCRIPTS / "faults_extract.py",
            "--kills", "2", "--images", "16", "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    table = json.loads(done.stdout)
    assert [row["ranks"] for row in table["rounds"]] == [1, 1, 2, 2]
    assert table["kills"] >= 4
    assert table["all_equal"], table["rounds"]
    assert all(row["survivors_ended_well"] for row in table["rounds"])
    assert done.returncode == 0
