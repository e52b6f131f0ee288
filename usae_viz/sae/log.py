"""``training.jsonl``: a line a step, written in bulk so that no step waits for the device."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usae_viz.errors import TrainingError
from usae_viz.lock import write_errors
from usae_viz.run import write_text
from usae_viz.sae.board import Board

Report = Callable[[], dict[str, float]]
"""Reads the figures of a step; it may wait for the device."""


class TrainingLog:
    """Lines of steps, kept back until `flush`.

    Args:
        path: the file; lines are appended.

    Attributes:
        board: gets the lines too; None: nobody does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.board: Board | None = None
        self._kept: list[tuple[dict[str, Any], Report | None]] = []

    def start(self, done: int) -> None:
        """Drop lines of steps after `done`: they are about to be taken (again)."""
        if not self.path.exists():
            return
        text = self.path.read_text(encoding="utf-8", errors="replace") if done else ""
        # A training that was killed, or a disk, may have left half a line.
        kept = [line for line in text.splitlines(keepends=True) if 0 <= _step_of(line) <= done]
        write_text(self.path, "".join(kept))

    def add(self, line: dict[str, Any], report: Report | None = None) -> None:
        """Keep a line for the next flush; `report` gives further keys."""
        self._kept.append((line, report))

    def flush(self, *, write: bool = True) -> dict[str, Any] | None:
        """Write what was kept; returns the last line, or None if there was none.

        Without `write` the lines are only looked at and dropped.

        Raises:
            TrainingError: a loss was not finite (after all lines before it were written).
        """
        lines, broken = [], None
        for line, report in self._kept:
            figures = report() if report else {}
            if not all(math.isfinite(value) for value in figures.values()):
                broken = line["step"]
                break
            lines.append({**line, **figures})
        self._kept = []
        if lines and write:
            text = "".join(json.dumps(line) + "\n" for line in lines)
            with write_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(text)
            if self.board is not None:
                self.board.write(lines)
        if broken is not None:
            raise TrainingError(
                f"the training has diverged: a loss of step {broken} is not finite",
                hint="lower training.lr; the last checkpoint is from before",
            )
        return lines[-1] if lines else None


def _step_of(line: str) -> int:
    """Return the step that a line is of; -1 if it is damaged."""
    if not line.endswith("\n"):
        return -1
    try:
        return int(json.loads(line)["step"])
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return -1
