"""What the page says about one concept, gathered from the run's files; nothing is computed here."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from usae_viz.concepts import ConceptIndex, Example
from usae_viz.maximize.result import MaximizeResult, read_result
from usae_viz.render import Line, heat_pixels, heat_table, line_chart
from usae_viz.run import Run


@dataclass(frozen=True)
class ExampleView:
    """A natural example.

    Attributes:
        image_id: content hash of the image.
        peak: largest gated activation over its tokens.
        alt: what a reader who does not see it should know.
        still: the heat as a tiny picture (data URI), for a page without scripts.
    """

    image_id: str
    peak: float
    alt: str
    still: str


@dataclass(frozen=True)
class Picture:
    """A maximized picture.

    Attributes:
        plain: its file.
        alpha: file of the same, transparent where the optimisation hardly pulled.
        side: pixels.
        share: activation on it over the natural level; None without such a level.
        spread: its standard deviation over seeds; 0 for one seed.
        rank: place of the concept among all in the picture's code, from 1; 0: not in it.
        portion: the concept's share of all activation in the picture.
    """

    plain: Path
    alpha: Path
    side: int
    share: float | None
    spread: float
    rank: int
    portion: float


@dataclass(frozen=True)
class Column:
    """One backbone's side of a concept.

    Attributes:
        name: of the backbone.
        picture: what was maximized for it; None if it was not.
        natural: mean score of its natural top images; 0 if it never fires.
        top: largest value over the indexed images: the top of the heat's scale.
        rate, mean, energy: statistics of the index.
        examples: natural images, strongest first.
    """

    name: str
    picture: Picture | None
    natural: float
    top: float
    rate: float
    mean: float
    energy: float
    examples: list[ExampleView]


@dataclass(frozen=True)
class Pair:
    """How two backbones agree on a concept."""

    names: tuple[str, str]
    share: float
    lift: float
    correlation: float


@dataclass(frozen=True)
class ConceptView:
    """All that the page shows of one concept; `data` is the script its heatmaps are drawn from."""

    concept: int
    kind: str
    label: str | None
    verdict: str
    columns: list[Column]
    pairs: list[Pair]
    entropy: float
    cofire: float
    lift: float
    transfer: Markup
    trajectory: Markup
    settings: dict[str, Any]
    seconds: float
    data: str = field(repr=False)

    @property
    def pictures(self) -> dict[str, Picture]:
        """The maximized pictures by backbone."""
        return {c.name: c.picture for c in self.columns if c.picture is not None}


def concept_view(
    run: Run, index: ConceptIndex, concept: int, out: Path, label: str | None = None
) -> ConceptView:
    """Gather one concept.

    Args:
        run: an indexed run.
        index: its concept index.
        concept: one that has been maximized.
        out: the folder that holds ``maximized/``.
        label: its name, if it has one.

    Raises:
        ConceptError: the concept does not exist or is dead.
        RunError: it was not maximized into `out`, or a file of it is missing or damaged.
    """
    index.require(concept)
    kind = next(iter(run.maximized_kinds(concept, out)), "per-model")
    result = read_result(run.maximized_dir(concept, out, kind))
    examples = {name: index.examples(name, concept) for name in run.names}
    return ConceptView(
        concept=concept,
        kind=index.kind(concept),
        label=label,
        verdict=result.verdict,
        columns=[_column(index, result, name, examples[name]) for name in run.names],
        pairs=_pairs(index, concept),
        entropy=float(index.entropy[concept]),
        cofire=float(index.cofire[concept]),
        lift=float(index.lift[concept]),
        transfer=_transfer_table(result),
        trajectory=_trajectory(result),
        settings=result.settings,
        seconds=result.seconds,
        data=heat_script(index, concept, examples),
    )


def _column(
    index: ConceptIndex, result: MaximizeResult, name: str, examples: list[Example]
) -> Column:
    concept, at = result.concept, index.names.index(name)
    top = float(index.maximum[at, concept])
    return Column(
        name=name,
        picture=_picture(result, name) if name in result.optimised else None,
        natural=float(index.natural_score[at, concept]),
        top=top,
        rate=float(index.rate[at, concept]),
        mean=float(index.mean[at, concept]),
        energy=float(index.energy[at, concept]),
        examples=[
            _example(name, concept, place, example, top)
            for place, example in enumerate(examples, start=1)
        ],
    )


def _picture(result: MaximizeResult, name: str) -> Picture:
    assert result.folder is not None  # it was read from there
    row, at = result.row_of(name), result.backbones.index(name)
    share = float(result.transfer[row, at])
    return Picture(
        plain=result.folder / result.file_of(name),
        alpha=result.folder / f"{name}.alpha.png",
        side=result.images[name].shape[0],
        share=None if math.isnan(share) else share,
        spread=0.0 if math.isnan(share) else float(result.spread[row, at]),
        rank=int(result.rank[row, at]),
        portion=float(result.share[row, at]),
    )


def _example(name: str, concept: int, place: int, example: Example, top: float) -> ExampleView:
    row, column = example.position
    grid = example.grid.shape[0]
    return ExampleView(
        image_id=example.image_id,
        peak=example.peak,
        alt=f"Natural example {place} of concept {concept} in {name}: peaks at "
        f"{example.peak:.2f}, token row {row + 1}, column {column + 1} of {grid}",
        still=_still(example, top),
    )


def _still(example: Example, top: float) -> str:
    """Return the heat of an example as a data URI: one pixel a token, which browsers smooth."""
    pixels = heat_pixels(example.grid / 255 * min(example.peak / top, 1.0))
    data = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _pairs(index: ConceptIndex, concept: int) -> list[Pair]:
    names = index.names
    return [
        Pair(
            (names[i], names[j]),
            float(index.pair[i, j, concept]),
            float(index.pair_lift[i, j, concept]),
            float(index.correlation[i, j, concept]),
        )
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]


def _transfer_table(result: MaximizeResult) -> Markup:
    return heat_table(
        result.transfer,
        rows=result.rows,
        columns=result.backbones,
        corner="optimised for ↓ read by →",
        caption="Share of the reader’s natural level",
        marked=[(result.row_of(n), result.backbones.index(n)) for n in result.optimised],
    )


def _trajectory(result: MaximizeResult) -> Markup:
    return line_chart(
        [
            Line(name, result.backbones.index(name), result.moments[: len(values)], values)
            for name, values in result.trajectory.items()
        ],
        title=f"Pre-gate activation of concept {result.concept} over the steps",
        x_label="step",
        y_label="activation before the gate, mean over the views of a step",
    )


def heat_script(index: ConceptIndex, concept: int, examples: Mapping[str, list[Example]]) -> str:
    """Return the script with the numbers that the heatmaps are drawn from.

    ``values`` are rows of uint8 in base64: the gated map as a share of `peak`, times 255; ``top``
    is the value of the brightest colour.
    """
    table = {
        "concept": concept,
        "grid": index.grid,
        "backbones": [
            {
                "name": name,
                "top": float(index.maximum[at, concept]),
                "examples": [
                    {
                        "image": example.image_id,
                        "peak": example.peak,
                        "values": base64.b64encode(example.grid.tobytes()).decode(),
                    }
                    for example in examples[name]
                ],
            }
            for at, name in enumerate(index.names)
        ],
    }
    return f"usaeViz.add({json.dumps(table, indent=1, allow_nan=False)});\n"
