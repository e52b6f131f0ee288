"""A report on one image: the concepts in it, what they rest on, what they do, what to doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from usae_viz.attribution.classes import ClassAttribution
from usae_viz.attribution.faithfulness import Faithfulness
from usae_viz.render import Tile, overlay, png, sheet, signed_overlay, to_picture
from usae_viz.run import write_bytes, write_json

Floats = NDArray[np.float32]

FORMAT = 1
TABLE = "report.json"
SMOOTH = 1 / 64
"""Standard deviation of the smoothing of drawn pixel maps, as a share of the canvas."""


@dataclass(frozen=True)
class PixelMap:
    """One method's map of one concept in one backbone.

    Attributes:
        values: ``[height, width]`` on the canvas, signed; see `PixelAttribution`.
        activation: the target on the image.
        baseline: on the baseline; None for methods without one.
        completeness: what the sum of `values` misses, as a share of the difference between
            activation and baseline; None for methods that do not promise it.
    """

    values: Floats
    activation: float
    baseline: float | None
    completeness: float | None

    @property
    def smoothed(self) -> Floats:
        """``[height, width]``: the values as they are drawn, averaged over a Gaussian of `SMOOTH`.

        Single pixels are too small to be seen; their sum over a neighbourhood is what counts.
        """
        result: Floats = gaussian_filter(self.values, SMOOTH * max(self.values.shape))
        return result


@dataclass(frozen=True)
class Finding:
    """One concept in the image.

    Attributes:
        concept: index of the code.
        kind: universal, shared or unique, over the run's images.
        name: if it has one.
        activation: per backbone the mean over tokens of the gated activation.
        natural: per backbone `activation` as a share of its natural top; None without such a top.
        gated: per backbone ``[grid, grid]``.
        heat_top: per backbone the largest value over the indexed images, the top of the heat.
        pixels: per backbone and method.
        agreement: mean correlation of the gated maps over pairs of backbones; None for one.
        faithfulness: per backbone and map, where it was measured: methods, then the ignorant maps.
    """

    concept: int
    kind: str
    name: str | None
    activation: dict[str, float]
    natural: dict[str, float | None]
    gated: dict[str, Floats]
    heat_top: dict[str, float]
    pixels: dict[str, dict[str, PixelMap]] = field(default_factory=dict)
    agreement: float | None = None
    faithfulness: dict[str, dict[str, Faithfulness]] = field(default_factory=dict)

    def limit(self, method: str) -> float:
        """Return the magnitude of the fullest colour of a method: one for all backbones.

        The 99.5th percentile over all of them, so that single pixels do not blank the rest.
        """
        found = [np.abs(maps[method].smoothed) for maps in self.pixels.values() if method in maps]
        limit = float(np.percentile(np.stack(found), 99.5)) if found else 0.0
        return limit if limit > 0 else 1.0


@dataclass(frozen=True)
class AttributionReport:
    """What a run says about one image; displays itself as a sheet in a notebook.

    Attributes:
        image: the file's name.
        sha256: of its bytes.
        canvas: ``[size, size, 3]`` uint8 sRGB, the pixels every backbone saw.
        backbones: names, in the run's order.
        findings: the concepts, those that more backbones see strongly first.
        classes: per backbone the class attribution, or the reason why there is none.
        translation: ``{reader: {source: class name}}``: the class that a network names when it goes
            on from another one's code; the reader itself stands for its own reconstruction.
        names: of concepts, where they have one.
        settings: methods, targets, baselines and steps.
        warnings: what should not be believed, in words.
        seconds: how long it took.
    """

    image: str
    sha256: str
    canvas: NDArray[np.uint8]
    backbones: tuple[str, ...]
    findings: tuple[Finding, ...]
    classes: dict[str, ClassAttribution | str]
    translation: dict[str, dict[str, str]]
    names: dict[int, str]
    settings: dict[str, Any]
    warnings: tuple[str, ...]
    seconds: float

    def heat(self, finding: Finding, name: str) -> Image.Image:
        """Draw where a concept is in one backbone, from 0 to its largest value over the index."""
        top = finding.heat_top[name]
        return overlay(to_picture(self.canvas), finding.gated[name], vmax=top if top > 0 else 1.0)

    def pixels(self, finding: Finding, name: str, method: str) -> Image.Image:
        """Draw one method's map: orange for, blue against, on the finding's one scale."""
        values = finding.pixels[name][method].smoothed
        return signed_overlay(to_picture(self.canvas), values, limit=finding.limit(method))

    def sheet(self, side: int = 176) -> Image.Image:
        """Draw a row per concept: heat, then pixels of the first method, for each backbone."""
        methods = self.settings["methods"]
        tiles = []
        for finding in self.findings:
            for name in self.backbones:
                share = finding.natural[name]
                text = "–" if share is None else f"{share:.0%} of natural"
                tiles.append(Tile(self.heat(finding, name), f"{finding.concept}: {text}"))
            for name in self.backbones:
                if methods and methods[0] in finding.pixels.get(name, {}):
                    tiles.append(Tile(self.pixels(finding, name, methods[0]), methods[0]))
                else:
                    tiles.append(Tile(to_picture(self.canvas), "not attributed"))
        return sheet(
            tiles,
            2 * len(self.backbones),
            side=side,
            headings=[f"{n}: where" for n in self.backbones]
            + [f"{n}: why" for n in self.backbones],
            title=self.image,
            note="Heat: from 0 to the largest value over the indexed images. Pixels: orange for, "
            "blue against, one scale for a concept.",
        )

    def save(self, folder: Path) -> dict[str, Any]:
        """Write pictures, arrays and ``report.json`` into a folder, made if it is not there.

        Returns:
            The table of ``report.json``; its paths are relative to the folder.
        """
        write_bytes(folder / "image.png", png(to_picture(self.canvas)))
        write_bytes(folder / "sheet.png", png(self.sheet()))
        concepts = []
        for finding in self.findings:
            maps: dict[str, dict[str, str]] = {}
            for name in self.backbones:
                drawn = {"heatmap": self.heat(finding, name)}
                for method in finding.pixels.get(name, {}):
                    drawn[method] = self.pixels(finding, name, method)
                maps[name] = {}
                for method, picture in drawn.items():
                    file = f"maps/c{finding.concept}-{name}-{method}.png"
                    write_bytes(folder / file, png(picture))
                    maps[name][method] = file
            concepts.append(_finding_table(finding, maps))
        table = {
            "format": FORMAT,
            "image": self.image,
            "sha256": self.sha256,
            "backbones": list(self.backbones),
            "concepts": concepts,
            "classes": {
                name: _class_table(found, self.names) for name, found in self.classes.items()
            },
            "translation": self.translation,
            "settings": self.settings,
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 3),
        }
        write_json(folder / TABLE, table)
        return table

    def _repr_png_(self) -> bytes:
        return png(self.sheet())


def _finding_table(finding: Finding, maps: dict[str, dict[str, str]]) -> dict[str, Any]:
    methods = {method for found in finding.pixels.values() for method in found}
    return {
        "id": finding.concept,
        "kind": finding.kind,
        "name": finding.name,
        "activation": finding.activation,
        "natural": finding.natural,
        "maps": maps,
        "heat_top": finding.heat_top,
        "pixel_scale": {method: finding.limit(method) for method in sorted(methods)},
        "pixels": {
            name: {
                method: {
                    "activation": one.activation,
                    "baseline": one.baseline,
                    "completeness": one.completeness,
                }
                for method, one in found.items()
            }
            for name, found in finding.pixels.items()
        },
        "agreement": finding.agreement,
        "faithfulness": {
            name: {which: _plain(one._asdict()) for which, one in found.items()}
            for name, found in finding.faithfulness.items()
        },
    }


def _class_table(found: ClassAttribution | str, names: dict[int, str]) -> dict[str, Any]:
    if isinstance(found, str):
        return {"target": None, "rows": [], "completeness": None, "refused": found}
    return {
        "target": found.target,
        "name": found.name,
        "readout": found.readout,
        "score": found.score,
        "mean_score": found.mean_score,
        "baseline": found.baseline,
        "steps": found.steps,
        "rows": [
            {
                "kind": row.kind,
                "concept": row.concept,
                "name": None if row.concept is None else names.get(row.concept),
                "value": row.value,
                "gradient": row.gradient,
                "ablation": row.ablation,
            }
            for row in found.rows
        ],
        "completeness": found.completeness,
    }


def _plain(table: dict[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in table.items()}
