"""Several processes that train together end where one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.sae.conftest import FakeStore
from tests.sae.test_training import held_out, new_run, recipe
from tests.sae.two_ranks import SETTINGS, SHARDED, TRAINED, DoubleStore
from usae_viz.errors import UsageError
from usae_viz.run import open_run
from usae_viz.sae import load_usae
from usae_viz.sae.modes import OURS, PAPER
from usae_viz.sae.ranks import Ranks
from usae_viz.sae.sharding import refuse
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


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that two processes trained together: ours, paper, and with concepts sharded."""
    folder = tmp_path_factory.mktemp("two")
    torchrun(ROOT / "tests" / "sae" / "two_ranks.py", folder)
    return folder


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
def test_two_ranks_with_unequal_shares_end_where_one_does(tmp_path: Path, two: Path) -> None:
    for name, usae in TRAINED.items():
        made = recipe(**SETTINGS, usae=usae)
        store, run = DoubleStore(), new_run(tmp_path / "one" / name, made)
        train_usae(run, made, store, held_out=held_out(store))
        one, both = load_usae(run), load_usae(open_run(two / name))
        for key, value in one.state_dict().items():
            torch.testing.assert_close(both.state_dict()[key], value, rtol=1e-6, atol=1e-6)
        logs = [(path / name / "training.jsonl").read_text() for path in (tmp_path / "one", two)]
        steps = [[json.loads(line)["step"] for line in log.splitlines()] for log in logs]
        assert steps[0] == steps[1]


def test_concepts_sharded_over_two_ranks_are_those_of_one(tmp_path: Path, two: Path) -> None:
    made = recipe(**{**SHARDED, "parallel": "data"})
    store, run = FakeStore(), new_run(tmp_path, made)
    train_usae(run, made, store, held_out=held_out(store))
    sharded = open_run(two / "sharded")
    one, whole = load_usae(run), load_usae(sharded)
    assert whole.concepts == 23
    for key, value in one.state_dict().items():
        torch.testing.assert_close(whole.state_dict()[key], value, rtol=1e-5, atol=1e-5)
    # It was interrupted and resumed; its parts are gone.
    lines = sharded.training_log.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [20, 25, 40, 50]
    assert not list(sharded.path.glob("training.state*"))


def test_what_looks_at_all_concepts_cannot_be_sharded() -> None:
    with pytest.raises(UsageError, match="BatchNorm encoders cannot be sharded"):
        refuse(PAPER)
    refuse(OURS)


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
