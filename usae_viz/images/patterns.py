"""Many shards by one name: ``{000..146}`` and ``*``, as shells and WebDataset write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from usae_viz.errors import ImageSourceError


def shard_paths(where: str) -> list[str]:
    """Return the tar files that ``where`` names, sorted.

    Raises:
        ImageSourceError: there is none, or one of a range is missing.
    """
    if where and Path(where).is_dir():
        found = [str(path) for path in Path(where).rglob("*.tar")]
    else:
        found = []
        for pattern in _ranges(where):
            matches = _matches(pattern)
            if not matches:
                raise ImageSourceError(
                    f"there is no shard {pattern!r}",
                    expected="tar:PATH with a tar file, a folder of them, or a pattern with * or "
                    "{000..146}",
                )
            found += map(str, matches)
    if not found:
        raise ImageSourceError(f"{where} holds no tar file", expected="files ending in .tar")
    return sorted({str(Path(path).resolve()) for path in found})


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_file():  # its name may hold characters that are signs in a pattern
        return [path]
    below = path.relative_to(path.anchor)
    return list(Path(path.anchor).glob(str(below))) if below.parts else []


def _ranges(pattern: str) -> Iterator[str]:
    """Expand ``{000..146}`` and ``{a,b}`` as shells and WebDataset do."""
    found = re.search(r"\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}", pattern)
    if found is None:
        yield pattern
        return
    first, last, names = found.groups()
    parts = (
        names.split(",")
        if names
        else [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    )
    for part in parts:
        yield from _ranges(pattern[: found.start()] + part + pattern[found.end() :])
