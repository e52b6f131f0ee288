"""The comparison as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table, one line a variant: means over its seeds."""
    names = list(dict.fromkeys(row["variant"] for row in rows))
    world = "recovered" in rows[0]
    head = ["variant", "seeds", "steps", "own R²", "cross R², mean", "smallest", "co-fire"]
    head += ["lift", "correlation", "smallest pair", "dead", *(["recovered"] if world else [])]
    lines = [_line(head), _line(["---"] * len(head))]
    notes: list[str] = []
    for name in names:
        same = [row for row in rows if row["variant"] == name]
        r2 = np.array([row["r2"] for row in same])
        m = r2.shape[1]
        off = r2[:, ~np.eye(m, dtype=bool)]
        pairs = np.array([min(row["correlations"].values()) for row in same])
        own = " ".join(_spread(r2[:, i, i], 3) for i in range(m))
        cells = [
            name,
            str(len(same)),
            f"{np.mean([row['steps'] for row in same]):.0f}",
            own,
            _spread(off.mean(1), 3),
            _spread(off.min(1), 3),
            _spread([row["cofire"] for row in same], 3),
            _spread([row["lift"] for row in same], 0),
            _spread([row["correlation"] for row in same], 3),
            _spread(pairs, 3),
            _spread([row["dead"] for row in same], 0),
        ]
        if world:
            cells.append(_spread([row["recovered"] for row in same], 1))
        lines.append(_line(cells))
        if "joint_r2" in same[0]:
            joint = np.array([row["joint_r2"] for row in same])
            text = " ".join(_spread(joint[:, i], 3) for i in range(m))
            notes.append(f"{name}, support chosen by all backbones together: own R² {text}")
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _spread(values: Any, digits: int) -> str:
    """Return the mean and the largest deviation from it."""
    values = np.asarray(values, dtype=np.float64)
    mean = values.mean()
    text = f"{mean:.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {np.abs(values - mean).max():.{digits}f}"
