"""Concepts as a person writes them: ``7,12,30-40``."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from typing import Any, SupportsIndex

from usae_viz.errors import ConceptError

MOST = 10_000_000
"""No dictionary is as large."""


def parse_concepts(text: str) -> list[int]:
    """Return the concepts that a text like ``7,12,30-40`` names, in order, each once.

    Raises:
        ConceptError: the text cannot be read, or a range runs backwards.
    """
    chosen: dict[int, None] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", part)
        if match is None:
            raise ConceptError(
                f"{text!r} names no concepts", expected="numbers and ranges, like 7,12,30-40"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ConceptError(f"the range {part.strip()} runs backwards", expected="LOW-HIGH")
        if last >= MOST:
            raise ConceptError(f"there is no concept {last}", expected=f"numbers below {MOST}")
        chosen.update(dict.fromkeys(range(first, last + 1)))
    return list(chosen)


def concept_numbers(concepts: SupportsIndex | Iterable[SupportsIndex] | str) -> list[int]:
    """Return the concepts that a number, several, or a text name, in order, each once.

    Numbers may be numpy's or torch's.

    Raises:
        ConceptError: something is no whole number, or the text cannot be read.
    """
    if isinstance(concepts, str):
        return parse_concepts(concepts)
    try:
        # Arrays and tensors of no dimension pass for iterable.
        several = isinstance(concepts, Iterable) and getattr(concepts, "ndim", 1) > 0
        asked: Any = concepts if several else [concepts]
        return list(dict.fromkeys(map(operator.index, asked)))
    except TypeError:
        raise ConceptError(
            f"{concepts!r} names no concepts", expected="whole numbers, or a text like 7,12,30-40"
        ) from None
