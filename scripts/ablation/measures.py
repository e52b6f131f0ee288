"""Measures that the comparison with other methods needs besides `evaluate_usae`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from usae_viz.sae.code import densify
from usae_viz.sae.universal import UniversalSAE

MATCHING_TOKENS = 30000
"""Training tokens by which the concepts of independent SAEs are matched."""


@torch.no_grad()
def match_concepts(usae: UniversalSAE, sample: Mapping[str, Tensor]) -> None:
    """Renumber, in place, each other backbone's concepts to fit the first one's.

    The assignment of largest total correlation of codes (Hungarian), on training tokens: the best
    that can be made of SAEs that were trained without knowing of each other.
    """
    codes = []
    for name in usae.names:
        dense = densify(usae.encode(name, sample[name]), usae.concepts)
        dense -= dense.mean(0)
        codes.append(dense / dense.norm(dim=0).clamp_min(1e-6))
    for i in range(1, len(usae.names)):
        order = torch.from_numpy(linear_sum_assignment(-(codes[0].T @ codes[i]).numpy())[1])
        for parameter in (usae.weight[i], usae.bias[i], usae.dictionary[i]):
            parameter.copy_(parameter[order])


@torch.no_grad()
def joint_r2(usae: UniversalSAE, batches: Iterable[Mapping[str, Tensor]]) -> list[float]:
    """Return R² per channel of each backbone by the codes that all make together.

    What a crosscoder and a global TopK give where every backbone is at hand; the other figures are
    of codes from one backbone alone.
    """
    error, square, total, count = [
        {name: torch.zeros(size or dim, dtype=torch.float64) for name, dim in usae.dims.items()}
        for size in (1, 1, 0, 1)
    ]
    for batch in batches:
        codes = usae.encode_all(batch)
        for name, tokens in batch.items():
            made = usae.decode(name, codes[name])
            error[name] += (tokens - made).square().sum(dtype=torch.float64)
            square[name] += tokens.square().sum(dtype=torch.float64)
            total[name] += tokens.sum(0, dtype=torch.float64)
            count[name] += len(tokens)
    return [
        float(1 - error[n] / (square[n] - total[n].square().sum() / count[n])) for n in usae.names
    ]
