"""A linear layer and BatchNorm as one linear layer, statistics from the tokens' covariance.

BatchNorm of ``[tokens, concepts]`` activations needs only their mean and variance, and those of a
linear layer follow from the tokens' own: μ = W x̄ + b and σ² = diag(W cov(x) Wᵀ). So nothing of size
tokens × concepts is made, and the gradient through the statistics is a product with a
``[dim, dim]`` matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from usae_viz.sae.encoding import Encoder
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.sparse import Tokens, tiles


def batch_normalised(
    norm: nn.BatchNorm1d, weight: Tensor, bias: Tensor, tokens: Tokens, ranks: Ranks = ONE
) -> Encoder:
    """Return the linear encoder that equals ``norm(linear(tokens))`` in training mode.

    Differentiable in the layer's and the norm's parameters; the running statistics advance as
    BatchNorm's do.

    Args:
        norm: over the concepts.
        weight: of the linear layer, ``[concepts, dim]``.
        bias: of the linear layer; it cancels out of the result.
        tokens: the batch.
        ranks: the processes that share the batch; statistics are of the whole of it.
    """
    count, mean, covariance = _moments(tokens, ranks)
    variance = ((weight @ covariance) * weight).sum(1)
    gain = norm.weight * (variance + norm.eps).rsqrt()
    folded = weight * gain[:, None]
    _advance(norm, weight.detach() @ mean + bias.detach(), variance.detach(), count)
    return Encoder(folded, norm.bias - folded @ mean)


def _moments(tokens: Tokens, ranks: Ranks) -> tuple[int, Tensor, Tensor]:
    """Return number, mean ``[dim]`` and biased covariance ``[dim, dim]`` of standardised tokens."""
    n, dim = tokens.raw.shape
    total = tokens.raw.new_zeros(dim)
    products = tokens.raw.new_zeros(dim, dim)
    for start, stop in tiles(n):
        rows = tokens.rows(start, stop)
        total += rows.sum(0)
        products.addmm_(rows.T, rows)
    if ranks.count > 1:
        count = ranks.sum_(torch.tensor(n, device=total.device))
        n = int(count)
        ranks.sum_(total)
        ranks.sum_(products)
    mean = total / n
    return n, mean, products.div_(n).addr_(mean, mean, alpha=-1)


@torch.no_grad()
def _advance(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, n: int) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (n / max(n - 1, 1)), norm.momentum)
    norm.num_batches_tracked += 1


@torch.no_grad()
def fold(norm: nn.BatchNorm1d, weight: Tensor, bias: Tensor) -> None:
    """Fold a trained norm (running statistics) into its linear layer, in place."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight.mul_(gain[:, None])
    bias.copy_((bias - norm.running_mean) * gain + norm.bias)
