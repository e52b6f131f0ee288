from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from usae_viz.activations.statistics import Moments, read_moments, write_moments
from usae_viz.errors import StoreError


def tokens(count: int, *, mean: float = 0.0, seed: int = 0) -> torch.Tensor:
    return torch.randn((count, 3), generator=torch.Generator().manual_seed(seed)) + mean


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e3, -1e4])
def test_moments_are_exact_where_the_mean_is_far_from_zero(mean: float) -> None:
    values = tokens(4096, mean=mean)
    moments = Moments(3)
    moments.add(values)
    exact = values.numpy().astype(np.float64)
    statistics = moments.statistics()
    np.testing.assert_allclose(moments.mean.numpy(), exact.mean(0), rtol=1e-7, atol=1e-7)
    # Sums within a batch are float32.
    np.testing.assert_allclose(statistics.variance.numpy(), exact.var(0), rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 1000))
def test_moments_of_parts_are_those_of_the_whole(sizes: list[int], seed: int) -> None:
    values = tokens(sum(sizes), mean=50, seed=seed)
    whole, parts = Moments(3), Moments(3)
    whole.add(values)
    for part in values.split(sizes):
        piece = Moments(3)
        piece.add(part)
        parts.merge(piece)
    assert parts.count == whole.count == sum(sizes)
    torch.testing.assert_close(parts.mean, whole.mean, rtol=1e-7, atol=0)
    torch.testing.assert_close(parts.m2, whole.m2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_token_that_is_not_finite_shows(value: float) -> None:
    values = tokens(100)
    values[57, 1] = value
    moments = Moments(3)
    moments.add(tokens(10))
    assert moments.finite
    moments.add(values)
    assert not moments.finite


def test_moments_are_read_back_and_only_for_what_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    moments = Moments(3)
    moments.add(tokens(10))
    assert read_moments(path, ("a",), "x") is None
    write_moments(path, {"a": moments}, "x")
    assert read_moments(path, ("a",), "y") is None
    found = read_moments(path, ("a",), "x")
    assert found is not None
    assert found["a"].count == 10
    assert torch.equal(found["a"].m2, moments.m2)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(StoreError, match="is damaged"):
        read_moments(path, ("a",), "x")
