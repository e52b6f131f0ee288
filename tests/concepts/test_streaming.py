"""The streaming pass against slow dense loops, and that no way of cutting the data matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.sae.test_training import new_run, recipe
from usae_viz.concepts import ConceptIndex, ConceptPass, write_index
from usae_viz.concepts.bootstrap import image_weights
from usae_viz.concepts.chance import image_words
from usae_viz.concepts.shares import Shares
from usae_viz.errors import UsageError
from usae_viz.sae import SparseCode, UniversalSAE
from usae_viz.sae.statistics import row_squares

NAMES, CONCEPTS, TOKENS, IMAGES, K, TAU = ("one", "two"), 11, 9, 40, 4, 0.1
LABELS = ("dots", "red")


def usae() -> UniversalSAE:
    model = UniversalSAE({"one": 6, "two": 8}, CONCEPTS, K, TAU)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for rows in model.dictionary:
            rows.copy_(torch.randn(rows.shape, generator=generator))
    return model.requires_grad_(False)


def ids() -> list[str]:
    random = np.random.default_rng(3)
    return [random.bytes(32).hex() for _ in range(IMAGES)]


def dense_codes() -> NDArray[np.float32]:
    """Return ``[M, images, tokens, concepts]``: k values a token, many of them shared; some of 0,
    some below τ; the last concept dead, the one before in `one` only."""
    random = np.random.default_rng(4)
    dense = np.zeros((2, IMAGES, TOKENS, CONCEPTS), np.float32)
    for image in range(IMAGES):
        for token in range(TOKENS):
            same = random.choice(CONCEPTS - 2, K, replace=False)
            for i in range(2):
                chosen = same if random.random() < 0.6 else random.choice(CONCEPTS - 2, K, False)
                values = random.exponential(0.7, K) * (random.random(K) < 0.8)
                dense[i, image, token, chosen] = values
            if image % 5 == 0:
                dense[0, image, token] = 0
                dense[0, image, token, CONCEPTS - 2] = 1 + image / 10 + token
    return dense


def labels() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(6).random((IMAGES, 2)) < 0.3)


def gathered(order: list[int] | None = None, size: int = IMAGES, **settings: Any) -> ConceptPass:
    dense, names = torch.from_numpy(dense_codes()), ids()
    order = list(range(IMAGES)) if order is None else order
    made = ConceptPass(usae(), TOKENS, labels=LABELS, **settings)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        codes = {}
        for i, name in enumerate(NAMES):
            values, indices = dense[i, rows].flatten(0, 1).topk(K, dim=1)
            codes[name] = SparseCode(values, indices)
        made.add([names[r] for r in rows], codes, labels()[rows])
    return made


def indexed(folder: Path, made: ConceptPass) -> ConceptIndex:
    return write_index(new_run(folder, recipe()), usae(), made)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ConceptIndex:
    return indexed(tmp_path_factory.mktemp("run"), gathered(size=7))


def entropy(counts: NDArray[Any]) -> float:
    share = counts[counts > 0] / counts.sum() if counts.sum() else np.zeros(0)
    return float(-(share * np.log(share)).sum() / np.log(len(counts)))


def test_every_statistic_equals_a_slow_dense_reference(index: ConceptIndex) -> None:
    dense = dense_codes().astype(np.float64)
    flat = dense.reshape(2, -1, CONCEPTS)
    count = flat.shape[1]
    energy_of = row_squares(usae())
    close = {"rtol": 1e-6, "atol": 1e-6}
    for k in range(CONCEPTS):
        value = flat[:, :, k]
        fires = value > TAU
        often = fires.mean(1)
        for i in range(2):
            assert index.rate[i, k] == pytest.approx(often[i], abs=1e-6)
            assert index.mean[i, k] == pytest.approx(value[i].mean(), abs=1e-6)
            assert index.variance[i, k] == pytest.approx(value[i].var(), rel=1e-6, abs=1e-6)
            assert index.maximum[i, k] == pytest.approx(value[i].max(), abs=1e-6)
            energy = value[i].mean() ** 2 * energy_of[i, k]
            assert index.energy[i, k] == pytest.approx(energy, rel=1e-6, abs=1e-6)
            images = (dense[i, :, :, k] > TAU).any(1)
            assert index.image_rate[i, k] == pytest.approx(images.mean(), abs=1e-6)
            held = labels().numpy()[images].mean(0) if images.any() else np.zeros(2)
            np.testing.assert_allclose(index.label_share[i, :, k], held, **close)
        both = fires.all(0)
        assert index.entropy[k] == pytest.approx(entropy(fires.sum(1)), abs=1e-6)
        cofire = min(both.sum() / max(f, 1) for f in fires.sum(1))
        assert index.cofire[k] == pytest.approx(cofire, abs=1e-6)
        share = both.sum() / max(fires.sum(1).max(), 1)
        assert index.pair[0, 1, k] == index.pair[1, 0, k] == pytest.approx(share, abs=1e-6)
        lift = both.mean() / often.prod() if often.all() else 0
        assert index.pair_lift[0, 1, k] == pytest.approx(lift, rel=1e-6)
        assert index.lift[k] == pytest.approx(lift, rel=1e-6)
        defined = (value.std(1) > 0).all()
        correlation = np.corrcoef(value)[0, 1] if defined else 0
        assert index.correlation[0, 1, k] == pytest.approx(correlation, abs=1e-6)
        seen = (dense[:, :, :, k] > TAU).any(2)
        at_images = index.counts.image_cofire()[0, k]
        assert at_images == pytest.approx(seen.all(0).sum() / max(seen[0].sum(), 1))
        assert index.counts.image_entropy()[k] == pytest.approx(entropy(seen.sum(1)))
        together = seen.all(0).sum() / max(seen.sum(1).max(), 1)
        assert index.counts.image_pair_share()[0, 1, k] == pytest.approx(together)
    assert index.tokens == count


def test_another_tau_is_exact_at_every_edge(index: ConceptIndex) -> None:
    flat = dense_codes().reshape(2, -1, CONCEPTS)
    sweep = index.counts.sweep()
    assert TAU in sweep["tau"].round(6)
    for number, tau in enumerate(index.counts.edges):
        fires = flat > tau
        np.testing.assert_allclose(sweep["rate"][number], fires.mean(1), atol=1e-9)
        expected = fires.all(0).sum(0) / fires.sum(1).clip(1)
        np.testing.assert_allclose(sweep["cofire"][number], expected, atol=1e-9)
        by_hand = [entropy(fires[:, :, k].sum(1)) for k in range(CONCEPTS)]
        np.testing.assert_allclose(sweep["entropy"][number], by_hand, atol=1e-9)
    other = gathered(tau=float(index.counts.edges[9])).counts
    np.testing.assert_allclose(other.entropy(), sweep["entropy"][9], atol=1e-9)


def files(index: ConceptIndex) -> tuple[dict[str, NDArray[Any]], str]:
    from safetensors.numpy import load_file

    run = index._run
    tensors = load_file(run.index_file) | load_file(run.example_maps_file)
    return tensors, run.examples_file.read_text()


@pytest.mark.parametrize("way", ["order", "batches", "parts", "parts on disk"])
def test_neither_order_nor_batches_nor_parts_matter(
    index: ConceptIndex, tmp_path: Path, way: str
) -> None:
    shuffled = np.random.default_rng(0).permutation(IMAGES).tolist()
    if way == "order":
        made = gathered(shuffled, 7)
    elif way == "batches":
        made = gathered(size=1)
    else:
        made = gathered(shuffled[:11], 4)
        others = [gathered(shuffled[11:30], 5), gathered(shuffled[30:], 40)]
        if way == "parts on disk":
            empty = [ConceptPass(usae(), TOKENS, labels=LABELS) for _ in range(3)]
            states = [part.state() for part in (made, *others)]
            made, *others = [e.restore(*s) for e, s in zip(empty, states, strict=True)]
        for part in others:
            made.merge(part)
    (before, table), (after, again) = files(index), files(indexed(tmp_path / "run", made))
    assert table == again
    assert before.keys() == after.keys()
    for key in before:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-6, atol=1e-6, err_msg=key)


def test_top_examples_are_the_strongest_with_their_maps(index: ConceptIndex) -> None:
    dense, names = dense_codes(), ids()
    for i, name in enumerate(NAMES):
        for k in range(CONCEPTS):
            score = dense[i, :, :, k].astype(np.float64).mean(1)
            best = [b for b in np.argsort(-score)[:9] if score[b] > 0]
            found = index.examples(name, k)
            assert [e.image_id for e in found] == [names[b] for b in best]
            for example, b in zip(found, best, strict=True):
                assert example.score == pytest.approx(score[b], rel=1e-6)
                peak = dense[i, b, :, k].max()
                assert example.peak == pytest.approx(peak, rel=1e-6)
                drawn = np.rint(dense[i, b, :, k] / peak * 255)
                np.testing.assert_allclose(example.grid.ravel(), drawn, atol=1)
                assert example.grid[example.position] == 255


def test_joint_examples_please_the_backbone_that_likes_them_least(index: ConceptIndex) -> None:
    dense, names = dense_codes(), ids()
    score = dense[:, :, :, 0].astype(np.float64).mean(2)
    best = np.argsort(-score.min(0))[:6]
    for i, name in enumerate(NAMES):
        found = index.examples(name, 0, "joint")
        assert [e.image_id for e in found] == [names[b] for b in best]
        np.testing.assert_allclose([e.score for e in found], score[i, best], rtol=1e-6)
    assert index.examples("two", CONCEPTS - 2, "joint") == []


def test_random_examples_are_a_fair_draw_from_all_that_fire() -> None:
    drawn = np.zeros(IMAGES)
    fires = (dense_codes()[0] > TAU).any(1)
    made = gathered(sample=5)
    image = made.shelves["sample/one"].image.numpy()
    for k in range(CONCEPTS):
        kept = image[k][image[k] >= 0]
        assert len(set(kept)) == len(kept) == min(5, fires[:, k].sum())
        assert fires[kept, k].all()
        drawn[kept] += 1
    # Not the same images for every concept.
    assert (drawn > 0).sum() > 20


def test_quantiles_go_from_weak_to_strong(index: ConceptIndex) -> None:
    bins = index.quantiles("one", 0, bins=4)
    assert [len(part) for part in bins] == [3, 3, 3, 3]
    scores = [e.score for part in bins for e in part]
    assert scores == sorted(scores)
    assert bins[0][0].quantile == pytest.approx(1 / 12)
    assert bins[3][-1].quantile == 1
    random = {e.image_id for e in index.examples("one", 0, "random")}
    assert {e.image_id for part in bins for e in part} == random
    with pytest.raises(UsageError, match="chosen by 'best'"):
        index.examples("one", 0, "best")  # type: ignore[arg-type]


def test_intervals_are_those_of_a_bootstrap_over_images(index: ConceptIndex) -> None:
    weights = image_weights(image_words(ids())).astype(int)
    assert abs(weights.mean() - 1) < 0.05
    assert abs(weights.var() - 1) < 0.1
    dense = dense_codes()
    rates, cofires = [], []
    for times in weights:
        chosen = np.repeat(np.arange(IMAGES), times)
        fires = dense[:, chosen].reshape(2, -1, CONCEPTS) > TAU
        rates.append(fires.mean(1))
        cofires.append((fires.all(0).sum(0) / fires.sum(1).clip(1)).min(0))
    np.testing.assert_allclose(
        index.intervals["rate"], np.quantile(rates, [0.025, 0.975], axis=0), atol=1e-6
    )
    np.testing.assert_allclose(
        index.intervals["cofire"], np.quantile(cofires, [0.025, 0.975], axis=0), atol=1e-6
    )
    low, high = index.intervals["rate"]
    assert ((low <= index.rate + 1e-6) & (index.rate <= high + 1e-6)).all()
    assert index.kind_intervals["dead"] == (1, 1)


def test_neighbours_equal_a_dense_reference(index: ConceptIndex) -> None:
    flat = dense_codes().reshape(2, -1, CONCEPTS).astype(np.float64)
    norm = np.linalg.norm(flat, axis=1).clip(1e-12)
    for i, name in enumerate(NAMES):
        for j, other in enumerate(NAMES):
            together = (flat[i].T @ flat[j]) / (norm[i][:, None] * norm[j][None])
            if i == j:
                np.fill_diagonal(together, 0)
            found = index.coactive(name, other)
            for k in range(CONCEPTS):
                best = np.sort(together[k])[::-1][: found.nearness.shape[1]].clip(0)
                np.testing.assert_allclose(found.nearness[k], best, atol=1e-6)
        rows = torch.nn.functional.normalize(usae().rows(name), dim=1).numpy().astype(np.float64)
        cosine = rows @ rows.T
        cosine[:, CONCEPTS - 1] = -np.inf  # dead
        np.fill_diagonal(cosine, -np.inf)
        near = index.near(name)
        for k in range(CONCEPTS):
            expected = np.argsort(-cosine[k])[: near.concept.shape[1]]
            assert near.concept[k].tolist() == expected.tolist()


def test_codes_that_do_not_fit_their_images() -> None:
    code = SparseCode(torch.zeros(8, K), torch.arange(K).expand(8, -1))
    with pytest.raises(UsageError, match="1 images of 9 tokens"):
        ConceptPass(usae(), TOKENS).add(ids()[:1], dict.fromkeys(NAMES, code))


def test_shares_of_many_processes_add_up(index: ConceptIndex, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", recipe())
    job = ["checkpoint", [["tau", TAU]]]

    def empty() -> ConceptPass:
        return ConceptPass(usae(), TOKENS, labels=LABELS)

    for rank in range(3):
        shares = Shares(run, job, 3)
        assert shares.merge(empty) is None
        shares.write(rank, gathered(list(range(IMAGES))[rank::3], 5))
    # Another job's share is none of this one's.
    Shares(run, ["another"], 3).write(0, gathered([0]))
    whole = Shares(run, job, 3).merge(empty)
    assert whole is not None
    Shares(run, job, 3).remove()
    assert Shares(run, job, 3).merge(empty) is None
    made = write_index(run, usae(), whole)
    (before, table), (after, again) = files(index), files(made)
    assert table == again
    for key in before:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-6, atol=1e-6, err_msg=key)
    left = [path.name for path in run.index_file.parent.iterdir() if path.is_dir()]
    assert len(left) == 1, "the other job's share stays"
