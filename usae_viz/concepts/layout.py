"""A map of the dictionary: concepts whose rows point alike lie near each other."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PERPLEXITY = 30
FEW = 64
"""With fewer living concepts there is no neighbourhood to keep: the two main axes say as much."""


def dictionary_map(rows: list[Tensor], living: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a place for each concept, ``[N, 2]`` in [0, 1]; NaN for dead ones.

    t-SNE (van der Maaten and Hinton, 2008) by scikit-learn, from the main axes and with a fixed
    seed, so that the same dictionary always gives the same map. It keeps neighbourhoods, which is
    what a person browses by; distances between far groups mean nothing. Each backbone's rows count
    alike: nearness is the mean of their cosines.

    Args:
        rows: the dictionary ``[N, dim]`` of each backbone.
        living: ``[N]``.
    """
    places = np.full((len(living), 2), np.nan, np.float32)
    count = int(living.sum())
    if count == 0:
        return places
    unit = [torch.nn.functional.normalize(each.detach().float(), dim=1) for each in rows]
    points = torch.cat(unit, 1).numpy()[living] / np.sqrt(len(rows))
    main = _main_axes(points)
    if count >= FEW:
        # Imported here: it takes a second, and only this needs it.
        from sklearn.manifold import TSNE

        start = main / max(main[:, 0].std(), 1e-12) * 1e-4
        tsne = TSNE(init=start.astype(np.float32), perplexity=PERPLEXITY, random_state=0)
        main = tsne.fit_transform(points)
    low, high = main.min(0), main.max(0)
    places[living] = (main - low) / np.where(high > low, high - low, 1)
    return places


def _main_axes(points: NDArray[np.float32]) -> NDArray[np.float64]:
    centred = points.astype(np.float64) - points.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, :-3:-1] if vectors.shape[1] > 1 else np.repeat(vectors, 2, 1)
    # Eigenvectors come with either sign; the larger side is up.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(2)])
    placed: NDArray[np.float64] = centred @ axes
    return placed
