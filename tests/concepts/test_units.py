"""Units that belong together: planted ones are found, and noise is not."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from usae_viz.concepts.units import ChannelSums, groups, mutual_nearest, shared_units

NAMES = ("a", "b", "c")
COMMON = 4


def channels(*, shifted: int = 0) -> dict[str, torch.Tensor]:
    """Three networks whose first channels are views of the same causes, in an order of their own;
    the rest is noise of their own."""
    generator = torch.Generator().manual_seed(0)
    causes = torch.randn(3000, COMMON, generator=generator)
    made = {}
    for number, name in enumerate(NAMES):
        own = torch.randn(3000, 5, generator=generator)
        seen = causes.roll(shifted * number, 0).roll(number, 1)
        noise = 0.3 * torch.randn(3000, COMMON, generator=generator)
        made[name] = torch.cat([2 * seen + noise, own + 0.5], 1)
    return made


def similarity(tokens: dict[str, torch.Tensor]) -> dict[tuple[str, str], np.ndarray]:
    sums = ChannelSums({name: rows.shape[1] for name, rows in tokens.items()})
    for part in range(0, 3000, 1000):
        sums.add({name: rows[part : part + 1000] for name, rows in tokens.items()})
    return {pair: sums.correlation(*pair) for pair in combinations(NAMES, 2)}


def test_correlations_of_channels_are_numpys() -> None:
    tokens = channels()
    tokens["b"][:, 2] = 1.5
    found = similarity(tokens)["a", "b"]
    expected = np.corrcoef(tokens["a"].T, np.delete(tokens["b"].numpy(), 2, 1).T)[:9, 9:]
    np.testing.assert_allclose(np.delete(found, 2, 1), expected, atol=1e-5)
    assert (found[:, 2] == 0).all()


def test_planted_units_are_found_in_every_network() -> None:
    found = shared_units(NAMES, similarity(channels()))
    for pair, (i, j) in zip(found["pairs"].values(), combinations(range(3), 2), strict=True):
        assert pair["alike"] == COMMON
        assert pair["count"] >= COMMON
        assert pair["same"] < COMMON, (i, j)
    assert found["all"]["alike"] == COMMON
    pairs = {key: mutual_nearest(values) for key, values in similarity(channels()).items()}
    strong = [g for g in groups(NAMES, pairs) if g[0] < COMMON]
    assert strong == [(i, (i + 1) % COMMON, (i + 2) % COMMON) for i in range(COMMON)]


def test_other_images_share_nothing() -> None:
    found = shared_units(NAMES, similarity(channels(shifted=500)))
    assert all(pair["alike"] == 0 for pair in found["pairs"].values())
    assert found["all"]["alike"] == 0
    assert all((pair["mean"] or 0) < 0.1 for pair in found["pairs"].values())


def test_units_are_each_others_nearest() -> None:
    # 0 is nearest to 1, which is nearer to 2: only the latter two are a pair.
    values = np.array([[0.1, 0.8], [0.0, 0.9], [-0.5, -0.2]], np.float32)
    assert mutual_nearest(values) == {1: 1}


def test_by_number() -> None:
    values = np.array([[0.6, 0.9], [0.2, 0.4]], np.float32)
    by_number = shared_units(("a", "b"), {("a", "b"): values}, by_number=True)
    assert by_number["pairs"]["a|b"] == {
        "count": 2, "mean": pytest.approx(0.5), "alike": 1, "same": 2,
    }  # fmt: skip
    nearest = shared_units(("a", "b"), {("a", "b"): values})
    assert nearest["pairs"]["a|b"]["count"] == 1
    assert nearest["pairs"]["a|b"]["same"] == 0
    nothing = shared_units(("a", "b"), {("a", "b"): -values})
    assert nothing["all"] == {"count": 0, "mean": None, "alike": 0}
