"""Natural images as a page shows them: the strongest, a sample, the sample by strength, joint."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from usae_viz.concepts import ConceptIndex, Example
from usae_viz.concepts.index import Choice

CHOICES: tuple[Choice, ...] = ("top", "random", "joint")
SHOWN = 9
"""Natural images of one choice, at most."""
QUARTERS = ("weakest quarter", "second quarter", "third quarter", "strongest quarter")

Found = Mapping[Choice, Sequence[Example]]
"""The examples of one backbone, by how they were chosen."""


@dataclass(frozen=True)
class ExampleView:
    """A natural example.

    Attributes:
        image_id: content hash of the image.
        peak: largest gated activation over its tokens.
        alt: what a reader who does not see it should know.
        source, place: where its numbers are: choice and position in the concept's script.
    """

    image_id: str
    peak: float
    alt: str
    source: Choice
    place: int


@dataclass(frozen=True)
class Examples:
    """One choice of natural images for one backbone.

    Attributes:
        choice: ``top``, ``random``, ``quantile`` or ``joint``.
        groups: what each part is called (empty where there is but one), and its images.
    """

    choice: str
    groups: list[tuple[str, list[ExampleView]]]

    @property
    def images(self) -> list[ExampleView]:
        """All images, in order."""
        return [image for _, group in self.groups for image in group]


def find_examples(index: ConceptIndex, concept: int) -> dict[str, dict[Choice, list[Example]]]:
    """Return the natural examples of a concept that are shown, by backbone and choice."""
    return {
        name: {choice: index.examples(name, concept, choice)[:SHOWN] for choice in CHOICES}
        for name in index.names
    }


def example_views(name: str, concept: int, found: Found) -> dict[str, Examples]:
    """Return the choices of one backbone in the order of the page, by name."""
    views = {
        choice: [
            _view(name, concept, choice, place, example)
            for place, example in enumerate(examples)
        ]
        for choice, examples in found.items()
    }  # fmt: skip
    return {
        "top": Examples("top", [("", views["top"])]),
        "random": Examples("random", [("", views["random"])]),
        "quantile": Examples("quantile", _quarters(found["random"], views["random"])),
        "joint": Examples("joint", [("", views["joint"])]),
    }


def _quarters(
    sample: Sequence[Example], views: Sequence[ExampleView]
) -> list[tuple[str, list[ExampleView]]]:
    """Sort the sample into quarters by strength, weakest first; see `ConceptIndex.quantiles`."""
    order = sorted(range(len(sample)), key=lambda at: sample[at].quantile or 0)
    edges = np.linspace(0, len(order), len(QUARTERS) + 1).round().astype(int)
    return [
        (title, [views[at] for at in order[low:high]])
        for title, low, high in zip(QUARTERS, edges, edges[1:], strict=False)
        if high > low
    ]


def _view(name: str, concept: int, choice: Choice, place: int, example: Example) -> ExampleView:
    row, column = example.position
    grid = example.grid.shape[0]
    which = {"top": "Strongest", "random": "Random", "joint": "Joint"}[choice]
    return ExampleView(
        image_id=example.image_id,
        peak=example.peak,
        alt=f"{which} natural example {place + 1} of concept {concept} in {name}: peaks at "
        f"{example.peak:.2f}, token row {row + 1}, column {column + 1} of {grid}",
        source=choice,
        place=place,
    )


def example_table(found: Found) -> dict[str, list[dict[str, Any]]]:
    """Return the examples as plain values.

    ``values`` are rows of uint8 in base64: the gated map as a share of ``peak``, times 255.
    """
    return {
        choice: [
            {
                "image": example.image_id,
                "peak": round(example.peak, 4),
                "score": round(example.score, 4),
                **({} if example.quantile is None else {"quantile": round(example.quantile, 3)}),
                "values": base64.b64encode(example.grid.tobytes()).decode(),
            }
            for example in examples
        ]
        for choice, examples in found.items()
    }
