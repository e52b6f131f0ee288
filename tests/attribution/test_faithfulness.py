from __future__ import annotations

import math

import pytest
import torch

from tests.attribution.networks import Convolutional, backbone_of, seeded
from usae_viz.attribution import attribute_pixels, ignorant_maps, measure_faithfulness
from usae_viz.attribution.faithfulness import (
    infidelity_of,
    paired_interval,
    randomisation_correlation,
    rank_correlation,
    sensitivity_of,
)
from usae_viz.errors import UsageError


@pytest.fixture
def image():
    return torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))


def _sum(images):
    return images.sum((1, 2, 3))


def test_an_additive_target_has_known_answers(image):
    black = torch.zeros_like(image)
    truth = image.sum(0)
    found = measure_faithfulness(
        _sum, image, black, {"truth": truth, "negated": -truth}, steps=8, subsets=64
    )
    assert found["truth"].fidelity == pytest.approx(1, abs=1e-5)
    assert found["negated"].fidelity == pytest.approx(-1, abs=1e-5)
    # Taking the largest first is the mirror image of taking the smallest first.
    assert found["truth"].deletion == pytest.approx(1 - found["truth"].insertion, abs=1e-5)
    assert found["truth"].deletion == pytest.approx(found["negated"].insertion, abs=1e-5)
    assert found["truth"].margin > 0.1 > -0.1 > found["negated"].margin


def test_one_pixel_that_decides_all():
    image = torch.ones(3, 8, 8)
    truth = torch.zeros(8, 8)
    truth[3, 5] = 1
    found = measure_faithfulness(
        lambda x: x[:, 0, 3, 5], image, torch.zeros_like(image), {"truth": truth}, steps=64
    )
    # Gone, or there, after the first of 64 points: what is left is half a trapezium.
    assert found["truth"].deletion == pytest.approx(0.5 / 64)
    assert found["truth"].insertion == pytest.approx(1 - 0.5 / 64)


def test_a_constant_target_says_nothing(image):
    found = measure_faithfulness(
        lambda x: torch.ones(len(x)), image, torch.zeros_like(image), {"a": image.sum(0)}
    )
    assert found["a"].deletion == found["a"].insertion == 0.5
    assert math.isnan(found["a"].fidelity)


def test_the_same_seed_gives_the_same_numbers(image):
    black, maps = torch.zeros_like(image), ignorant_maps(image, seed=1)
    first, second = (measure_faithfulness(_sum, image, black, maps, seed=4) for _ in range(2))
    assert first == second
    assert set(maps) == {"random-1", "random-2", "random-3", "edges", "centre"}


def test_the_randomisation_test_catches_what_ignores_the_network(usae, images):
    backbone = backbone_of(seeded(Convolutional(), 0.6))
    before = {k: v.clone() for k, v in backbone.network.state_dict().items()}

    def gradients(batch):
        return attribute_pixels(usae, backbone, batch, 4, method="input_x_gradient").values

    def edges(batch):
        return torch.stack([ignorant_maps(one)["edges"] for one in batch])

    ignorant = randomisation_correlation(edges, backbone.network, images)
    assert min(ignorant) == pytest.approx(1)
    honest = randomisation_correlation(gradients, backbone.network, images)
    assert max(honest) < 0.9
    for name, tensor in backbone.network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_weights_are_restored_after_a_failure():
    network = seeded(Convolutional())
    before = network.patch.weight.clone()

    def explain(batch):
        if not torch.equal(network.patch.weight, before):
            raise RuntimeError("failed")
        return batch.sum(1)

    with pytest.raises(RuntimeError, match="failed"):
        randomisation_correlation(explain, network, torch.rand(1, 3, 16, 16))
    assert torch.equal(network.patch.weight, before)


def test_infidelity_prefers_the_truth(image):
    weight = torch.linspace(-1, 1, 256).view(16, 16)

    def score(images):
        return (images.sum(1) * weight).sum((1, 2))

    truth = weight * image.sum(0)
    assert infidelity_of(score, image, truth) < 1e-6
    assert infidelity_of(score, image, 0 * truth) == 1
    assert infidelity_of(score, image, -truth) == pytest.approx(4, rel=1e-3)


def test_sensitivity_is_zero_for_a_steady_map(image):
    assert sensitivity_of(lambda x: torch.ones(len(x), 16, 16), image) == 0
    assert sensitivity_of(lambda x: x.sum(1) ** 8, image) > 0.01


def test_intervals_hold_the_mean_and_know_certainty():
    mean, low, high = paired_interval([1.0, 2.0, 3.0, 4.0])
    assert low < mean == 2.5 < high
    assert paired_interval([0.3, 0.3, 0.3]) == pytest.approx((0.3, 0.3, 0.3))


def test_ranks():
    a = torch.tensor([1.0, 2.0, 3.0, 9.0])
    assert rank_correlation(a, a**3) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert math.isnan(rank_correlation(a, torch.ones(4)))


def test_maps_are_checked(image):
    black = torch.zeros_like(image)
    with pytest.raises(UsageError, match="'small' cannot be measured"):
        measure_faithfulness(_sum, image, black, {"small": torch.zeros(4, 4)})
    with pytest.raises(UsageError, match="cannot be measured"):
        measure_faithfulness(_sum, image, black, {"nan": image.sum(0) * math.nan})
