"""The concept index as it is read: statistics over a dataset, examples, neighbours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from usae_viz.concepts.classes import KINDS, Kind, classify, sharing
from usae_viz.concepts.records import Example, Neighbours
from usae_viz.errors import ConceptError, RunError, UsaeVizError, UsageError
from usae_viz.run import Run, file_sha256, read_json
from usae_viz.sae.counts import CodeCounts

Floats = NDArray[np.float32]
Choice = Literal["top", "random", "joint"]

FORMAT = 2
HASH = re.compile("[0-9a-f]{64}")
SEAL = "sha256"
"""Key of the file's metadata that holds `seal` of its tensors."""


class ConceptIndex:
    """What each of N concepts does in each of M backbones, over `images` images.

    Attributes (float32): `rate`, `image_rate`, `mean`, `variance`, `maximum`, `energy` ``[M, N]``;
    `entropy`, `cofire` (smallest over backbones of |C_k|/|F_k|), `lift` ``[N]``; `pair`,
    `pair_lift`, `correlation` ``[M, M, N]``; `dead` ``[N]`` bool; `natural_score` and
    `natural_peak` ``[M, N]``: means over the top images of the mean and of the maximum over tokens.
    `counts` are the sums all of this follows from. `label_share` ``[M, L, N]``: of the images in
    which a concept fires, the share that carries a label. `place` ``[N, 2]`` in [0, 1]: the map of
    the dictionary, NaN for dead concepts. `twin` ``[N]``: the closest near-duplicate, −1 for none.
    `intervals`: low and high ends (95 %) of ``rate``, ``entropy``, ``cofire`` and ``pair``, each
    ``[2, …]``; `kind_intervals` of how many concepts are of a class.
    """

    def __init__(
        self, tensors: Mapping[str, NDArray[Any]], table: dict[str, Any], run: Run
    ) -> None:
        self.names, self._run, self._tensors = run.names, run, tensors
        self.tau, self.grid = float(table["tau"]), int(table["grid"])
        self.labels: tuple[str, ...] = tuple(table["labels"])
        self._ids: list[str] = table["ids"]
        # They become names of files.
        if not all(isinstance(each, str) and HASH.fullmatch(each) for each in self._ids):
            raise ValueError("ids of images that are no hashes")
        self.kind_intervals: dict[str, tuple[int, int]] = {
            kind: (int(low), int(high)) for kind, (low, high) in table["kinds"].items()
        }
        stored = {k.removeprefix("counts/"): v for k, v in tensors.items()}
        counts = self.counts = CodeCounts.restore(self.names, self.tau, stored)
        self.concepts, self.images, self.tokens = counts.concepts, counts.images, counts.tokens
        self.rate: Floats = _float(counts.rate())
        self.image_rate: Floats = _float(counts.image_rate())
        self.mean: Floats = _float(counts.mean())
        self.variance: Floats = _float(counts.variance())
        self.maximum: Floats = _float(counts.maximum)
        self.energy: Floats = _float(counts.mean() ** 2 * tensors["row_square"])
        self.entropy: Floats = _float(counts.entropy())
        self.cofire: Floats = _float(counts.cofire().min(0))
        self.lift: Floats = _float(counts.lift())
        self.pair: Floats = _float(counts.pair_share())
        self.pair_lift: Floats = _float(counts.pair_lift())
        self.correlation: Floats = _float(counts.correlation())
        self.dead: NDArray[np.bool_] = counts.dead()
        self.natural_score: Floats = tensors["natural_score"]
        self.natural_peak: Floats = tensors["natural_peak"]
        self.place: Floats = tensors["place"]
        self.twin: NDArray[np.int32] = tensors["twin"]
        self.twin_cosine: Floats = tensors["twin_cosine"]
        self.intervals: dict[str, Floats] = {
            key: tensors[f"interval/{key}"] for key in ("rate", "entropy", "cofire", "pair")
        }
        self.label_share: Floats = _float(
            tensors["label_fires"] / counts.image_fires[:, None].clip(1)
        )
        self.label_rate: Floats = _float(tensors["label_images"] / max(self.images, 1))

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

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """For each concept its place in `KINDS`, see `classify`."""
        return classify(self.counts)

    @cached_property
    def _sharing(self) -> NDArray[np.bool_]:
        return sharing(self.counts)

    def kind(self, concept: int) -> Kind:
        """Return ``universal``, ``shared``, ``unique``, ``dense`` or ``dead``."""
        return KINDS[int(self.kinds[concept])]

    def sharing(self, concept: int) -> list[str]:
        """Return the backbones that share a concept with another one, most active first.

        If no two share it: the one that fires it most.
        """
        rate = self.counts.fires[:, concept]
        if not rate.any():
            return []
        members = np.flatnonzero(self._sharing[:, concept])
        if not members.size:
            return [self.names[int(rate.argmax())]]
        return [self.names[j] for j in sorted(members, key=lambda j: -rate[j])]

    def worst_correlation(self) -> Floats:
        """Return ``[N]``: smallest correlation of codes over pairs; with one backbone, the rate."""
        pairs = self.correlation[np.tril_indices(len(self.names), -1)]
        worst: Floats = pairs.min(0) if len(pairs) else self.rate[0]
        return worst

    def most_universal(self, count: int) -> list[int]:
        """Return concepts by the smallest correlation of codes over pairs of backbones, best first.

        Judged token by token; rates alone (entropy) are easily pleased.
        """
        order = np.argsort(-np.where(self.dead, -np.inf, self.worst_correlation()), kind="stable")
        return [int(k) for k in order[:count] if not self.dead[k]]

    def near(self, name: str) -> Neighbours:
        """Return the nearest concepts of each by the dictionary of one backbone (cosine)."""
        return self._neighbours(f"near/{name}")

    def coactive(self, name: str, other: str | None = None) -> Neighbours:
        """Return the concepts of backbone `other` that fire most like each of backbone `name`.

        Nearness is the cosine of values over a sample of tokens; `other` defaults to `name`, and a
        concept is then no neighbour of itself. Across backbones its own number should come first.
        """
        return self._neighbours(f"coactive/{name}/{other or name}")

    def _neighbours(self, key: str) -> Neighbours:
        self._run.record(key.split("/")[1])
        self._run.record(key.split("/")[-1])
        return Neighbours(self._tensors[f"{key}/concept"], self._tensors[f"{key}/nearness"])

    def example_ids(self) -> list[str]:
        """Return the ids of all images that are an example of something."""
        return list(self._ids)

    def examples(self, name: str, concept: int, choice: Choice = "top") -> list[Example]:
        """Return natural examples of a concept in one backbone.

        Args:
            name: the backbone.
            concept: index of the code.
            choice: ``top``: of the highest `score`, highest first. ``random``: drawn by chance from
                all images that fire the concept in this backbone, in the order drawn. ``joint``:
                those whose smallest score over all backbones is largest; the same for each.

        Raises:
            RunError: the run has no such backbone.
            UsageError: another choice.
        """
        self._run.record(name)
        heads = {"top": f"top/{name}", "random": f"sample/{name}", "joint": "joint"}
        if choice not in heads:
            raise UsageError(f"no examples are chosen by {choice!r}", expected=", ".join(heads))
        place = 0 if choice != "joint" else self.names.index(name)
        try:
            with safe_open(self._run.example_maps_file, "numpy") as file:
                parts = {
                    key: file.get_slice(f"{heads[choice]}/{key}")
                    for key in ("score", "peak", "grid")
                }
                images = file.get_slice(f"{heads[choice]}/image")[concept]
                score, peak, grid = (part[place, concept] for part in parts.values())
            whole = (len(images), self.grid**2)
            if not images.shape == score.shape == peak.shape or grid.shape != whole:
                raise ValueError("maps of other shapes than the index says")
            if images.dtype.kind != "i" or (images >= len(self._ids)).any():
                raise ValueError("examples that are none of the images")
        except (SafetensorError, OSError, IndexError, ValueError, TypeError) as error:
            raise RunError(
                f"{self._run.example_maps_file} is missing or damaged",
                got=" ".join(str(error).split())[:200],
                hint=f"index again: `usae-viz index --run {self._run.path}`",
            ) from error
        kept = np.flatnonzero((images >= 0) & (score > 0))
        rank = np.argsort(np.argsort(score[kept])) + 1
        return [
            Example(
                self._ids[int(images[at])],
                float(score[at]),
                float(peak[at]),
                (int(grid[at].argmax()) // self.grid, int(grid[at].argmax()) % self.grid),
                grid[at].reshape(self.grid, self.grid),
                float(rank[number] / len(kept)) if choice == "random" else None,
            )
            for number, at in enumerate(kept)
        ]

    def quantiles(self, name: str, concept: int, bins: int = 4) -> list[list[Example]]:
        """Return the random examples of a concept by strength: `bins` lists, weakest first."""
        found = sorted(self.examples(name, concept, "random"), key=lambda e: e.quantile or 0)
        edges = np.linspace(0, len(found), bins + 1).round().astype(int)
        return [found[a:b] for a, b in pairwise(edges)]


def load_index(run: Run) -> ConceptIndex:
    """Load the concept index of a run.

    Raises:
        RunError: it is missing, damaged, of another format, or of another checkpoint.
    """
    again = f"run `usae-viz index --run {run.path}`"
    if not run.index_file.is_file():
        raise RunError(f"{run.path} has no concept index", hint=again)
    table = read_json(run.examples_file)
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise RunError(
            f"the concept index of {run.path} has another format",
            expected=str(FORMAT),
            got=str(table.get("format") if isinstance(table, dict) else type(table)),
            hint=f"index again: {again}",
        )
    made_of = table.get("checkpoint")
    if made_of and run.usae_file.is_file() and made_of != file_sha256(run.usae_file):
        raise RunError(
            f"the concept index of {run.path} was made with another checkpoint",
            expected=f"sha256 {file_sha256(run.usae_file)[:12]} ({run.usae_file.name})",
            got=f"sha256 {str(made_of)[:12]}",
            hint=f"index again: {again}",
        )
    try:
        if not run.example_maps_file.is_file():
            raise KeyError(f"{run.example_maps_file.name} is missing")
        with safe_open(run.index_file, "numpy") as file:
            sealed = (file.metadata() or {}).get(SEAL)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        # None in an index that an older version wrote.
        if sealed not in (None, seal(tensors)):
            raise ValueError(f"the bytes of {run.index_file.name} are not those written")
        return ConceptIndex(tensors, table, run)
    except RunError:
        raise
    except (
        SafetensorError, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError,
        ArithmeticError, UsaeVizError,
    ) as error:  # fmt: skip
        raise RunError(
            f"the concept index of {run.path} is damaged",
            got=str(error),
            hint=f"index again: {again}",
        ) from error


def seal(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return one hash over names, types, shapes and bytes."""
    total = hashlib.sha256()
    for key in sorted(tensors):
        array = np.ascontiguousarray(tensors[key])
        total.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.data)
    return total.hexdigest()


def _float(values: NDArray[Any]) -> Floats:
    return values.astype(np.float32)
