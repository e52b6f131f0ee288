"""How the backbones' codes of the same tokens relate: exact sums, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from usae_viz.errors import UsageError

Array = NDArray[np.float64]

STEPS = range(-6, 21)
"""Edges of the histograms are τ · 2^(step/2): half octaves from τ/8 to 1024 τ; τ is one of them."""


def histogram_edges(tau: float) -> NDArray[np.float32]:
    """Return the E rising edges of the value histograms; the seventh is τ itself.

    Bin 0 holds values up to the first edge, bin e those in (edge e−1, edge e], the last bin those
    above the last edge, so that counts above any edge are exact. τ = 0 takes the edges of 0.1 and
    puts 0 before them.
    """
    base = tau if tau > 0 else 0.1
    edges = np.array([base * 2 ** (step / 2) for step in STEPS], np.float32)
    return edges if tau > 0 else np.concatenate([np.zeros(1, np.float32), edges])


class CodeCounts:
    """Sums over paired tokens of the codes of M backbones and N concepts.

    A concept *fires* where its value exceeds τ. Everything that is reported follows from these
    sums, so that parts of a dataset (shards, ranks) can be counted apart and added.

    Attributes:
        tokens, images: how many were counted; `images` stays 0 where tokens came without images.
        fires: ``[M, N]`` tokens in which a concept fires; `all_fire` ``[N]`` in all backbones at
            once, `pair_fires` ``[M, M, N]`` in both of two.
        image_fires: ``[M, N]`` images in which a concept fires at some token; `image_all_fire`
            ``[N]`` and `image_pair_fires` ``[M, M, N]``: in all or both, at whatever tokens.
        total: ``[M, N]`` sum of values; `products` ``[M, M, N]`` sum of products of two backbones'
            values, squares on the diagonal; `maximum` ``[M, N]``.
        histogram: ``[M, N, E + 1]`` tokens by value, see `histogram_edges`; `joint_histogram`
            ``[N, E + 1]`` tokens by the smallest value over the backbones. Tokens of value 0 are
            in none.
    """

    SUMS = (
        "fires",
        "all_fire",
        "pair_fires",
        "image_fires",
        "image_all_fire",
        "image_pair_fires",
        "total",
        "products",
        "histogram",
        "joint_histogram",
    )

    def __init__(self, names: Sequence[str], concepts: int, tau: float) -> None:
        m, n = len(names), concepts
        self.names, self.concepts, self.tau = tuple(names), concepts, tau
        self.edges = histogram_edges(tau)
        self.tokens = self.images = 0
        bins = len(self.edges) + 1
        self.fires: Array = np.zeros((m, n))
        self.all_fire: Array = np.zeros(n)
        self.pair_fires: Array = np.zeros((m, m, n))
        self.image_fires: Array = np.zeros((m, n))
        self.image_all_fire: Array = np.zeros(n)
        self.image_pair_fires: Array = np.zeros((m, m, n))
        self.total: Array = np.zeros((m, n))
        self.products: Array = np.zeros((m, m, n))
        self.histogram: Array = np.zeros((m, n, bins))
        self.joint_histogram: Array = np.zeros((n, bins))
        self.maximum: Array = np.zeros((m, n))

    @classmethod
    def restore(
        cls, names: Sequence[str], tau: float, arrays: Mapping[str, NDArray[Any]]
    ) -> CodeCounts:
        """Return what `arrays` gave away.

        Raises:
            KeyError: an array is missing.
            UsageError: one has another shape.
        """
        made = CodeCounts(names, int(arrays["fires"].shape[1]), tau)
        made.tokens, made.images = (int(x) for x in arrays["seen"])
        for key in (*cls.SUMS, "maximum"):
            stored, empty = arrays[key], getattr(made, key)
            if stored.shape != empty.shape:
                raise UsageError(
                    f"counts of another shape at {key}",
                    expected=str(list(empty.shape)),
                    got=str(list(stored.shape)),
                )
            setattr(made, key, stored.astype(np.float64))
        return made

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays: counts as the smallest integers that hold them."""
        found = {key: _compact(getattr(self, key)) for key in self.SUMS}
        found["maximum"] = self.maximum
        found["seen"] = np.array([self.tokens, self.images], np.int64)
        return found

    def merge(self, other: CodeCounts) -> Self:
        """Add the counts of other tokens.

        Raises:
            UsageError: they are of other backbones, another width or another τ.
        """
        mine, theirs = ((counts.names, counts.concepts, counts.tau) for counts in (self, other))
        if mine != theirs:
            raise UsageError("counts of unlike codes", expected=str(mine), got=str(theirs))
        self.tokens += other.tokens
        self.images += other.images
        for key in self.SUMS:
            getattr(self, key)[...] += getattr(other, key)
        np.maximum(self.maximum, other.maximum, out=self.maximum)
        return self

    def dead(self) -> NDArray[np.bool_]:
        """Return ``[N]``: True where a concept fires in no backbone."""
        never: NDArray[np.bool_] = np.equal(self.fires.sum(0), 0)
        return never

    def rate(self) -> Array:
        """Return ``[M, N]``: share of tokens in which a concept fires."""
        return self.fires / max(self.tokens, 1)

    def image_rate(self) -> Array:
        """Return ``[M, N]``: share of images with a token in which a concept fires."""
        return self.image_fires / max(self.images, 1)

    def mean(self) -> Array:
        """Return ``[M, N]``: mean value over all tokens."""
        return self.total / max(self.tokens, 1)

    def variance(self) -> Array:
        """Return ``[M, N]``: variance of the value over all tokens."""
        squares = np.einsum("iin->in", self.products)
        variance: Array = (squares / max(self.tokens, 1) - self.mean() ** 2).clip(0)
        return variance

    def entropy(self) -> Array:
        """Return the firing entropy ``[N]`` in [0, 1] (paper eq. 12–13); 0 for dead concepts.

        1: fires equally often in all backbones; 0: in one only. With one backbone it is 0.
        """
        return firing_entropy(self.fires)

    def image_entropy(self) -> Array:
        """Return the same over images: 1 if it fires in as many images in every backbone."""
        return firing_entropy(self.image_fires)

    def cofire(self) -> Array:
        """Return the co-fire proportion ``[M, N]`` (paper eq. 11, 14); 0 where it never fires.

        Of the tokens in which a concept fires in backbone i, the share in which it fires in all.
        """
        return _share(self.all_fire, self.fires)

    def image_cofire(self) -> Array:
        """Return the same over images: ``[M, N]``, whatever the place in the image."""
        return _share(self.image_all_fire, self.image_fires)

    def pair_share(self) -> Array:
        """Return ``[M, M, N]``: tokens in which both fire, over those of the more frequent one."""
        return _pair_share(self.pair_fires, self.fires)

    def image_pair_share(self) -> Array:
        """Return the same over images."""
        return _pair_share(self.image_pair_fires, self.image_fires)

    def lift(self) -> Array:
        """Return ``[N]``: co-firing in all over what independent firing would give; 0 if never."""
        return _over_chance(self.all_fire / max(self.tokens, 1), self.rate().prod(0))

    def pair_lift(self) -> Array:
        """Return ``[M, M, N]``: both firing over what independent firing would give; 0 if never."""
        rate = self.rate()
        return _over_chance(self.pair_fires / max(self.tokens, 1), rate[:, None] * rate[None])

    def correlation(self) -> Array:
        """Return ``[M, M, N]``: Pearson correlation of values over tokens; 0 where undefined."""
        mean = self.mean()
        covariance = self.products / max(self.tokens, 1) - mean[:, None] * mean[None]
        variance = np.einsum("iin->in", covariance).clip(0)
        norm = np.sqrt(variance[:, None] * variance[None])
        return np.where(norm > 1e-12, covariance / norm.clip(1e-12), 0)

    def sweep(self) -> dict[str, Array]:
        """Return what another τ would give, at every edge of the histograms: exact, not binned.

        Returns:
            ``tau`` ``[E]``; ``rate`` ``[E, M, N]``; ``entropy`` ``[E, N]``; ``cofire``
            ``[E, M, N]``.
        """
        above = np.cumsum(self.histogram[..., ::-1], axis=-1)[..., ::-1][..., 1:]
        together = np.cumsum(self.joint_histogram[..., ::-1], axis=-1)[..., ::-1][..., 1:]
        fires = np.moveaxis(above, -1, 0)
        return {
            "tau": self.edges.astype(np.float64),
            "rate": fires / max(self.tokens, 1),
            "entropy": np.stack([firing_entropy(each) for each in fires]),
            "cofire": _share(together.T[:, None], fires),
        }


def firing_entropy(fires: Array) -> Array:
    """Return the entropy ``[N]`` of counts ``[M, N]`` over M, as a share of the largest, log M."""
    share = fires / fires.sum(0).clip(1)
    logs = np.log(share, where=share > 0, out=np.zeros_like(share))
    entropy: Array = (-(share * logs).sum(0) / max(np.log(len(fires)), 1e-12)).clip(0, 1)
    return entropy


def _share(part: Array, whole: Array) -> Array:
    share: Array = part / whole.clip(1)
    return share


def _pair_share(both: Array, fires: Array) -> Array:
    return _share(both, np.maximum(fires[:, None], fires[None]))


def _over_chance(observed: Array, chance: Array) -> Array:
    lift: Array = np.where(chance > 0, observed / chance.clip(1e-300), 0)
    return lift


def _compact(values: Array) -> NDArray[Any]:
    if not np.array_equal(values, np.rint(values)):
        return values
    top = values.max(initial=0)
    for kind in (np.uint16, np.uint32):
        if top <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.int64)
