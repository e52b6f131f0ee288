"""Several processes that train together end where one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.sae.conftest import FakeStore
from tests.sae.test_training import held_out, new_run, recipe
from tests.sae.two_ranks import SETTINGS
from usae_viz.errors import UsageError
from usae_viz.run import open_run
from usae_viz.sae import load_usae
from usae_viz.sae.ranks import Ranks
from usae_viz.sae.training import train_usae

ROOT = Path(__file__).parent.parent.parent


def torchrun(*words: str | Path, ranks: int = 2) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*command, "--standalone", *map(str, words)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_two_ranks_with_unequal_shares_end_where_one_does(tmp_path: Path) -> None:
    torchrun(ROOT / "tests" / "sae" / "two_ranks.py", tmp_path / "two")
    for mode in ("ours", "paper"):
        made = recipe(**SETTINGS, usae={"mode": mode})
        store, run = FakeStore(), new_run(tmp_path / "one" / mode, made)
        train_usae(run, made, store, held_out=held_out(store))
        one, two = load_usae(run), load_usae(open_run(tmp_path / "two" / mode))
        for key, value in one.state_dict().items():
            torch.testing.assert_close(two.state_dict()[key], value, rtol=1e-6, atol=1e-6)
        logs = [(tmp_path / n / mode / "training.jsonl").read_text() for n in ("one", "two")]
        steps = [[json.loads(line)["step"] for line in log.splitlines()] for log in logs]
        assert steps[0] == steps[1]


def test_shares_are_all_of_the_batch_and_weights_make_means_exact() -> None:
    batch = {"one": torch.arange(7.0)[:, None], "two": -torch.arange(7.0)[:, None]}
    ranks = [Ranks(number, 3) for number in range(3)]
    shares = [rank.share_of(batch) for rank in ranks]
    assert torch.equal(torch.cat([share["two"] for share in shares]), batch["two"])
    means = [
        rank.weight / 3 * share["one"].mean() for rank, share in zip(ranks, shares, strict=True)
    ]
    torch.testing.assert_close(sum(means), batch["one"].mean())


def test_a_batch_smaller_than_the_ranks_is_refused() -> None:
    with pytest.raises(UsageError, match="smaller than the number of processes"):
        Ranks(0, 4).share_of({"one": torch.zeros(3, 2)})
