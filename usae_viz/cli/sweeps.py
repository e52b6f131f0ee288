"""Several settings in one command: ``--set usae.concepts=1024,2048 --set usae.k=16,32``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from usae_viz.errors import UsageError

SWEPT = ("usae.", "training.", "seed")
"""Keys that may be given several values: no text of theirs holds a comma, and none changes what
is extracted, so that one store serves all."""


def sweep_points(sets: Sequence[str]) -> dict[str, list[str]]:
    """Return the overrides of every combination, by the name of its folder.

    Args:
        sets: ``key=value`` texts; of keys in `SWEPT`, several values parted by commas.

    Returns:
        ``{"concepts=1024,k=16": [overrides], …}``; one entry with an empty name where no key has
        several values.

    Raises:
        UsageError: a value is empty, or given twice; a key has several values and is given again.
    """
    choices: list[list[tuple[str, str]]] = []
    varied: dict[str, bool] = {}
    for text in sets:
        key, sign, value = text.partition("=")
        key = key.strip()
        values = [value]
        if sign and key.startswith(SWEPT) and not value.strip().startswith(("[", "'", '"')):
            values = [part.strip() for part in value.split(",")]
        if len(values) > 1 and ("" in values or len(set(values)) < len(values)):
            raise UsageError(
                f"--set {text} gives several values of which one is empty or there twice",
                expected="for example usae.k=16,32",
            )
        several = len(values) > 1
        if key in varied and (several or varied[key]):
            raise UsageError(
                f"--set gives {key} several values, and another one as well",
                expected="a key that is varied once",
                got=text,
            )
        varied[key] = several
        short = key.rpartition(".")[2]
        choices.append(
            [(f"{short}={v}" if several else "", f"{key}={v}" if sign else text) for v in values]
        )
    points = {}
    for point in product(*choices):
        name = ",".join(label for label, _ in point if label)
        points[name] = [override for _, override in point]
    return points


def of_the_store(sets: Sequence[str]) -> list[str]:
    """Return the overrides that decide what is extracted: those that cannot be varied."""
    return [text for text in sets if not text.strip().startswith(SWEPT)]
