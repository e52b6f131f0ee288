"""Run by ``torchrun`` from `test_ranks`: trains on this rank's share and writes the model."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tests.sae.conftest import FakeStore
from tests.sae.test_training import held_out, new_run, recipe
from usae_viz.run import open_run
from usae_viz.sae.ranks import open_ranks
from usae_viz.sae.training import train_usae


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with open_ranks("cpu") as ranks:
        for mode in ("ours", "paper"):
            made = recipe(**SETTINGS, usae={"mode": mode})
            path = folder / mode
            if ranks.first:
                new_run(path, made)
            ranks.wait()
            store = FakeStore()
            train_usae(open_run(path), made, store, held_out=held_out(store), ranks=ranks)
            ranks.wait()


SETTINGS = {"steps": 50, "batch_tokens": 255, "validate_every": 25, "patience": 5}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
