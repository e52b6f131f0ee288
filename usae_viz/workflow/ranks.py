"""Which part of a job this process has, as torchrun, Slurm or a person says it."""

from __future__ import annotations

import os
from typing import NamedTuple

from usae_viz.errors import UsageError


class Rank(NamedTuple):
    """This process among those of its job.

    Attributes:
        number: from 0.
        total: how many there are.
        local: number among those on this machine, which is its GPU's.
    """

    number: int = 0
    total: int = 1
    local: int = 0

    def device(self, device: str) -> str:
        """Return the device of this rank: its own GPU, where plain ``cuda`` was asked for."""
        return f"cuda:{self.local}" if device == "cuda" and self.total > 1 else device


def this_rank() -> Rank:
    """Read ``RANK``, ``WORLD_SIZE`` and ``LOCAL_RANK``; one process of its own without them.

    Raises:
        UsageError: they are no numbers, or do not fit together.
    """
    texts = {key: os.environ.get(key) for key in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    if texts["RANK"] is None or texts["WORLD_SIZE"] is None:
        return Rank()
    try:
        number, total = int(texts["RANK"]), int(texts["WORLD_SIZE"])
        local = int(texts["LOCAL_RANK"] or number)
    except ValueError:
        number, total, local = -1, 0, 0
    if not 0 <= number < total:
        raise UsageError(
            "the environment's RANK and WORLD_SIZE do not say which part this process has",
            expected="RANK from 0 to WORLD_SIZE - 1",
            got=", ".join(f"{key}={text}" for key, text in texts.items() if text is not None),
            hint="start it by torchrun, or unset them",
        )
    return Rank(number, total, local)
