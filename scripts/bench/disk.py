"""A folder for files that are timed."""

from __future__ import annotations

import tempfile
from pathlib import Path


def folder_on_disk() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed in the end, on the disk that holds the checkout.

    Not in /tmp, which may be memory, and under build/, where git does not look: a benchmark that is
    killed leaves it behind.
    """
    build = Path("build")
    build.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=build)
