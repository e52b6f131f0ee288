from __future__ import annotations

import numpy as np
import pytest
import torch

from usae_viz.errors import StoreError
from usae_viz.sae import CodeStatistics, SparseCode, UniversalSAE, evaluate_usae
from usae_viz.sae.consistency import consistency, gaussian_like


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


def by_image(usae: UniversalSAE, images: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """Images whose tokens are alike, so that an image is worth little more than one token."""
    made = {}
    for place, name in enumerate(usae.names):
        dim = usae.dims[name]
        centre = 2 * draw(images, dim, 10 * seed + place)[:, None]
        noise = draw(images * 6, dim, 10 * seed + place + 5).view(images, 6, dim)
        made[name] = centre + 0.3 * noise
    return made


def test_mse_is_in_standardised_units(usae: UniversalSAE) -> None:
    batch = {name: draw(200, usae.dims[name], seed) for seed, name in enumerate(usae.names)}
    table, _ = evaluate_usae(usae, [batch])
    made = usae.standardise("b", usae.translate("a", "b", batch["a"]))
    expected = (usae.standardise("b", batch["b"]) - made).square().mean()
    assert table["mse"][0][1] == pytest.approx(float(expected), rel=1e-5)


def test_images_and_tokens_in_any_batches_give_the_same(
    usae: UniversalSAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = by_image(usae, 20)
    whole, _ = evaluate_usae(usae, [{n: t.flatten(0, 1) for n, t in images.items()}])
    monkeypatch.setattr("usae_viz.sae.evaluation.PIECE", 100)
    parts = [{n: t[i : i + 7] for n, t in images.items()} for i in (0, 7, 14)]
    cut, _ = evaluate_usae(usae, parts)
    np.testing.assert_allclose(cut["r2"]["channel"], whole["r2"]["channel"], rtol=1e-6)
    assert cut["cofire"]["proportion"] == pytest.approx(whole["cofire"]["proportion"])
    assert cut["correlation"] == pytest.approx(whole["correlation"])


def test_intervals_cover_a_plain_bootstrap_over_images(usae: UniversalSAE) -> None:
    images = by_image(usae, 60)
    table, _ = evaluate_usae(usae, [images], replicates=400)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(60):
        pick = torch.from_numpy(random.integers(0, 60, 60))
        again, _ = evaluate_usae(usae, [{n: t[pick] for n, t in images.items()}])
        drawn.append([again["r2"]["channel"][0][1], again["correlation"]["a|b"]])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    found = [table["intervals"]["r2"]["channel"][0][1], table["intervals"]["correlation"]["a|b"]]
    for place, ends in enumerate(found):
        width = high[place] - low[place]
        assert ends == pytest.approx([low[place], high[place]], abs=0.4 * width)
    ends = table["intervals"]["cofire"]["a"]
    assert ends[0] <= table["cofire"]["proportion"]["a"] <= ends[1]


def test_shuffled_pairs_leave_nothing_but_chance() -> None:
    usae = identity()
    x = draw(2000, 4).view(20, 100, 4)
    table, _ = evaluate_usae(usae, [{"b0": x, "b1": x}], shuffled=True)
    shuffled = table["controls"]["shuffled"]
    assert table["correlation"]["b0|b1"] == pytest.approx(1, abs=1e-6)
    assert abs(shuffled["correlation"]["b0|b1"]) < 0.05
    assert table["cofire"]["proportion"]["b0"] == pytest.approx(1)
    assert shuffled["cofire"]["lift"] == pytest.approx(1, abs=0.1)
    assert shuffled["r2"]["channel"][0][1] < -0.5


def test_rows_are_matched_one_to_one_whatever_their_order() -> None:
    rows = draw(40, 12)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    assert consistency(rows, 3 * rows[order]) == {"share": 1.0, "mean": pytest.approx(1.0)}
    # Two equal rows cannot both be the match of one.
    assert consistency(rows[[0, 0]], rows[[0, 1]])["share"] < 1
    chance = consistency(rows, gaussian_like(rows, seed=1))
    assert chance["mean"] < 0.9
