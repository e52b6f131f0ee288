from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.sae.conftest import FakeStore
from usae_viz.sae import initialisation
from usae_viz.sae.initialisation import first_tokens, spread


def test_each_of_many_clusters_gives_a_row_however_small() -> None:
    sizes = torch.tensor([2000, 5, 5, 5, 5, 5, 5, 5])
    which = torch.arange(len(sizes)).repeat_interleave(sizes)
    generator = torch.Generator().manual_seed(0)
    sample = {}
    for name, dim in (("one", 32), ("two", 24)):
        centres = torch.randn(len(sizes), dim, generator=generator)
        noise = torch.randn(len(which), dim, generator=generator)
        sample[name] = centres[which] + 1e-3 * noise
    chosen = spread(sample, len(sizes), seed=0)["one"]
    rows = (chosen[:, None] == sample["one"]).all(2).float().argmax(1)
    assert sorted(which[rows].tolist()) == list(range(len(sizes)))


def test_what_is_chosen_is_paired_and_the_same_again() -> None:
    store = FakeStore()
    sample = store.sample(400, seed=3)
    chosen = spread(sample, 64, seed=5)
    rows = (chosen["one"][:, None] == sample["one"]).all(2).float().argmax(1)
    assert torch.equal(chosen["one"], sample["one"][rows])
    assert torch.equal(chosen["two"], sample["two"][rows])
    assert torch.equal(chosen["one"], spread(sample, 64, seed=5)["one"])
    assert not torch.equal(chosen["one"], spread(sample, 64, seed=6)["one"])


def test_many_rows_are_chosen_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialisation, "BLOCK", 16)
    sample = {"one": torch.randn(200, 8, generator=torch.Generator().manual_seed(0))}
    for count in (50, 199, 178):
        assert len(spread(sample, count, seed=0)["one"].unique(dim=0)) == count
    short = {"one": sample["one"][:35]}
    assert len(spread(short, 34, seed=0)["one"].unique(dim=0)) == 34


def test_too_few_or_equal_tokens_are_taken_as_they_are() -> None:
    sample = {"one": torch.randn(30, 8, generator=torch.Generator().manual_seed(0))}
    assert torch.equal(spread(sample, 30, seed=0)["one"], sample["one"])
    assert spread({"one": torch.ones(40, 8)}, 10, seed=0)["one"].shape == (10, 8)


def test_no_row_is_made_of_what_is_not_finite() -> None:
    sample = FakeStore().sample(60, seed=0)
    sample["one"][3, 0], sample["two"][5, 1] = torch.nan, torch.inf
    for count in (20, 100):
        chosen = spread(sample, count, seed=0)
        assert len(chosen["one"]) == len(chosen["two"]) == min(count, 58)
        assert all(own.isfinite().all() for own in chosen.values())


def test_how_many_tokens_are_asked_for() -> None:
    asked = []

    class Store(FakeStore):
        def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
            asked.append(tokens)
            return super().sample(tokens, seed=seed)

    assert first_tokens(Store(), 64, "independent", 0) is None
    for init in ("paired", "spread"):
        found = first_tokens(Store(), 64, init, 0)
        assert found is not None
        assert len(found["one"]) == 64
    assert asked == [64, 256]
