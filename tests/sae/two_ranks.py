"""Run by ``torchrun`` from `test_ranks`: trains on this rank's share and writes the model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.sae.conftest import FakeStore
from tests.sae.test_training import held_out, new_run, recipe
from usae_viz.run import open_run
from usae_viz.sae.ranks import open_ranks
from usae_viz.sae.training import train_usae


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    with open_ranks("cpu") as ranks:
        for name, usae in TRAINED.items():
            made = recipe(**SETTINGS, usae=usae)
            path = folder / name
            if ranks.first:
                new_run(path, made)
            ranks.wait()
            store = DoubleStore()
            train_usae(open_run(path), made, store, held_out=held_out(store), ranks=ranks)
            ranks.wait()
        torch.set_default_dtype(torch.float32)
        made = recipe(**SHARDED)
        if ranks.first:
            new_run(folder / "sharded", made)
        ranks.wait()
        run, store = open_run(folder / "sharded"), FakeStore()
        try:
            train_usae(run, made, BreaksAt(31), held_out=held_out(store), ranks=ranks)
        except KeyboardInterrupt:
            train_usae(run, made, store, held_out=held_out(store), ranks=ranks, resume=True)
        ranks.wait()


class DoubleStore(FakeStore):
    """Gives tokens in double precision: in single, Adam turns rounding into steps of its rate."""

    def token_batches(self, *args: Any, **kwargs: Any) -> Iterator[dict[str, Tensor]]:
        for batch in super().token_batches(*args, **kwargs):
            yield {name: tokens.double() for name, tokens in batch.items()}


class BreaksAt(FakeStore):
    """Interrupts the training at a batch."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def token_batches(self, *args: Any, **kwargs: Any) -> Iterator[dict[str, Tensor]]:
        for number, batch in enumerate(super().token_batches(*args, **kwargs)):
            if number == self.number:
                raise KeyboardInterrupt
            yield batch


SETTINGS = {"steps": 50, "batch_tokens": 255, "validate_every": 25, "patience": 5}

TRAINED = {
    "ours": {"mode": "ours"},
    "paper": {"mode": "paper"},
    "batchtopk": {"variant": "batchtopk"},
    "jumprelu": {"variant": "jumprelu"},
}

SHARDED = {
    **SETTINGS,
    "parallel": "concepts",
    "checkpoint_every": 20,
    # A vote's shortlist is found in bfloat16 by one rank, and not where concepts are sharded.
    "precision": "float32",
    # Shares of 11 and 12 concepts.
    "usae": {"concepts": 23, "k": 5, "agreement": 0.3},
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
