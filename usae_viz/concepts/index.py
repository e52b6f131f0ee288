"""The concept index as it is read: statistics over a dataset and natural examples."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from usae_viz.errors import ConceptError, RunError
from usae_viz.run import Run, read_json

Floats = NDArray[np.float32]
Kind = Literal["universal", "shared", "unique", "dead"]

FORMAT = 1
UNIVERSAL_ENTROPY = 0.9
"""From this firing entropy on, a concept that all backbones share is universal."""
UNIQUE_ENTROPY = 0.2
"""Below this firing entropy a concept belongs to one backbone."""
SHARED_COFIRE = 0.3
"""Two backbones share a concept if it fires in both in this share of the more frequent one's
tokens …"""
SHARED_LIFT = 2.0
"""… and this many times more often than independent firing would give."""


class Example(NamedTuple):
    """An image that fires a concept in one backbone.

    Attributes:
        image_id: content hash of the image.
        score: mean over tokens of the gated activation.
        peak: its maximum over tokens.
        position: (row, column) of the peak on the token grid.
        grid: ``[grid, grid]`` uint8, the gated map as a share of `peak`, times 255.
    """

    image_id: str
    score: float
    peak: float
    position: tuple[int, int]
    grid: NDArray[np.uint8]


class ConceptIndex:
    """What each of N concepts does in each of M backbones, over `images` images.

    Attributes (float32): `rate`, `mean`, `maximum`, `energy` ``[M, N]``; `entropy`, `cofire`
    (smallest over backbones of |C_k|/|F_k|), `lift` ``[N]``; `pair`, `pair_lift`, `correlation`
    ``[M, M, N]``; `dead` ``[N]`` bool; `natural_score` and `natural_peak` ``[M, N]``: means over
    the top images of the mean and of the maximum over tokens.
    """

    def __init__(
        self, tensors: dict[str, NDArray[Any]], examples: dict[str, Any], names: tuple[str, ...]
    ) -> None:
        self.names = names
        self.tau = float(examples["tau"])
        self.images, self.tokens = int(examples["images"]), int(examples["tokens"])
        self.grid = int(examples["grid"])
        self.rate: Floats = tensors["rate"]
        self.mean: Floats = tensors["mean"]
        self.maximum: Floats = tensors["maximum"]
        self.energy: Floats = tensors["energy"]
        self.entropy: Floats = tensors["entropy"]
        self.cofire: Floats = tensors["cofire"]
        self.lift: Floats = tensors["lift"]
        self.pair: Floats = tensors["pair"]
        self.pair_lift: Floats = tensors["pair_lift"]
        self.correlation: Floats = tensors["correlation"]
        self.natural_score: Floats = tensors["natural_score"]
        self.natural_peak: Floats = tensors["natural_peak"]
        self.dead: NDArray[np.bool_] = tensors["rate"].sum(0) == 0
        self.concepts = int(self.rate.shape[1])
        self._tensors, self._ids = tensors, examples["ids"]

    def require(self, concept: int) -> None:
        """Check that a concept can be looked at.

        Raises:
            ConceptError: it lies outside the code, or fires on no image that was indexed.
        """
        if not 0 <= concept < self.concepts:
            raise ConceptError(
                f"there is no concept {concept}",
                expected=f"0 to {self.concepts - 1}",
                hint="`usae-viz concepts` lists them",
            )
        if self.dead[concept]:
            living = np.flatnonzero(~self.dead)
            near = living[np.abs(living - concept).argsort()[:3]] if living.size else living
            raise ConceptError(
                f"concept {concept} is dead: it fires in no backbone on any of "
                f"{self.images} images",
                hint="`usae-viz concepts` lists the living ones"
                + (f", for example {', '.join(map(str, sorted(near)))}" if near.size else ""),
            )

    def sharing(self, concept: int) -> list[str]:
        """Return the backbones that share a concept with another one, most active first.

        See `SHARED_COFIRE` and `SHARED_LIFT`; judged on the same tokens, since equal rates can
        come from different places. If no two share it: the one that fires it most.
        """
        rate = self.rate[:, concept]
        if not rate.any():
            return []
        shares = self.pair[:, :, concept] >= SHARED_COFIRE
        shares &= self.pair_lift[:, :, concept] >= SHARED_LIFT
        np.fill_diagonal(shares, False)
        members = np.flatnonzero(shares.any(1))
        if not members.size:
            return [self.names[int(rate.argmax())]]
        return [self.names[j] for j in sorted(members, key=lambda j: -rate[j])]

    def kind(self, concept: int) -> Kind:
        """Return ``universal``, ``shared``, ``unique`` or ``dead``.

        Universal: entropy at least 0.9 and all backbones share it; unique: entropy below 0.2 or no
        second backbone shares it.
        """
        if self.dead[concept]:
            return "dead"
        sharing = len(self.sharing(concept))
        if self.entropy[concept] < UNIQUE_ENTROPY or sharing < 2:
            return "unique"
        if self.entropy[concept] >= UNIVERSAL_ENTROPY and sharing == len(self.names):
            return "universal"
        return "shared"

    def most_universal(self, count: int) -> list[int]:
        """Return concepts by the smallest correlation of codes over pairs of backbones, best first.

        Judged token by token; rates alone (entropy) are easily pleased.
        """
        m = len(self.names)
        pairs = [(i, j) for i in range(m) for j in range(i)]
        worst = (
            np.min([self.correlation[i, j] for i, j in pairs], axis=0) if pairs else self.rate[0]
        )
        order = np.argsort(-np.where(self.dead, -np.inf, worst), kind="stable")
        return [int(k) for k in order[:count] if not self.dead[k]]

    def example_ids(self) -> list[str]:
        """Return the ids of all images that are an example of something."""
        return list(self._ids)

    def examples(self, name: str, concept: int) -> list[Example]:
        """Return the natural examples of a concept in one backbone, highest `score` first."""
        found = []
        rows = zip(
            self._tensors[f"example_image/{name}"][concept],
            self._tensors[f"example_score/{name}"][concept],
            self._tensors[f"example_peak/{name}"][concept],
            self._tensors[f"example_grid/{name}"][concept],
            strict=True,
        )
        for image, score, peak, grid in rows:
            if image < 0 or score <= 0:
                continue
            row, column = divmod(int(grid.argmax()), self.grid)
            found.append(
                Example(
                    self._ids[int(image)],
                    float(score),
                    float(peak),
                    (row, column),
                    grid.reshape(self.grid, self.grid),
                )
            )
        return found


def load_index(run: Run) -> ConceptIndex:
    """Load the concept index of a run.

    Raises:
        RunError: it is missing or damaged.
    """
    if not run.index_file.is_file():
        raise RunError(
            f"{run.path} has no concept index", hint=f"run `usae-viz index --run {run.path}`"
        )
    examples = read_json(run.examples_file)
    try:
        tensors = load(run.index_file.read_bytes())
        if examples.get("format") != FORMAT:
            raise RunError(
                f"{run.examples_file} has another format",
                expected=str(FORMAT),
                got=str(examples.get("format")),
                hint="index again",
            )
        return ConceptIndex(tensors, examples, run.names)
    except (SafetensorError, KeyError) as error:
        raise RunError(
            f"the concept index of {run.path} is damaged", got=str(error), hint="index again"
        ) from error
