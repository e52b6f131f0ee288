"""Numbers and lists as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence

NARROW = "\u202f"
"""Narrow no-break space, between a number and its unit."""

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float | None) -> str:
    """Write a share: two digits that matter, at most two decimals; a dash for None."""
    if share is None:
        return "–"
    value = 100 * share
    decimals = 0 if abs(value) >= 9.95 or value == 0 else 1 if abs(value) >= 0.995 else 2
    return f"{value:,.{decimals}f}{NARROW}%".replace("-", "−")


def number(value: float | None) -> str:
    """Write a quantity with three digits that matter; a dash for None."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace("-", "−")
    if abs(value) < 0.001:
        mantissa, exponent = f"{value:.1e}".split("e")
        power = str(int(exponent)).translate(_SUPERSCRIPT)
        return f"{mantissa}·10{power}".replace("-", "−")
    decimals = 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:.{decimals}f}".replace("-", "−")


def counted(count: int) -> str:
    """Write a count: in words up to nine."""
    return _WORDS[count] if 0 <= count < len(_WORDS) else f"{count:,}"


def listed(names: Sequence[str]) -> str:
    """Write names as ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(text: str, length: int) -> str:
    """Cut text to at most `length` characters, the last of them an ellipsis where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
