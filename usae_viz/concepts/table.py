"""The concept index as rows to sort, filter and print."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from usae_viz.concepts.index import ConceptIndex, load_index
from usae_viz.concepts.names import ConceptName, concept_names
from usae_viz.errors import UsageError, did_you_mean
from usae_viz.run import Run

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    "~": lambda found, text: text.lower() in str(found or "").lower(),
}
_CONDITION = re.compile(r"\s*([\w.-]+)\s*(>=|<=|!=|==|=|~|>|<)\s*(\"[^\"]*\"|'[^']*'|[\w.:+-]+)\s*")

Row = dict[str, Any]


def concept_table(run: Run, *, dead: bool = False) -> list[Row]:
    """Return a tidy table of a run's concepts: ``pandas.DataFrame(uv.concept_table(run))``.

    One flat row a concept, in the order of their numbers; columns that differ by backbone are
    dotted (``rate.vit``), and ``shared_by`` is text.

    Args:
        run: an indexed run.
        dead: keep the dead ones too.

    Raises:
        RunError: the run is not indexed, or its names file cannot be read.
    """
    rows = concept_rows(load_index(run), sort="id", names=concept_names(run), dead=dead)
    return [_flat(row) for row in rows]


def concept_rows(
    index: ConceptIndex,
    *,
    sort: str = "correlation",
    where: str | None = None,
    names: Mapping[int, ConceptName] | None = None,
    dead: bool = False,
) -> list[Row]:
    """Return one row per living concept, as the ``concepts`` JSON contract has them.

    Keys: ``id``, ``name``, ``named_by`` and ``note`` (None where there are none), ``class``
    (universal, shared, unique, dense, dead), ``shared_by``, ``energy`` (mean over backbones,
    standardised units), ``entropy``, ``cofire`` with its interval ``cofire_low`` and
    ``cofire_high``, ``image_cofire``, ``lift``, ``correlation`` (smallest over pairs), ``twin``
    (the closest near-duplicate or None), ``label`` (where images carry labels, the one of highest
    lift over its own rate) with ``label_share``; per backbone ``rate``, ``rate_low``,
    ``rate_high``, ``image_rate``, ``mean``, ``std``, ``maximum``, ``natural``; and the map's ``x``
    and ``y``. ``id`` and texts sort upwards, the rest downwards.

    Args:
        index: the concept index.
        sort: a column, dotted where it differs by backbone; such a one undotted sorts by its
            largest value.
        where: conditions joined by ``and`` and ``or``, like ``entropy > 0.9 and rate.vit > 0.01``;
            ``~`` asks whether a text holds another.
        names: of concepts, see `concept_names`.
        dead: keep the dead ones too.

    Raises:
        UsageError: an unknown column, or a condition that cannot be read.
    """
    named = names or {}
    chosen = [k for k in range(index.concepts) if dead or not index.dead[k]]
    shown = _Columns(index)
    rows = [shown.row(k, named.get(k)) for k in chosen]
    known = [*rows[0], *_flat(rows[0])] if rows else []
    if rows and sort not in known:
        raise UsageError(
            f"concepts cannot be sorted by {sort!r}",
            expected=f"one of {', '.join(dict.fromkeys(known))}",
            hint=did_you_mean(sort, known),
        )
    if where is not None:
        either = [
            [_condition(part) for part in re.split(r"\s+and\s+|,", each)]
            for each in re.split(r"\s+or\s+", where)
        ]
        rows = [row for row in rows if any(all(holds(row) for holds in all_) for all_ in either)]
    return sorted(rows, key=lambda row: _order(row, sort))


def _order(row: Row, sort: str) -> tuple[int, float, str]:
    value = row[sort] if sort in row else _flat(row)[sort]
    if isinstance(value, dict):
        value = max(value.values())
    if sort == "id":
        return (0, value, "")
    if isinstance(value, int | float):
        return (0, -value, "")
    return (1, 0, "\uffff" if value is None else str(value))


def _flat(row: Row) -> Row:
    flat: Row = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = ", ".join(value) if isinstance(value, list) else value
    return flat


class _Columns:
    """The index's arrays as columns, each made once."""

    def __init__(self, index: ConceptIndex) -> None:
        self.index = index
        low, high = index.intervals["rate"]
        self.by_backbone = {
            "rate": index.rate,
            "rate_low": low,
            "rate_high": high,
            "image_rate": index.image_rate,
            "mean": index.mean,
            "std": np.sqrt(index.variance),
            "maximum": index.maximum,
            "natural": index.natural_score,
        }
        self.plain = {
            "energy": index.energy.mean(0),
            "entropy": index.entropy,
            "cofire": index.cofire,
            "cofire_low": index.intervals["cofire"][0],
            "cofire_high": index.intervals["cofire"][1],
            "image_cofire": index.counts.image_cofire().min(0),
            "lift": index.lift,
            "correlation": index.worst_correlation(),
        }
        # The label that firing makes most likelier, over the backbones.
        self.share = index.label_share.mean(0)
        self.favour = self.share / index.label_rate[:, None].clip(1e-9)

    def row(self, k: int, named: ConceptName | None) -> Row:
        index = self.index
        label = int(self.favour[:, k].argmax()) if index.labels else None
        place = index.place[k].tolist()
        return {
            "id": k,
            "name": named.name or None if named else None,
            "named_by": named.source if named and named.name else None,
            "note": named.note or None if named else None,
            "class": index.kind(k),
            "shared_by": index.sharing(k),
            **{key: float(values[k]) for key, values in self.plain.items()},
            "twin": int(index.twin[k]) if index.twin[k] >= 0 else None,
            "label": None if label is None else index.labels[label],
            "label_share": None if label is None else float(self.share[label, k]),
            **{
                key: {n: float(values[i, k]) for i, n in enumerate(index.names)}
                for key, values in self.by_backbone.items()
            },
            "x": None if index.dead[k] else place[0],
            "y": None if index.dead[k] else place[1],
        }


def _condition(text: str) -> Callable[[Row], bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"the condition {text.strip()!r} cannot be read",
            expected="COLUMN OP VALUE, like entropy > 0.9 or class = universal or rate.NAME > 0.01",
        )
    column, sign, value = match.groups()
    value = value.strip("\"'")
    compare = _COMPARE[sign]
    number = _number(value)

    def holds(row: Row) -> bool:
        found = cell(row, column)
        if isinstance(found, dict):
            raise UsageError(
                f"{column} differs by backbone",
                expected=f"one of {', '.join(f'{column}.{name}' for name in found)}",
            )
        if sign == "~":
            return compare(found, value)
        if isinstance(found, str) or found is None or isinstance(found, list):
            text = ", ".join(found) if isinstance(found, list) else str(found)
            return compare(text, value) if sign in ("=", "==", "!=") else False
        if number is None:
            raise UsageError(f"{column} is a number", expected="a number", got=value)
        return compare(found, number)

    return holds


def cell(row: Row, column: str) -> Any:
    """Return a value of a row by its column, dotted or not.

    Raises:
        UsageError: there is no such column; a suggestion comes with it.
    """
    found: Any = row
    for part in column.split(".", 1):
        if not isinstance(found, dict) or part not in found:
            known = [*_flat(row), *row]
            raise UsageError(
                f"there is no column {column!r}",
                expected=f"one of {', '.join(dict.fromkeys(known))}",
                hint=did_you_mean(column, known),
            )
        found = found[part]
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
