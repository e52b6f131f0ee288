"""Settings behind a source's name: ``NAME,key=value,…``."""

from __future__ import annotations

import re
import tomllib
from typing import Any

# The first comma that a key and a sign of equality follow.
FIRST = re.compile(r",(?=[A-Za-z_]\w*=)")


def read_settings(where: str) -> tuple[str, dict[str, Any]]:
    """Split ``NAME,key=value,…``; values are read as TOML, bare words are text."""
    name, *parts = FIRST.split(where)
    return name, {part.partition("=")[0]: _value(part.partition("=")[2]) for part in parts}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
