"""The numbering of concepts: the most universal first, the dead last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from usae_viz.sae.statistics import CodeStatistics
from usae_viz.sae.universal import UniversalSAE


@torch.no_grad()
def number_concepts(
    usae: UniversalSAE, batches: Iterable[Mapping[str, Tensor]], prefixes: Sequence[int] = ()
) -> None:
    """Renumber the concepts in place by how alike the backbones' codes are on some tokens.

    Descending smallest correlation over pairs of backbones; with one backbone, by rate. The order
    of training is arbitrary; this one makes a low number worth looking at.

    Args:
        usae: the model; encoders and dictionaries are permuted together.
        batches: paired raw training tokens ``[n, dim]`` per backbone.
        prefixes: sizes of nested dictionaries: concepts stay within their ring.
    """
    statistics = CodeStatistics(usae)
    for batch in batches:
        statistics.add(
            {name: usae.encode(name, batch[name].to(usae.bias[0].dtype)) for name in usae.names}
        )
    m = len(usae.names)
    pairs = [statistics.correlation()[i, j] for i in range(m) for j in range(i)]
    worst = np.min(pairs, axis=0) if pairs else statistics.rate()[0]
    ring = np.searchsorted(np.asarray(prefixes), np.arange(usae.concepts), side="right")
    score = np.where(statistics.dead(), -np.inf, worst)
    order = torch.from_numpy(np.lexsort((-score, ring)))
    thresholds = [] if usae.gate == "topk" else [usae.threshold]
    for parameters in (usae.weight, usae.bias, usae.dictionary, *thresholds):
        for parameter in parameters:
            parameter.copy_(parameter[order.to(parameter.device)])
