"""The bundled networks: small, loadable as they stand, and as good as their scores say."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from usae_viz.demo.networks import (
    NETWORKS,
    WEIGHTS,
    Network,
    create,
    load,
    prepare,
    read_tokens,
)
from usae_viz.demo.world import COLOUR_FAMILIES, CONCEPTS, FAMILIES, World, to_luma

_HELD_OUT = 20_000_000  # no training index comes near
_NAMES = sorted(NETWORKS)
# Mean AUC each network is held to: on the whole test split, and on the few images here by its own
# head.
_FLOOR = dict.fromkeys(NETWORKS, (0.95, 0.9))


@pytest.fixture(scope="module")
def held_out() -> tuple[Tensor, Tensor]:
    batch = World(96, seed=0).render(range(_HELD_OUT, _HELD_OUT + 240), masks=False)
    return batch.images, batch.labels


def _mean_auc(scores: Tensor, labels: Tensor, columns: tuple[int, ...]) -> float:
    aucs = [roc_auc_score(labels[:, c], scores[:, i]) for i, c in enumerate(columns)]
    return float(sum(aucs) / len(aucs))


def _image_scores(network: Network, model: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.cat([model(prepare(network, part)) for part in images.split(60)])


def test_four_families_one_of_them_colour_blind() -> None:
    assert set(NETWORKS) == {"vit", "dla", "resnet", "grey"}
    assert len({type(create(network)) for network in NETWORKS.values()}) == 4
    assert [n.name for n in NETWORKS.values() if n.in_chans == 1] == ["grey"]
    assert len({network.training for network in NETWORKS.values()}) == 4
    seen = {CONCEPTS[c].split(":")[0] for c in NETWORKS["grey"].concepts}
    assert seen == set(FAMILIES) - set(COLOUR_FAMILIES)


@pytest.mark.parametrize("name", _NAMES)
def test_weights_fit_and_are_small(name: str) -> None:
    network = NETWORKS[name]
    model = load(network)  # strict
    assert not model.training
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert sum(p.numel() for p in model.parameters()) <= 1_500_000
    assert network.weights.stat().st_size <= 3_000_000


@pytest.mark.parametrize("name", _NAMES)
def test_scores_are_of_these_weights(name: str) -> None:
    scores = json.loads((WEIGHTS / "scores.json").read_text())[name]
    network = NETWORKS[name]
    assert scores["sha256"] == hashlib.sha256(network.weights.read_bytes()).hexdigest()
    assert set(scores["labels"]) == {CONCEPTS[c] for c in network.concepts}
    assert scores["auc"] >= _FLOOR[name][0]


@pytest.mark.parametrize("name", _NAMES)
def test_tokens_have_the_recorded_shape_and_a_gradient(name: str) -> None:
    network = NETWORKS[name]
    images = World(96, seed=0).render([_HELD_OUT, _HELD_OUT + 1], masks=False).images
    images.requires_grad_(True)
    tokens = read_tokens(network, load(network), images)
    assert tokens.shape == (2, network.dim, network.grid, network.grid)
    tokens.square().sum().backward()
    assert images.grad is not None
    assert bool(images.grad.isfinite().all())
    assert float(images.grad.abs().amax((1, 2, 3)).min()) > 0


@pytest.mark.parametrize("name", _NAMES)
def test_networks_know_the_world(name: str, held_out: tuple[Tensor, Tensor]) -> None:
    network = NETWORKS[name]
    images, labels = held_out
    scores = _image_scores(network, load(network), images)
    assert _mean_auc(scores, labels, network.concepts) >= _FLOOR[name][1]


def test_grey_sees_luma_only() -> None:
    network = NETWORKS["grey"]
    model = load(network)
    images = World(96, seed=0).render(range(_HELD_OUT, _HELD_OUT + 2), masks=False).images
    grey = to_luma(images).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        coloured, colourless = (read_tokens(network, model, x) for x in (images, grey))
    torch.testing.assert_close(coloured, colourless, atol=1e-3, rtol=1e-3)


def test_no_colour_can_be_read_from_grey(held_out: tuple[Tensor, Tensor]) -> None:
    network = NETWORKS["grey"]
    model = load(network)
    images, labels = held_out
    with torch.inference_mode():
        maps = torch.cat([read_tokens(network, model, part) for part in images.split(60)])
    features = StandardScaler().fit_transform(maps.mean((2, 3)).numpy())
    half = len(features) // 2
    aucs = []
    for column in (c for family in COLOUR_FAMILIES for c in FAMILIES[family]):
        target = labels[:, column].numpy()
        probe = LogisticRegression(C=0.01, max_iter=200).fit(features[:half], target[:half])
        aucs.append(roc_auc_score(target[half:], probe.decision_function(features[half:])))
    assert abs(sum(aucs) / len(aucs) - 0.5) < 0.08
