"""How well the networks know the world: AUC on held-out images, and linear probes."""

from __future__ import annotations

import math

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from demo_training.images import PROBE, TEST, render
from usae_viz.demo.networks import Network, prepare, read_tokens
from usae_viz.demo.world import COLOUR_FAMILIES, CONCEPTS, FAMILIES

PROBE_IMAGES, TEST_IMAGES = 6000, 2000
COLOUR_COLUMNS = tuple(c for family in COLOUR_FAMILIES for c in FAMILIES[family])

_BATCH = 64


def pooled_tokens(network: Network, model: nn.Module, images: Tensor) -> Tensor:
    """Mean and maximum over the token map: ``[n, 3, size, size]`` → ``[n, 2 * dim]``."""
    rows = []
    with torch.inference_mode():
        for batch in images.split(_BATCH):
            tokens = read_tokens(network, model, batch)
            rows.append(torch.cat([tokens.mean((2, 3)), tokens.amax((2, 3))], 1))
    return torch.cat(rows).clone()


def head_features(network: Network, model: nn.Module, images: Tensor) -> Tensor:
    """What the model's own classifier is given, ``[n, features]``."""
    rows = []
    with torch.inference_mode():
        for batch in images.split(_BATCH):
            features = model.forward_features(prepare(network, batch))
            rows.append(model.forward_head(features, pre_logits=True).flatten(1))
    return torch.cat(rows).clone()


def head_logits(network: Network, model: nn.Module, images: Tensor) -> Tensor:
    """The ordinary forward pass, ``[n, outputs]``."""
    with torch.inference_mode():
        return torch.cat([model(prepare(network, batch)) for batch in images.split(_BATCH)])


def fit_probe(features: Tensor, labels: Tensor, penalty: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Logistic regression for each label: weight ``[labels, features]`` and bias ``[labels]``.

    Features are standardised inside; the weights returned apply to them as they came.
    """
    mean, std = features.mean(0), features.std(0) + 1e-5
    inputs, target = (features - mean) / std, labels.float()
    weight = torch.zeros(target.shape[1], inputs.shape[1], requires_grad=True)
    bias = torch.full((target.shape[1],), -math.log(6.0), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=150, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(inputs @ weight.mT + bias, target)
        loss = loss + penalty * weight.square().sum(1).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        scaled = weight / std
        return scaled, bias - scaled @ mean


def label_aucs(scores: Tensor, labels: Tensor, columns: tuple[int, ...]) -> dict[str, float]:
    """AUC by concept name; ``scores [n, k]`` belong to ``columns`` of ``labels [n, concepts]``."""
    return {
        CONCEPTS[column]: round(float(roc_auc_score(labels[:, column], scores[:, i])), 4)
        for i, column in enumerate(columns)
    }


def mean(aucs: dict[str, float]) -> float:
    """Mean over labels, to four places."""
    return round(sum(aucs.values()) / len(aucs), 4)


def probe_aucs(
    network: Network, model: nn.Module, seed: int, columns: tuple[int, ...]
) -> dict[str, float]:
    """AUC on the test split of a linear probe on pooled tokens, fitted on the probe split."""
    images, labels = render(PROBE, PROBE_IMAGES, seed)
    weight, bias = fit_probe(pooled_tokens(network, model, images), labels[:, list(columns)])
    images, labels = render(TEST, TEST_IMAGES, seed)
    scores = pooled_tokens(network, model, images) @ weight.mT + bias
    return label_aucs(scores, labels, columns)


def fit_head(network: Network, model: nn.Module, seed: int) -> None:
    """Make a network's classifier a linear probe of what it is given, fitted on the probe split."""
    images, labels = render(PROBE, PROBE_IMAGES, seed)
    weight, bias = fit_probe(
        head_features(network, model, images), labels[:, list(network.concepts)]
    )
    classifier = model.get_classifier()
    with torch.no_grad():
        classifier.weight.copy_(weight.view_as(classifier.weight))  # may be a 1x1 convolution
        classifier.bias.copy_(bias)
