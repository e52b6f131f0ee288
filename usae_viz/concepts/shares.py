"""Shares of one pass, counted by many processes that need not speak with one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from usae_viz.concepts.streaming import ConceptPass
from usae_viz.run import Run, write_bytes


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
        """Add up all shares and remove them; None if some are missing, or another rank does it.

        Args:
            empty: makes a pass of the shares' settings.
        """
        if not all(self.file(rank).is_file() for rank in range(self.count)):
            return None
        claimed = self.folder.with_name(f"{self.folder.name}.merging")
        try:
            # Of ranks that end at once, one wins.
            self.folder.rename(claimed)
        except OSError:
            return None
        whole: ConceptPass | None = None
        for rank in range(self.count):
            path = claimed / self.file(rank).name
            tensors = load_file(path)
            ids = [bytes(row).hex() for row in tensors.pop("ids").tolist()]
            part = empty().restore(tensors, ids)
            if whole is None:
                whole = part
            else:
                whole.merge(part)
        for path in claimed.iterdir():
            path.unlink()
        claimed.rmdir()
        return whole
