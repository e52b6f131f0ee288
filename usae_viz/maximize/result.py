"""Results: pictures with their numbers, on disk and in a notebook."""

from __future__ import annotations

import base64
import html
import io
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from usae_viz.errors import RunError
from usae_viz.lock import PATIENCE, locked, write_errors
from usae_viz.maximize.modes import SHARED
from usae_viz.maximize.result_table import Stored
from usae_viz.run import LOCK, read_json, write_bytes, write_json

FORMAT = 2
# Pillow tells of a damaged PNG by a SyntaxError.
DAMAGE = (KeyError, TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError)
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MaximizeResult:
    """One concept, maximized for a run's M backbones in R pictures.

    Numbers are of the pictures in `images` (the first seed). Rows are the R pictures (`rows`): one
    per backbone optimised for, or the only one in shared mode. Columns are the backbones that read
    (`backbones`).

    Attributes:
        concept: the concept.
        backbones: names of all backbones of the run.
        images: per backbone optimised for, ``[height, width, 3]`` uint8 sRGB; in shared mode the
            same picture for all.
        alpha: per backbone ``[height, width]`` uint8: how much it pulled at its picture, 255 most.
        variants: per row, the pictures of further seeds.
        natural: per backbone of the run, mean score of the natural top images, standardised units.
        natural_peak: the same for the peak.
        transfer: ``[R, M]``, score of the clean picture as share of the reader's natural level;
            not-a-number where the concept never fires naturally.
        transfer_peak: ``[R, M]``, the same for the maximum over tokens.
        spread: ``[R, M]``, standard deviation of `transfer` over seeds; 0 for one seed.
        rank: ``[R, M]``, place of the concept among all by mean gated activation; 0: not in the
            picture's code.
        share: ``[R, M]``, its share of the gated activation of all concepts.
        trajectory: per backbone that raises, pre-gate activation over the steps `moments`, mean
            over views; it ends where the picture was finished.
        moments: steps.
        verdict: the numbers in words.
        settings: what the pictures were made by.
        seconds: wall time, for one concept of its batch.
        lowered: contrast mode: per row, trajectories of the backbones that it is kept down in.
        transfers: ``[S, R, M]``, `transfer` of every seed.
        spectrum: radial spectra against natural images: ``distance`` (per row, decades of power),
            ``natural`` (95 % of the natural images lie within this of their mean),
            ``against`` (what pictures are measured against).
        corner: per row, energy in the busiest corner over its share of the area.
        moved: accentuate mode: ``[R, M]``, distance from the photograph in features.
        start: accentuate mode: per backbone, the photograph's own share of the natural level.
        likeness: more than one seed: ``[R, M]``, mean cosine between seeds in features that are not
            the concept's.
        folder: where it was written; None if it was not.
    """

    concept: int
    backbones: tuple[str, ...]
    images: dict[str, Pixels]
    alpha: dict[str, Pixels]
    variants: dict[str, list[Pixels]]
    natural: dict[str, float]
    natural_peak: dict[str, float]
    transfer: Floats
    transfer_peak: Floats
    spread: Floats
    rank: NDArray[np.int64]
    share: Floats
    trajectory: dict[str, list[float]]
    moments: tuple[int, ...]
    verdict: str
    settings: dict[str, Any] = field(repr=False)
    seconds: float
    lowered: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    transfers: Floats | None = None
    spectrum: dict[str, Any] = field(default_factory=dict)
    corner: dict[str, float] = field(default_factory=dict)
    moved: Floats | None = None
    start: dict[str, float] | None = None
    likeness: Floats | None = None
    folder: Path | None = None

    @property
    def mode(self) -> str:
        """How the pictures were made: a key of `modes.MODES`."""
        return str(self.settings["mode"])

    @property
    def optimised(self) -> tuple[str, ...]:
        """Names of the backbones optimised for."""
        return tuple(self.images)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the pictures: of their backbones, or ``shared``."""
        return (SHARED,) if self.mode == "shared" else self.optimised

    @property
    def held_out(self) -> tuple[str, ...]:
        """Names of the backbones that only read."""
        return tuple(name for name in self.backbones if name not in self.images)

    def row_of(self, name: str) -> int:
        """Return which row the picture of a backbone is."""
        return 0 if self.mode == "shared" else self.rows.index(name)

    def file_of(self, name: str) -> str:
        """Return the file name of a backbone's picture."""
        return f"{self.rows[self.row_of(name)]}.png"

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``maximize --json``: numbers and, if written, paths."""
        table = self._table()
        for key in ("images", "alpha"):
            table[key] = {
                name: str(self.folder / file) if self.folder else None
                for name, file in table[key].items()
            }
        return table

    def write(self, folder: Path) -> MaximizeResult:
        """Write pictures, then ``result.json``, each atomically; a folder with the latter is whole.

        Returns:
            The result that knows its folder.
        """
        with write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        # Two calls that make the same concept in two ways must not mix their pictures.
        with locked(folder / LOCK, wait=PATIENCE):
            (folder / "result.json").unlink(missing_ok=True)
            for name, picture in self.images.items():
                write_bytes(folder / self.file_of(name), png(picture))
                rgba = np.dstack([picture, self.alpha[name]])
                write_bytes(folder / f"{name}.alpha.png", png(rgba))
            for row, others in self.variants.items():
                for number, other in enumerate(others, start=2):
                    write_bytes(folder / f"{row}.seed-{number}.png", png(other))
            write_json(folder / "result.json", self._table())
        return replace(self, folder=folder)

    def _table(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "concept": self.concept,
            "mode": self.mode,
            "backbones": list(self.backbones),
            "rows": list(self.rows),
            "held_out": list(self.held_out),
            "images": {name: self.file_of(name) for name in self.images},
            "alpha": {name: f"{name}.alpha.png" for name in self.images},
            "variants": {
                row: [f"{row}.seed-{number}.png" for number in range(2, len(others) + 2)]
                for row, others in self.variants.items()
            },
            "natural": self.natural,
            "natural_peak": self.natural_peak,
            "transfer": _plain(self.transfer),
            "transfer_peak": _plain(self.transfer_peak),
            "spread": _plain(self.spread),
            "seeds": None if self.transfers is None else [_plain(one) for one in self.transfers],
            "selectivity": {"rank": self.rank.tolist(), "share": _plain(self.share)},
            "trajectory": {
                "steps": list(self.moments),
                "activation": self.trajectory,
                "lowered": self.lowered,
            },
            "spectrum": self.spectrum,
            "corner": self.corner,
            "moved": None if self.moved is None else _plain(self.moved),
            "start": None
            if self.start is None
            else {name: _number(share) for name, share in self.start.items()},
            "likeness": None if self.likeness is None else _plain(self.likeness),
            "verdict": self.verdict,
            "settings": self.settings,
            "seconds": self.seconds,
        }

    def _repr_html_(self) -> str:
        cells = []
        for name in self.optimised:
            own = self.transfer[self.row_of(name), self.backbones.index(name)]
            level = "no natural level" if math.isnan(own) else f"{own:.2f}× natural"
            data = base64.b64encode(png(self.images[name])).decode()
            cells.append(
                f'<td style="text-align:center"><img alt="concept {self.concept} in '
                f'{html.escape(name)}" src="data:image/png;base64,{data}"><br>'
                f"{html.escape(name)}<br>{level}</td>"
            )
        return (
            f"<p><b>Concept {self.concept}</b>. {html.escape(self.verdict)}</p>"
            f"<table><tr>{''.join(cells)}</tr></table>"
        )


def read_result(folder: Path) -> MaximizeResult:
    """Read back what `MaximizeResult.write` wrote.

    Raises:
        RunError: there is no finished result, or it is damaged or of another format.
    """
    file = folder / "result.json"
    table = read_json(file)
    written = table.get("format") if isinstance(table, dict) else None
    if written != FORMAT:
        raise RunError(
            f"{file} has another format",
            expected=str(FORMAT),
            got=str(written),
            hint="maximize again",
        )
    try:
        Stored.model_validate(table)
        pictures = {name: _pixels(folder / f) for name, f in table["alpha"].items()}
        if any(rgba.ndim != 3 or rgba.shape[2] != 4 for rgba in pictures.values()):
            raise ValueError("a picture without transparency")
        result = MaximizeResult(
            concept=table["concept"],
            backbones=tuple(table["backbones"]),
            images={name: rgba[:, :, :3] for name, rgba in pictures.items()},
            alpha={name: rgba[:, :, 3] for name, rgba in pictures.items()},
            variants={
                name: [_pixels(folder / f) for f in files]
                for name, files in table["variants"].items()
            },
            natural=table["natural"],
            natural_peak=table["natural_peak"],
            transfer=np.array(table["transfer"], dtype=np.float64),
            transfer_peak=np.array(table["transfer_peak"], dtype=np.float64),
            spread=np.array(table["spread"], dtype=np.float64),
            rank=np.array(table["selectivity"]["rank"]),
            share=np.array(table["selectivity"]["share"], dtype=np.float64),
            trajectory=table["trajectory"]["activation"],
            moments=tuple(table["trajectory"]["steps"]),
            verdict=table["verdict"],
            settings=table["settings"],
            seconds=table["seconds"],
            lowered=table["trajectory"]["lowered"],
            transfers=_floats(table["seeds"]),
            spectrum=table["spectrum"],
            corner=table["corner"],
            moved=_floats(table["moved"]),
            start=table["start"]
            and {k: np.nan if v is None else v for k, v in table["start"].items()},
            likeness=_floats(table["likeness"]),
            folder=folder,
        )
        # Their pixels are those of the transparent ones, but pages copy the files.
        for name in {result.file_of(name) for name in result.optimised}:
            _pixels(folder / name)
        return result
    except DAMAGE as error:
        raise RunError(
            f"{file} or a picture beside it is damaged",
            got=" ".join(str(error).split())[:300],
            hint="maximize again",
        ) from error


def is_readable(folder: Path) -> bool:
    """Return whether there is a finished result in a folder that `read_result` accepts."""
    try:
        read_result(folder)
    except RunError:
        return False
    return True


def png(pixels: Pixels) -> bytes:
    """Return ``[height, width, 3 or 4]`` uint8 pixels as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def _pixels(file: Path) -> Pixels:
    with Image.open(file) as opened:
        return np.array(opened)


def _plain(matrix: Floats) -> list[list[float | None]]:
    return [[_number(x) for x in row] for row in matrix]


def _number(x: float) -> float | None:
    # JSON has no not-a-number.
    return None if math.isnan(x) else round(float(x), 6)


def _floats(matrix: Any) -> Floats | None:
    return None if matrix is None else np.array(matrix, dtype=np.float64)
