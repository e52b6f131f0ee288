"""Planted dictionaries whose match is known, copies that are permuted, and noise."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from usae_viz.concepts.comparison import (
    FEWEST,
    Dictionary,
    agreement,
    best_of,
    mean_figures,
    without_counterpart,
)
from usae_viz.sae.consistency import correlations, cosines, match

TOKENS, CONCEPTS, DIM = 2000, 24, 64


def dictionary(seed: int, concepts: int = CONCEPTS, rate: float = 0.05) -> Dictionary:
    random = np.random.default_rng(seed)
    rows = torch.from_numpy(random.normal(size=(concepts, DIM)).astype(np.float32))
    fires = (random.random((TOKENS, concepts)) < rate).astype(np.float32)
    return Dictionary(rows, csr_matrix(fires))


def permuted(one: Dictionary, order: NDArray[np.int64]) -> Dictionary:
    return Dictionary(one.rows[torch.from_numpy(order)] * 3, one.fires[:, order])


def joined(left: Dictionary, right: Dictionary) -> Dictionary:
    fires = np.concatenate([left.fires.toarray(), right.fires.toarray()], 1)
    return Dictionary(torch.cat([left.rows, right.rows]), csr_matrix(fires))


def test_a_permuted_copy_is_the_same_dictionary() -> None:
    one = dictionary(1)
    order = np.random.default_rng(2).permutation(CONCEPTS)
    found = agreement(one, permuted(one, order))
    assert found.figures["concepts"] == CONCEPTS
    for kind, other in (("rows", "firing"), ("firing", "cosine")):
        assert found.figures[kind]["share"] == 1
        assert found.figures[kind]["mean"] == pytest.approx(1, abs=1e-5)
        assert found.figures[kind][other] == pytest.approx(1, abs=1e-5)
    assert found.figures["lone"] == 0
    firing = correlations(one.fires, permuted(one, order).fires)
    assert match(firing).columns.tolist() == np.argsort(order).tolist()


def test_noise_agrees_by_chance_only() -> None:
    found = agreement(dictionary(1), dictionary(2)).figures
    assert found["rows"]["share"] == found["firing"]["share"] == 0
    # The best of 24 out of N(0, 1 / 64) and N(0, 1 / 2000), one to one.
    assert found["rows"]["mean"] < 3 / DIM**0.5
    assert 0 < found["firing"]["mean"] < 3 / TOKENS**0.5
    assert found["lone"] == 1


def test_concepts_that_only_one_holds_are_named() -> None:
    both, mine, theirs = dictionary(1), dictionary(2, 6), dictionary(3, 9)
    order = np.random.default_rng(4).permutation(CONCEPTS + 9)
    one, other = joined(both, mine), permuted(joined(both, theirs), order)
    found = agreement(one, other)
    assert found.figures["rows"]["share"] == pytest.approx(CONCEPTS / (CONCEPTS + 6))
    assert found.figures["lone"] == pytest.approx(6 / (CONCEPTS + 6))
    assert np.flatnonzero(found.nearest.lone()).tolist() == list(range(CONCEPTS, CONCEPTS + 6))
    asked = np.ones(CONCEPTS + 6, dtype=bool)
    asked[-1] = False
    # What any independent SAE of any backbone holds has a counterpart.
    lone = without_counterpart({"a": found.nearest, "b": found.nearest}, asked)
    assert sorted(row["id"] for row in lone) == list(range(CONCEPTS, CONCEPTS + 5))
    assert all(set(row["cosine"]) == {"a", "b"} for row in lone)
    nearest = best_of([found.nearest, agreement(one, one).nearest])
    assert without_counterpart({"a": found.nearest, "b": nearest}, asked) == []


def test_rows_alone_or_firing_alone_make_a_counterpart() -> None:
    one, noise = dictionary(1), dictionary(2)
    rows_only = Dictionary(one.rows, noise.fires)
    firing_only = Dictionary(noise.rows, one.fires)
    by_rows, by_firing = (agreement(one, each).figures for each in (rows_only, firing_only))
    assert by_rows["rows"]["share"] == by_firing["firing"]["share"] == 1
    assert by_rows["firing"]["share"] == by_firing["rows"]["share"] == 0
    # The cross figures say that the two do not go together.
    assert by_rows["rows"]["firing"] == pytest.approx(0, abs=0.05)
    assert by_firing["firing"]["cosine"] == pytest.approx(0, abs=0.1)
    assert by_rows["lone"] == by_firing["lone"] == 0


def test_concepts_that_hardly_fire_are_left_out() -> None:
    one = dictionary(1)
    fires = one.fires.toarray()
    fires[:, 3] = 0
    fires[: FEWEST - 1, 5] = 1
    fires[FEWEST - 1 :, 5] = 0
    quiet = Dictionary(one.rows, csr_matrix(fires))
    assert sorted(set(range(CONCEPTS)) - set(quiet.living().tolist())) == [3, 5]
    found = agreement(quiet, one)
    assert found.figures["concepts"] == CONCEPTS - 2
    assert np.flatnonzero(np.isnan(found.nearest.cosine)).tolist() == [3, 5]
    assert without_counterpart({"a": found.nearest}, np.ones(CONCEPTS, dtype=bool)) == []
    silent = Dictionary(one.rows, csr_matrix(fires.shape, dtype=np.float32))
    assert agreement(one, silent).figures["lone"] == 1
    assert agreement(silent, one).figures["concepts"] == 0


def test_correlations_are_numpys_and_matchings_the_best_there_are() -> None:
    random = np.random.default_rng(5)
    one = random.exponential(size=(300, 5)) * (random.random((300, 5)) < 0.3)
    other = random.exponential(size=(300, 6)) * (random.random((300, 6)) < 0.3)
    other[:, 0] = one[:, 1] + 0.1 * other[:, 0]
    other[:, 5] = 0
    found = correlations(csr_matrix(one), csr_matrix(other))
    expected = np.corrcoef(one.T, other[:, :5].T)[:5, 5:]
    np.testing.assert_allclose(found[:, :5], expected, atol=1e-5)
    assert (found[:, 5] == 0).all()
    best = max(
        sum(found[i, j] for i, j in enumerate(columns)) for columns in permutations(range(6), 5)
    )
    assert found[match(found)].sum() == pytest.approx(best, abs=1e-5)
    rows = torch.randn(4, 7, generator=torch.Generator().manual_seed(6))
    assert cosines(rows, -2 * rows).diagonal() == pytest.approx(-1)


def test_means_are_taken_key_by_key() -> None:
    tables = [{"a": 1.0, "b": {"c": 2.0}}, {"a": 3.0, "b": {"c": 5.0}}]
    assert mean_figures(tables) == {"a": 2.0, "b": {"c": 3.5}}
