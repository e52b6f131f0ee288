"""The paper's relations against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from usae_viz.sae import CodeStatistics, SparseCode, UniversalSAE
from usae_viz.sae.relations import log_correlation, relations, strongest

CONCEPTS = 8


def counted() -> tuple[UniversalSAE, CodeStatistics]:
    """Concepts 0–2 fire in both backbones alike, 3 twice as often in one as in the other, 4 in one
    only; 5–7 never. The lower the number, the stronger."""
    usae = UniversalSAE({"a": 4, "b": 4}, CONCEPTS, CONCEPTS)
    with torch.no_grad():
        for rows in usae.dictionary:
            rows.copy_(torch.ones(CONCEPTS, 4))
    dense = torch.zeros(2, 4000, CONCEPTS)
    for k, tokens in enumerate((3600, 1800, 600)):
        dense[:, :tokens, k] = 2.0 - k / 2
    dense[0, :800, 3] = dense[1, :400, 3] = 0.4
    dense[0, :500, 4] = 0.2
    statistics = CodeStatistics(usae)
    every = torch.arange(CONCEPTS).expand(4000, -1)
    statistics.add({n: SparseCode(dense[i], every) for i, n in enumerate("ab")})
    return usae, statistics


def test_relations_are_those_worked_out_by_hand() -> None:
    found = relations(*counted())
    # Entropy of a share of 2/3 is 0.918, of one backbone alone 0.
    assert found["entropy"] == {"1": 3 / 8, "0.6": 0.0, "0": 1 / 8}
    mean = np.array([2 * 3600, 1.5 * 1800, 1.0 * 600]) / 4000
    energy = np.append(4 * mean**2, 4 * (0.4 * 800 / 4000) ** 2 / 2 + 4 * 0.04**2 / 2)
    together = np.array([3600, 1800, 600, 400])
    expected = np.corrcoef(np.log(energy), np.log(together))[0, 1]
    assert found["energy_r"] == pytest.approx(expected)
    assert found["many"] == 2
    assert found["energy_r_many"] is None
    # A sixth of eight concepts is one, the strongest: it fires in both wherever it fires.
    assert found["cofire"]["top_1000"] == {"a": 1.0, "b": 1.0}
    assert found["paper"]["energy_r"] == 0.63


def test_the_strongest_are_as_large_a_share_as_the_papers() -> None:
    energy = np.random.default_rng(0).random(6144)
    assert len(strongest(energy, 1000)) == 1000
    assert len(strongest(energy[:2048], 100)) == 33
    assert strongest(energy, 1)[0] == energy.argmax()


def test_a_correlation_that_is_not_defined() -> None:
    assert log_correlation(np.ones(5), np.arange(5.0)) is None
    assert log_correlation(np.array([1.0, 2.0]), np.array([1.0, 2.0])) is None
