"""Sobol attribution: how much of a target's variance is due to each part of the image.

Hand-written since captum has none: total-order indices by Jansen's estimator on a quasi-random
design (Fel et al., Look at the Variance!, NeurIPS 2021; design of Saltelli et al. 2010).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.stats import qmc
from torch import Tensor
from torch.nn import functional as F


@torch.no_grad()
def sobol_indices(
    score: Callable[[Tensor], Tensor],
    image: Tensor,
    start: Tensor,
    *,
    cells: int,
    designs: int,
    batch_size: int,
    seed: int,
) -> Tensor:
    """Return the total-order Sobol index of each cell of a grid, brought to the image's size.

    A mask in [0, 1] fades each cell between the image (1) and the baseline (0).

    Args:
        score: images ``[n, 3, H, W]`` → ``[n]``.
        image: ``[3, H, W]``.
        start: the baseline, ``[3, H, W]``.
        cells: cells along each side; costs ``designs × (cells² + 2)`` forward passes.
        designs: base points, a power of two.
        batch_size: images at once.
        seed: of the scrambling.

    Returns:
        ``[H, W]``, at least 0 up to sampling error; 0 everywhere for a constant target.
    """
    count = cells * cells
    points = torch.from_numpy(qmc.Sobol(2 * count, seed=seed).random(designs)).to(image)
    first, second = points[:, :count], points[:, count:]
    # Row block i is the first design with column i taken from the second.
    swapped = first.repeat(count, 1, 1)
    index = torch.arange(count, device=image.device)
    swapped[index, :, index] = second.T
    masks = torch.cat([first, swapped.flatten(0, 1)]).view(-1, 1, cells, cells)
    scores = torch.cat(
        [
            score(
                start + F.interpolate(part, image.shape[-2:], mode="nearest") * (image - start)
            ).cpu()
            for part in torch.split(masks, batch_size)
        ]
    ).double()
    base, other = scores[:designs], scores[designs:].view(count, designs)
    variance = base.var(unbiased=False)
    if variance <= torch.finfo(variance.dtype).tiny:
        return torch.zeros_like(image[0])
    total = (base - other).square().mean(1) / (2 * variance)
    grid = total.to(image).view(1, 1, cells, cells)
    return F.interpolate(grid, image.shape[-2:], mode="bilinear")[0, 0]
