from __future__ import annotations

import numpy as np
import pytest
import torch

from usae_viz.errors import StoreError
from usae_viz.sae import CodeStatistics, SparseCode, UniversalSAE, evaluate_usae


def identity(dim: int = 4) -> UniversalSAE:
    """Backbones b0 and b1 see the same tokens; the code keeps everything: R² is 1 everywhere."""
    usae = UniversalSAE({"b0": dim, "b1": dim}, concepts=2 * dim, k=2 * dim)
    rows = torch.cat([torch.eye(dim), -torch.eye(dim)])
    with torch.no_grad():
        for i in range(2):
            usae.weight[i].copy_(rows)
            usae.dictionary[i].copy_(rows)
    return usae


def draw(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def test_a_lossless_model_has_r2_one() -> None:
    x = draw(100, 4)
    table, _ = evaluate_usae(identity(), [{"b0": x, "b1": x}])
    np.testing.assert_allclose(table["r2"]["channel"], np.ones((2, 2)), atol=1e-6)
    np.testing.assert_allclose(table["r2"]["scalar"], np.ones((2, 2)), atol=1e-6)


def test_predicting_channel_means_scores_zero_per_channel_but_not_in_the_papers_measure() -> None:
    usae = identity()
    x = draw(4000, 4) + torch.tensor([0.0, 10.0, -10.0, 5.0])
    with torch.no_grad():
        for i in range(2):
            usae.dictionary[i].zero_()
            usae.set_standardisation(f"b{i}", x.mean(0), 1.0)
    table, _ = evaluate_usae(
        usae, [{"b0": x[:2000], "b1": x[:2000]}, {"b0": x[2000:], "b1": x[2000:]}]
    )
    np.testing.assert_allclose(table["r2"]["channel"], np.zeros((2, 2)), atol=1e-5)
    assert table["r2"]["scalar"][0][0] > 0.9


def test_r2_matrix_equals_the_formula_and_rows_are_encoded_from(usae: UniversalSAE) -> None:
    batch = {name: draw(200, usae.dims[name], seed) for seed, name in enumerate(usae.names)}
    table, _ = evaluate_usae(usae, [batch])
    for i, source in enumerate(usae.names):
        for j, target in enumerate(usae.names):
            made = usae.translate(source, target, batch[source])
            x = batch[target]
            plain = 1 - (x - made).square().sum() / (x - x.mean(0)).square().sum()
            scalar = 1 - (x - made).square().sum() / (x - x.mean()).square().sum()
            assert table["r2"]["channel"][i][j] == pytest.approx(float(plain), rel=1e-4)
            assert table["r2"]["scalar"][i][j] == pytest.approx(float(scalar), rel=1e-4)


def test_no_tokens_is_an_error(usae: UniversalSAE) -> None:
    with pytest.raises(StoreError, match="no held-out tokens"):
        evaluate_usae(usae, [])


def codes(*tables: list[list[float]]) -> dict[str, SparseCode]:
    """Codes of three backbones from dense tables [tokens, concepts]."""
    made = {}
    for name, table in zip("abc", tables, strict=True):
        dense = torch.tensor(table)
        made[name] = SparseCode(dense, torch.arange(dense.shape[1]).expand(len(dense), -1))
    return made


@pytest.fixture
def statistics() -> CodeStatistics:
    """Concepts: 0 fires everywhere alike, 1 in a and b, 2 in c only, 3 never, 4 not together."""
    model = UniversalSAE({"a": 2, "b": 2, "c": 2}, concepts=5, k=5)
    made = CodeStatistics(model)
    a = [[1, 1, 0, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0.05, 0]]
    b = [[2, 1, 0, 0, 0], [2, 1, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    c = [[1, 0, 3, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    table = codes(*[[[float(x) for x in row] for row in t] for t in (a, b, c)])
    for part in (slice(0, 2), slice(2, 4)):
        made.add({n: SparseCode(s.values[part], s.indices[part]) for n, s in table.items()})
    return made


def test_firing_entropy_of_known_cases(statistics: CodeStatistics) -> None:
    np.testing.assert_allclose(statistics.entropy(), [1, np.log(2) / np.log(3), 0, 0, 1], atol=1e-9)
    assert statistics.dead().tolist() == [False, False, False, True, False]


def test_cofire_pairs_and_lift(statistics: CodeStatistics) -> None:
    np.testing.assert_allclose(statistics.cofire()[:, 0], [1, 1, 1])
    np.testing.assert_allclose(statistics.cofire()[:, 4], [0, 0, 0])
    np.testing.assert_allclose(statistics.pair_share()[0, 1], [1, 1, 0, 0, 0])
    # Fires in half of the tokens in each of three: chance is 1/8, seen 1/2.
    assert statistics.lift()[0] == pytest.approx(4)
    assert statistics.lift()[4] == 0
    assert statistics.pair_lift()[0, 1, 1] == pytest.approx(2)


def test_correlation_equals_numpy() -> None:
    model = UniversalSAE({"a": 2, "b": 2, "c": 2}, concepts=4, k=4)
    dense = {n: draw(300, 4, s).relu() for s, n in enumerate("abc")}
    dense["b"] = dense["b"] + dense["a"]
    made = CodeStatistics(model)
    made.add({n: SparseCode(d, torch.arange(4).expand(300, 4)) for n, d in dense.items()})
    for k in range(4):
        expected = np.corrcoef(np.stack([dense[n][:, k].numpy() for n in "abc"]))
        np.testing.assert_allclose(made.correlation()[:, :, k], expected, atol=1e-6)


def test_energy_is_squared_norm_of_the_mean_contribution(statistics: CodeStatistics) -> None:
    model = UniversalSAE({"a": 2, "b": 2, "c": 2}, concepts=5, k=5)
    with torch.no_grad():
        model.dictionary[1][0] = torch.tensor([3.0, 4.0])
    # Mean value of concept 0 in b is 1; its row has norm 5.
    assert statistics.energy(model)[1, 0] == pytest.approx(25.0)
