"""Concepts near a concept: by their dictionary rows, and by firing where it fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from usae_viz.concepts.chance import Words, mixed, uniforms
from usae_viz.concepts.records import Neighbours
from usae_viz.sae import SparseCode

NEIGHBOURS = 8
"""Kept per concept and backbone (or pair of backbones)."""
SAMPLE = 65_536
"""Tokens whose whole codes are kept to find concepts that fire together."""
DUPLICATE_COSINE = 0.9
"""Concepts whose rows are this close in every backbone are near-duplicates of each other."""
_CHUNK = 512


class TokenSample:
    """The codes of a fair sample of tokens: those whose hash is lowest, whatever their order.

    So the sample of a whole is what its parts' samples merge to, and memory stays as it is.

    Attributes:
        draw: ``[n]`` float64 in [0, 1), the tokens' draws.
        values, indices: per backbone ``[n, k]``.
    """

    def __init__(self, size: int = SAMPLE) -> None:
        self.size = size
        self.draw: NDArray[np.float64] = np.zeros(0)
        self.values: dict[str, Tensor] = {}
        self.indices: dict[str, Tensor] = {}
        self._waiting: list[TokenSample] = []
        self._bar = 1.0

    def add(self, words: Words, codes: Mapping[str, SparseCode], tokens: int) -> None:
        """Offer the tokens of a batch of images, `tokens` of each, by the images' hashes."""
        places = np.arange(tokens, dtype=np.uint64) << np.uint64(32)
        draw = uniforms(mixed(mixed(words, 2)[:, None] ^ places, 3)).ravel()
        low = np.flatnonzero(draw < self._bar)
        if not low.size:
            return
        part, rows = TokenSample(self.size), torch.from_numpy(low)
        part.draw = draw[low]
        part.values = {name: code.values[rows] for name, code in codes.items()}
        part.indices = {name: code.indices[rows].to(torch.int32) for name, code in codes.items()}
        self._waiting.append(part)
        if sum(len(each.draw) for each in self._waiting) > self.size:
            self._settle()

    def merge(self, other: TokenSample) -> None:
        """Add the sample of other tokens."""
        other._settle()
        self._waiting.append(other)
        self._settle()

    def _settle(self) -> None:
        waiting = [part for part in self._waiting if len(part.draw)]
        if not waiting:
            self._waiting = []
            return
        parts = [self, *waiting] if len(self.draw) else waiting
        draw = np.concatenate([part.draw for part in parts])
        order = np.argsort(draw, kind="stable")[: self.size]
        rows = torch.from_numpy(order)
        names = parts[0].values
        self.values = {n: torch.cat([part.values[n] for part in parts])[rows] for n in names}
        self.indices = {n: torch.cat([part.indices[n] for part in parts])[rows] for n in names}
        self.draw, self._waiting = draw[order], []
        if len(order) == self.size:
            self._bar = float(self.draw[-1])

    def state(self) -> dict[str, Tensor]:
        """Return the sample as tensors, as `restore` takes them."""
        self._settle()
        found = {"draw": torch.from_numpy(self.draw)}
        for name in self.values:
            found |= {f"{name}/values": self.values[name], f"{name}/indices": self.indices[name]}
        return found

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take the sample that `state` gave away."""
        self.draw = state["draw"].numpy()
        names = [key.removesuffix("/values") for key in state if key.endswith("/values")]
        self.values = {name: state[f"{name}/values"] for name in names}
        self.indices = {name: state[f"{name}/indices"] for name in names}

    def matrix(self, name: str, concepts: int) -> csr_matrix:
        """Return a backbone's codes of the sampled tokens, sparse ``[n, concepts]``."""
        self._settle()
        values, indices = self.values[name], self.indices[name]
        ends = np.arange(len(values) + 1) * values.shape[1]
        shape = (len(values), concepts)
        made = csr_matrix((values.flatten().numpy(), indices.flatten().numpy(), ends), shape=shape)
        made.eliminate_zeros()
        return made


def by_dictionary(rows: Tensor, living: NDArray[np.bool_], count: int = NEIGHBOURS) -> Neighbours:
    """Return for each concept the living ones whose rows ``[N, dim]`` point most alike."""
    unit = torch.nn.functional.normalize(rows.detach().float(), dim=1)
    blocked = torch.from_numpy(~living)

    def nearness(start: int, stop: int) -> Tensor:
        return (unit[start:stop] @ unit.T).masked_fill(blocked, -torch.inf)

    return _nearest(nearness, len(rows), count, itself=False)


def by_coactivation(
    left: csr_matrix, right: csr_matrix, *, same: bool, count: int = NEIGHBOURS
) -> Neighbours:
    """Return for each concept of one backbone those that fire most alike in another.

    Nearness is the cosine of their values over the same tokens: 1 if they rise and fall together, 0
    if they never fire together.

    Args:
        left: codes of a backbone, sparse ``[n, N]``.
        right: those of the same tokens of another, or of the same one.
        same: both are of one backbone; a concept is then no neighbour of itself.
        count: how many neighbours.
    """
    a, b = _unit_columns(left).T.tocsr(), _unit_columns(right)

    def nearness(start: int, stop: int) -> Tensor:
        together = torch.from_numpy((a[start:stop] @ b).toarray()).float()
        return together.masked_fill(together <= 0, -torch.inf)

    return _nearest(nearness, left.shape[1], count, itself=not same)


def duplicates(
    rows: list[Tensor], living: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return each concept's closest twin ``[N]`` (−1: none) and their cosine.

    A twin is a living concept whose row has a cosine of at least `DUPLICATE_COSINE` in every
    backbone; its nearness is the smallest of these cosines.
    """
    units = [torch.nn.functional.normalize(each.detach().float(), dim=1) for each in rows]
    blocked = torch.from_numpy(~living)

    def nearness(start: int, stop: int) -> Tensor:
        least = torch.stack([unit[start:stop] @ unit.T for unit in units]).amin(0)
        return least.masked_fill(blocked, -torch.inf)

    nearest = _nearest(nearness, len(units[0]), 1, itself=False)
    cosine = nearest.nearness[:, 0]
    twin = np.where((cosine >= DUPLICATE_COSINE) & living, nearest.concept[:, 0], -1)
    return twin.astype(np.int32), cosine


def _nearest(
    nearness: Callable[[int, int], Tensor], concepts: int, count: int, *, itself: bool
) -> Neighbours:
    count = min(count, concepts)
    found = Neighbours(
        np.full((concepts, count), -1, np.int32), np.zeros((concepts, count), np.float32)
    )
    for start in range(0, concepts, _CHUNK):
        stop = min(start + _CHUNK, concepts)
        chunk = nearness(start, stop)
        if not itself:
            own = torch.arange(start, stop)
            chunk[own - start, own] = -torch.inf
        best = chunk.topk(count, dim=1)
        real = (best.values > -torch.inf).numpy()
        found.concept[start:stop] = np.where(real, best.indices.numpy(), -1)
        found.nearness[start:stop] = np.where(real, best.values.numpy(), 0)
    return found


def _unit_columns(codes: csr_matrix) -> csr_matrix:
    norm = np.sqrt(np.asarray(codes.multiply(codes).sum(0)).ravel())
    scaled = codes.copy()
    scaled.data = scaled.data / norm[scaled.indices].clip(1e-12)
    return scaled
