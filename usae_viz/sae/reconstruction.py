"""How well codes of one backbone give back the tokens of another: R² and squared error."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from usae_viz.sae.code import SparseCode
from usae_viz.sae.universal import UniversalSAE


class Reconstruction:
    """Sums over tokens from which R² follows, once over all images and once a replicate.

    A replicate weighs images; row 0 of every sum weighs each image once.

    Args:
        usae: the model.
        replicates: how many beside the plain sums.
    """

    def __init__(self, usae: UniversalSAE, replicates: int = 0) -> None:
        self.usae = usae
        rows, m = replicates + 1, len(usae.names)
        self.count = torch.zeros(rows, dtype=torch.float64)
        self.error = torch.zeros(rows, m, m, dtype=torch.float64)
        self.total = [torch.zeros(rows, d, dtype=torch.float64) for d in usae.dims.values()]
        self.square = torch.zeros(rows, m, dtype=torch.float64)

    def add(
        self, images: Mapping[str, Tensor], codes: Mapping[str, SparseCode], weights: Tensor
    ) -> None:
        """Add images.

        Args:
            images: raw tokens ``[images, tokens, dim]`` per backbone, on the CPU.
            codes: of the same tokens in that order, ``[images * tokens, k]``.
            weights: ``[replicates + 1, images]`` float64, on the CPU; row 0 is ones.
        """
        names, device = self.usae.names, self.usae.bias[0].device
        there = {name: codes[name].to(device) for name in names}
        for j, name in enumerate(names):
            tokens = images[name]
            if j == 0:
                self.count += weights.sum(1) * tokens.shape[1]
            self.total[j] += weights @ tokens.sum(1, dtype=torch.float64)
            self.square[:, j] += weights @ tokens.square().sum((1, 2), dtype=torch.float64)
            for i, source in enumerate(names):
                # Sums are of float64, which not every device has.
                made = self.usae.decode(name, there[source]).cpu().view_as(tokens)
                lost = (tokens - made).square().sum((1, 2), dtype=torch.float64)
                self.error[:, i, j] += weights @ lost

    def r2(self) -> tuple[Tensor, Tensor]:
        """Return R² ``[rows, M, M]``: rows of a matrix encoded from, columns decoded to.

        Against each channel's mean, and against one mean over all channels (the paper's eq. 10 as
        its code computes it, which credits the channel means).
        """
        channel, scalar = [], []
        for j, total in enumerate(self.total):
            count = self.count.clamp_min(1)
            channel.append(self.square[:, j] - total.square().sum(1) / count)
            scalar.append(self.square[:, j] - total.sum(1).square() / (count * total.shape[1]))
        return tuple(  # type: ignore[return-value]
            1 - self.error / torch.stack(against, 1)[:, None, :] for against in (channel, scalar)
        )

    def mse(self) -> Tensor:
        """Return the mean squared error per channel ``[rows, M, M]``, in standardised units."""
        usae = self.usae
        scale = torch.stack([usae.scale(name).cpu().double() for name in usae.names])
        width = torch.tensor(list(usae.dims.values()), dtype=torch.float64)
        return self.error / (self.count.clamp_min(1)[:, None, None] * width * scale.square())
