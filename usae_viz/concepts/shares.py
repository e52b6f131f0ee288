"""Shares of one pass, counted by many processes that need not speak with one another."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from usae_viz.concepts.streaming import ConceptPass
from usae_viz.run import Run, write_bytes


def forget_shares(run: Run) -> None:
    """Remove what ranks of unfinished jobs have counted: the index is written without them."""
    for folder in run.index_file.parent.glob("shares-*"):
        shutil.rmtree(folder, ignore_errors=True)


class Shares:
    """Files of what each rank gathered; whoever finds them all adds them up.

    Args:
        run: where they lie until then.
        job: what decides their content (checkpoint, settings, images): plain JSON values. Shares
            of another job are not touched.
        count: how many there are.
    """

    def __init__(self, run: Run, job: list[Any], count: int) -> None:
        digest = hashlib.sha256(json.dumps([*job, count]).encode()).hexdigest()[:12]
        self.folder, self.count = run.index_file.parent / f"shares-{digest}", count

    def file(self, rank: int) -> Path:
        """Return the file of a rank's share."""
        return self.folder / f"{rank:05d}-of-{self.count:05d}.safetensors"

    def write(self, rank: int, gathered: ConceptPass) -> None:
        """Write a rank's share, whole or not at all."""
        tensors, ids = gathered.state()
        # Of few images a rank may have none.
        hashes = torch.tensor(
            [list(bytes.fromhex(image_id)) for image_id in ids], dtype=torch.uint8
        )
        write_bytes(self.file(rank), save({**tensors, "ids": hashes}))

    def merge(self, empty: Callable[[], ConceptPass]) -> ConceptPass | None:
        """Add up all shares; None if some are missing.

        Args:
            empty: makes a pass of the shares' settings.
        """
        if not all(self.file(rank).is_file() for rank in range(self.count)):
            return None
        whole: ConceptPass | None = None
        for rank in range(self.count):
            tensors = load_file(self.file(rank))
            ids = [bytes(row).hex() for row in tensors.pop("ids").tolist()]
            part = empty().restore(tensors, ids)
            if whole is None:
                whole = part
            else:
                whole.merge(part)
        return whole

    def remove(self) -> None:
        """Remove the shares; only when what they were counted for is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
