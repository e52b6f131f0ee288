"""The concept index as rows to sort, filter and print."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from usae_viz.concepts.index import ConceptIndex
from usae_viz.errors import UsageError, did_you_mean

SORTS = ("id", "energy", "entropy", "cofire", "lift", "correlation", "rate")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([\w.-]+)\s*(>=|<=|!=|==|=|>|<)\s*([\w.+-]+)\s*")


def concept_rows(
    index: ConceptIndex, *, sort: str = "correlation", where: str | None = None
) -> list[dict[str, Any]]:
    """Return one row per living concept, as the ``concepts`` JSON contract has them.

    Keys: ``id``, ``class`` (universal, shared, unique), ``shared_by``, ``energy`` (mean over
    backbones, standardised units), ``entropy``, ``cofire``, ``lift``, ``correlation`` (smallest
    over pairs) and, per backbone, ``rate``, ``maximum``, ``natural``. ``id`` sorts upwards, the
    rest downwards.

    Args:
        index: the concept index.
        sort: one of `SORTS`.
        where: conditions joined by ``and``, like ``entropy > 0.9 and rate.vit > 0.01``.

    Raises:
        UsageError: an unknown column, or a condition that cannot be read.
    """
    if sort not in SORTS:
        raise UsageError(
            f"concepts cannot be sorted by {sort!r}",
            expected=f"one of {', '.join(SORTS)}",
            hint=did_you_mean(sort, SORTS),
        )
    rows = [_row(index, k) for k in range(index.concepts) if not index.dead[k]]
    if where is not None:
        conditions = [_condition(part) for part in re.split(r"\s+and\s+|,", where)]
        rows = [row for row in rows if all(holds(row) for holds in conditions)]
    if sort == "rate":
        return sorted(rows, key=lambda row: -max(row["rate"].values()))
    return sorted(rows, key=lambda row: row["id"] if sort == "id" else -row[sort])


def _row(index: ConceptIndex, k: int) -> dict[str, Any]:
    m = len(index.names)
    pairs = [float(index.correlation[i, j, k]) for i in range(m) for j in range(i)]
    return {
        "id": k,
        "name": None,
        "class": index.kind(k),
        "shared_by": index.sharing(k),
        "energy": float(index.energy[:, k].mean()),
        "entropy": float(index.entropy[k]),
        "cofire": float(index.cofire[k]),
        "lift": float(index.lift[k]),
        "correlation": min(pairs, default=0.0),
        "rate": {n: float(index.rate[i, k]) for i, n in enumerate(index.names)},
        "maximum": {n: float(index.maximum[i, k]) for i, n in enumerate(index.names)},
        "natural": {n: float(index.natural_score[i, k]) for i, n in enumerate(index.names)},
    }


def _condition(text: str) -> Callable[[dict[str, Any]], bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"the condition {text.strip()!r} cannot be read",
            expected="COLUMN OP VALUE, like entropy > 0.9 or class = universal or rate.NAME > 0.01",
        )
    column, sign, value = match.groups()
    compare = _COMPARE[sign]
    number = _number(value)

    def holds(row: dict[str, Any]) -> bool:
        found: Any = row
        for depth, part in enumerate(column.split(".", 1)):
            if not isinstance(found, dict) or part not in found:
                known = list(row) if depth == 0 else list(row[column.split(".", 1)[0]])
                raise UsageError(
                    f"there is no column {column!r}",
                    expected=f"one of {', '.join(known)}",
                    hint=did_you_mean(part, known),
                )
            found = found[part]
        if isinstance(found, str) or found is None or isinstance(found, list):
            return compare(str(found), value) if sign in ("=", "==", "!=") else False
        if number is None:
            raise UsageError(f"{column} is a number", expected="a number", got=value)
        return compare(found, number)

    return holds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
