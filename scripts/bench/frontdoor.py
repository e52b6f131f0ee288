"""How fast the door opens: importing the package and asking for help, against bare Python."""

from __future__ import annotations

import subprocess
import sys

from timing import Row, Work, compare


def _call(*arguments: str) -> Work:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def rows(quick: bool) -> list[Row]:
    """Time whole processes, each against an interpreter that does nothing."""
    bare = _call("-c", "pass")
    rounds = 5 if quick else 15
    return [
        compare("import usae_viz", _call("-c", "import usae_viz"), "python", bare, rounds=rounds),
        compare(
            "usae-viz --help", _call("-m", "usae_viz", "--help"), "python", bare, rounds=rounds
        ),
        compare(
            "usae-viz concepts --json",
            _call("-m", "usae_viz", "concepts", "--json", "--limit", "5"),
            "python",
            bare,
            rounds=max(3, rounds // 3),
        ),
    ]
