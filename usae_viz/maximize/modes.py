"""The modes: which pictures are made of a concept, and what each backbone does to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from usae_viz.errors import UsageError

MODES = {
    "per-model": "an image per backbone",
    "shared": "one image for all backbones",
    "contrast": "an image per backbone that the others are not to see it in",
    "accentuate": "a photograph, changed as little as each backbone allows",
    "diverse": "several images per backbone that differ",
}
"""What each mode makes of a concept, in words."""
SHARED = "shared"
"""Name of the one picture that all backbones share."""


@dataclass(frozen=True)
class Row:
    """One picture of a concept: a row of its transfer matrix.

    Attributes:
        name: the backbone that it is of, or ``shared``.
        raised: backbones in which it raises the concept; no backbone is raised by two rows.
        lowered: backbones in which it keeps the concept down.
    """

    name: str
    raised: tuple[str, ...]
    lowered: tuple[str, ...] = ()


def rows_of(
    mode: str,
    names: Sequence[str],
    chosen: Sequence[str] | None = None,
    against: Sequence[str] | None = None,
) -> tuple[Row, ...]:
    """Return the pictures that a mode makes of every concept.

    Args:
        mode: a key of `MODES`.
        names: all backbones.
        chosen: those to raise the concept in; default: all.
        against: contrast only: those to keep it down in; default: all but the one raised.

    Raises:
        UsageError: the mode needs two backbones, or `against` makes no sense in it.
    """
    raised = [name for name in names if not chosen or name in chosen]
    if mode == "shared" and len(raised) < 2:
        raise UsageError(
            "shared mode needs two backbones to share a picture",
            expected="two or more" + (" of " + ", ".join(names) if len(names) > 1 else ""),
            got=", ".join(raised),
            hint="leave --backbone away, or use per-model mode",
        )
    if mode == "contrast":
        return tuple(_contrasted(name, names, against) for name in raised)
    if against:
        raise UsageError(f"against has no meaning in {mode} mode", hint="use it with contrast mode")
    if mode == "shared":
        return (Row(SHARED, tuple(raised)),)
    return tuple(Row(name, (name,)) for name in raised)


def _contrasted(name: str, names: Sequence[str], against: Sequence[str] | None) -> Row:
    lowered = tuple(other for other in names if other in (against or names) and other != name)
    if against and name in against:
        raise UsageError(
            f"contrast mode cannot raise and keep down a concept in {name} at once",
            expected="other backbones to raise it in than to keep it down in",
            hint="name the one to raise it in with --backbone, the other with --against",
        )
    if not lowered:
        raise UsageError(
            "contrast mode needs two backbones",
            expected="one to raise a concept in and one to keep it down in",
            got=name,
        )
    return Row(name, (name,), lowered)
