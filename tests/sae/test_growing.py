from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.sae.conftest import FakeStore, Stats
from tests.sae.test_training import new_run, recipe
from usae_viz.errors import CheckpointError
from usae_viz.sae import UniversalSAE, evaluate_usae, load_usae
from usae_viz.sae.growing import joined
from usae_viz.sae.training import train_usae


class Wider(FakeStore):
    """The same causes seen by a third backbone as well."""

    def __init__(self, *, names: tuple[str, ...] = ("three", "one", "two")) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(77)
        mixed = torch.cat(list(self.rows.values()), 1)
        third = mixed @ torch.randn(26, 14, generator=generator) / 5 + 2
        rows: dict[str, Tensor] = {**self.rows, "three": third}
        self.rows = {name: rows[name] for name in names}

    def statistics(self) -> dict[str, Stats]:
        return dict(super().statistics())


def grown(path: Path, base: UniversalSAE, **training: Any) -> UniversalSAE:
    made = recipe(**training)
    made = made.model_copy(
        update={
            "backbones": tuple(
                made.backbones[0].model_copy(update={"name": name})
                for name in ("three", "one", "two")
            )
        }
    )
    run = new_run(path, made)
    train_usae(run, made, Wider(), base=base, resume=True)
    return load_usae(run)


@pytest.fixture
def base(tmp_path: Path) -> UniversalSAE:
    made = recipe(steps=400, lr=3e-3)
    run = new_run(tmp_path / "base", made)
    train_usae(run, made, FakeStore())
    return load_usae(run)


def test_what_is_there_stays_and_the_new_backbone_is_explained(
    tmp_path: Path, base: UniversalSAE
) -> None:
    usae = grown(tmp_path / "grown", base, steps=400, lr=3e-3)
    assert usae.names == ("three", "one", "two")
    for name in base.names:
        assert torch.equal(usae.rows(name), base.rows(name))
        assert torch.equal(usae.encoder(name)[0], base.encoder(name)[0])
        assert torch.equal(usae.mean(name), base.mean(name))
    store = Wider()
    r2 = np.array(evaluate_usae(usae, [store.rows])[0]["r2"]["channel"])
    before = np.array(evaluate_usae(base, [FakeStore().rows])[0]["r2"]["channel"])
    np.testing.assert_allclose(r2[1:, 1:], before, atol=1e-6)
    # Itself, from the others, and to the others.
    assert r2[0, 0] > 0.7
    assert r2[1:, 0].min() > 0.5
    assert r2[0, 1:].min() > 0.5


def test_a_model_that_does_not_fit_is_refused(base: UniversalSAE) -> None:
    dims = {"one": 10, "two": 16}
    with pytest.raises(CheckpointError, match="no further backbone"):
        joined(base, UniversalSAE(dims, 32, 4))
    with pytest.raises(CheckpointError, match=r"(?s)concepts 32.*concepts 64"):
        joined(base, UniversalSAE({**dims, "three": 5}, 64, 4))
    with pytest.raises(CheckpointError, match="two missing"):
        joined(base, UniversalSAE({"one": 10, "three": 5}, 32, 4))
