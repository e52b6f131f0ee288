"""How the backbones' codes of the same tokens relate: rates, co-firing, correlation, energy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from usae_viz.sae.code import SparseCode, densify
from usae_viz.sae.universal import UniversalSAE

Array = NDArray[np.float64]


class CodeStatistics:
    """Running sums over paired tokens; memory grows with concepts, never with tokens.

    M backbones, N concepts. A concept *fires* where its value exceeds τ.
    """

    def __init__(self, usae: UniversalSAE) -> None:
        m, n = len(usae.names), usae.concepts
        self.names, self.concepts, self.tau = usae.names, n, usae.tau
        self.tokens = 0
        self.fires = torch.zeros(m, n, dtype=torch.float64)
        self.all_fire = torch.zeros(n, dtype=torch.float64)
        self.pair_fires = torch.zeros(m, m, n, dtype=torch.float64)
        self.total = torch.zeros(m, n, dtype=torch.float64)
        self.products = torch.zeros(m, m, n, dtype=torch.float64)
        self.maximum = torch.zeros(m, n, dtype=torch.float64)

    def add(self, codes: Mapping[str, SparseCode]) -> None:
        """Add the codes of the same tokens from every backbone."""
        dense = [densify(codes[name], self.concepts) for name in self.names]
        fires = [values > self.tau for values in dense]
        self.tokens += len(dense[0])
        everywhere = torch.stack(fires).all(0)
        self.all_fire += everywhere.sum(0)
        for i, values in enumerate(dense):
            self.total[i] += values.sum(0)
            self.maximum[i] = torch.maximum(self.maximum[i], values.amax(0).double())
            for j in range(i + 1):
                both = (fires[i] & fires[j]).sum(0)
                product = (values * dense[j]).sum(0)
                self.pair_fires[i, j] += both
                self.products[i, j] += product
                if i != j:
                    self.pair_fires[j, i] += both
                    self.products[j, i] += product
            self.fires[i] = self.pair_fires[i, i]

    def dead(self) -> NDArray[np.bool_]:
        """Return ``[N]``: True where a concept fires in no backbone."""
        return np.equal(_numpy(self.fires.sum(0)), 0)

    def rate(self) -> Array:
        """Return ``[M, N]``: share of tokens in which a concept fires."""
        return _numpy(self.fires / max(self.tokens, 1))

    def mean(self) -> Array:
        """Return ``[M, N]``: mean value over all tokens."""
        return _numpy(self.total / max(self.tokens, 1))

    def entropy(self) -> Array:
        """Return the firing entropy ``[N]`` in [0, 1] (paper eq. 12–13); 0 for dead concepts.

        1: fires equally often in all backbones; 0: in one only. With one backbone it is 0.
        """
        share = self.fires / self.fires.sum(0).clamp_min(1)
        logs = torch.where(share > 0, share.log(), 0)
        return _numpy(-(share * logs).sum(0) / max(np.log(len(self.names)), 1e-12)).clip(0, 1)

    def cofire(self) -> Array:
        """Return the co-fire proportion ``[M, N]`` (paper eq. 11, 14); 0 where it never fires.

        Of the tokens in which a concept fires in backbone i, the share in which it fires in all.
        """
        return _numpy(self.all_fire / self.fires.clamp_min(1))

    def pair_share(self) -> Array:
        """Return ``[M, M, N]``: tokens in which both fire, over those of the more frequent one."""
        larger = torch.maximum(self.fires[:, None], self.fires[None]).clamp_min(1)
        return _numpy(self.pair_fires / larger)

    def lift(self) -> Array:
        """Return ``[N]``: co-firing in all backbones over what independent firing would give."""
        chance = (self.fires / max(self.tokens, 1)).prod(0)
        observed = self.all_fire / max(self.tokens, 1)
        return _numpy(torch.where(chance > 0, observed / chance.clamp_min(1e-300), 0))

    def pair_lift(self) -> Array:
        """Return ``[M, M, N]``: both firing over what independent firing would give; 0 if never."""
        rate = self.fires / max(self.tokens, 1)
        chance = rate[:, None] * rate[None]
        observed = self.pair_fires / max(self.tokens, 1)
        return _numpy(torch.where(chance > 0, observed / chance.clamp_min(1e-300), 0))

    def correlation(self) -> Array:
        """Return ``[M, M, N]``: Pearson correlation of values over tokens; 0 where undefined."""
        count = max(self.tokens, 1)
        mean = self.total / count
        covariance = self.products / count - mean[:, None] * mean[None]
        variance = torch.diagonal(covariance).T.clamp_min(0)
        norm = (variance[:, None] * variance[None]).sqrt()
        return _numpy(torch.where(norm > 1e-12, covariance / norm.clamp_min(1e-12), 0))

    def energy(self, usae: UniversalSAE) -> Array:
        """Return ``[M, N]``: ‖E[Z_k] D_k‖² (paper eq. 9), in standardised units."""
        squared = torch.stack([usae.rows(name).square().sum(1) for name in usae.names])
        return self.mean() ** 2 * _numpy(squared.double())


def _numpy(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy().astype(np.float64)
