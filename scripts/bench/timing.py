"""Timing two pieces of work side by side: alternately, in one process, as a ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table."""

    work: str
    """What was timed, in words."""
    against: str
    """The peer or the floor: a name of the contract in DESIGN.md, or `python`."""
    ratio: float
    """Our time over theirs, median over the rounds: below 1 is faster."""
    low: float
    """Smallest ratio of a round."""
    high: float
    """Largest ratio of a round."""
    ours_ms: float
    """Our time, median, in milliseconds."""
    theirs_ms: float
    """Their time, median, in milliseconds."""


def seconds(work: Work) -> float:
    """Return how long one call takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def row_of(
    work: str, against: str, ours: Sequence[float], theirs: Sequence[float], scale: float = 1.0
) -> Row:
    """Return a row from seconds measured round by round.

    Args:
        work: what was timed.
        against: the peer or the floor.
        ours: our seconds, one a round.
        theirs: their seconds in the same rounds.
        scale: their units of work per unit of ours, where a call of each does not do the same
            amount (for example tokens of their batch over tokens of ours, inverted).
    """
    ratios = [a / b * scale for a, b in zip(ours, theirs, strict=True)]
    return Row(
        work=work,
        against=against,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        ours_ms=1e3 * statistics.median(ours),
        theirs_ms=1e3 * statistics.median(theirs),
    )


def compare(
    work: str,
    ours: Work,
    against: str,
    theirs: Work,
    *,
    rounds: int = 7,
    warm_up: int = 1,
    scale: float = 1.0,
) -> Row:
    """Time `ours` and `theirs` alternately and return the ratio.

    The order changes each round, so that neither side always finds the caches of the other.
    """
    for _ in range(warm_up):
        ours()
        theirs()
    mine: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        first, second = ((ours, mine), (theirs, other))[:: 1 if number % 2 == 0 else -1]
        for work_of, times in (first, second):
            times.append(seconds(work_of))
    return row_of(work, against, mine, other, scale)
