"""How much memory a process has held."""

from __future__ import annotations

import resource
import sys


def megabytes() -> float:
    """Return the largest resident set of this process so far, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1024)
