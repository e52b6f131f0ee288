"""Results: pictures with their numbers, on disk and in a notebook."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from usae_viz.errors import RunError, UsageError
from usae_viz.run import read_json, write_bytes, write_json

FORMAT = 1
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MaximizeResult:
    """One concept, maximized in R of a run's M backbones.

    Numbers are of the pictures in `images` (the first seed). Rows are the backbones optimised for
    (`images`, in order), columns the backbones that read (`backbones`); R = M unless a selection
    was asked for.

    Attributes:
        concept: the concept.
        backbones: names of all backbones of the run.
        images: per backbone ``[height, width, 3]`` uint8 sRGB.
        alpha: per backbone ``[height, width]`` uint8: how much the optimisation pulled, 255 most.
        variants: per backbone, the pictures of further seeds.
        natural: per backbone of the run, mean score of the natural top images, standardised units.
        natural_peak: the same for the peak.
        transfer: ``[R, M]``, score of the clean picture as share of the reader's natural level;
            not-a-number where the concept never fires naturally.
        transfer_peak: ``[R, M]``, the same for the maximum over tokens.
        spread: ``[R, M]``, standard deviation of `transfer` over seeds; 0 for one seed.
        rank: ``[R, M]``, place of the concept among all by mean gated activation; 0: not in the
            picture's code.
        share: ``[R, M]``, its share of the gated activation of all concepts.
        trajectory: per backbone, pre-gate activation over the steps `moments`, mean over views.
        moments: steps.
        verdict: the numbers in words.
        settings: what the pictures were made by.
        seconds: wall time, for one concept of its batch.
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
    folder: Path | None = None

    @property
    def optimised(self) -> tuple[str, ...]:
        """Names of the backbones optimised for: the rows."""
        return tuple(self.images)

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
        (folder / "result.json").unlink(missing_ok=True)
        for name, picture in self.images.items():
            write_bytes(folder / f"{name}.png", png(picture))
            rgba = np.dstack([picture, self.alpha[name]])
            write_bytes(folder / f"{name}.alpha.png", png(rgba))
            for number, other in enumerate(self.variants.get(name, []), start=2):
                write_bytes(folder / f"{name}.seed-{number}.png", png(other))
        write_json(folder / "result.json", self._table())
        return replace(self, folder=folder)

    def _table(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "concept": self.concept,
            "backbones": list(self.backbones),
            "rows": list(self.optimised),
            "images": {name: f"{name}.png" for name in self.images},
            "alpha": {name: f"{name}.alpha.png" for name in self.images},
            "variants": {
                name: [f"{name}.seed-{number}.png" for number in range(2, len(others) + 2)]
                for name, others in self.variants.items()
            },
            "natural": self.natural,
            "natural_peak": self.natural_peak,
            "transfer": _plain(self.transfer),
            "transfer_peak": _plain(self.transfer_peak),
            "spread": _plain(self.spread),
            "selectivity": {"rank": self.rank.tolist(), "share": _plain(self.share)},
            "trajectory": {"steps": list(self.moments), "activation": self.trajectory},
            "verdict": self.verdict,
            "settings": self.settings,
            "seconds": self.seconds,
        }

    def _repr_html_(self) -> str:
        cells = []
        for i, name in enumerate(self.optimised):
            own = self.transfer[i, self.backbones.index(name)]
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


class MaximizeResults(Sequence[MaximizeResult]):
    """The results of several concepts, in the order asked for.

    Of a single concept, `images`, `alpha`, `transfer`, `natural`, `trajectory` and `verdict` can be
    read right here.
    """

    def __init__(self, results: Sequence[MaximizeResult]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, item: int) -> MaximizeResult: ...
    @overload
    def __getitem__(self, item: slice) -> MaximizeResults: ...
    def __getitem__(self, item: int | slice) -> MaximizeResult | MaximizeResults:
        if isinstance(item, slice):
            return MaximizeResults(self._results[item])
        return self._results[item]

    def __iter__(self) -> Iterator[MaximizeResult]:
        return iter(self._results)

    def __repr__(self) -> str:
        return f"MaximizeResults of concepts {', '.join(str(r.concept) for r in self)}"

    def _repr_html_(self) -> str:
        return "".join(result._repr_html_() for result in self)

    @property
    def only(self) -> MaximizeResult:
        """The one result.

        Raises:
            UsageError: there are more.
        """
        if len(self) != 1:
            raise UsageError(
                f"these are the results of {len(self)} concepts",
                expected="one concept",
                hint="pick one: results[0].images",
            )
        return self._results[0]

    @property
    def images(self) -> dict[str, Pixels]:
        """Pictures of the only concept."""
        return self.only.images

    @property
    def alpha(self) -> dict[str, Pixels]:
        """Alpha maps of the only concept."""
        return self.only.alpha

    @property
    def transfer(self) -> Floats:
        """Transfer matrix of the only concept."""
        return self.only.transfer

    @property
    def natural(self) -> dict[str, float]:
        """Natural levels of the only concept."""
        return self.only.natural

    @property
    def trajectory(self) -> dict[str, list[float]]:
        """Trajectories of the only concept."""
        return self.only.trajectory

    @property
    def verdict(self) -> str:
        """Verdict on the only concept."""
        return self.only.verdict


def read_result(folder: Path) -> MaximizeResult:
    """Read back what `MaximizeResult.write` wrote.

    Raises:
        RunError: there is no finished result, or it is damaged or of another format.
    """
    file = folder / "result.json"
    table = read_json(file)
    try:
        if table["format"] != FORMAT:
            raise RunError(
                f"{file} has another format",
                expected=str(FORMAT),
                got=str(table["format"]),
                hint="maximize again",
            )
        pictures = {name: np.array(Image.open(folder / f)) for name, f in table["alpha"].items()}
        return MaximizeResult(
            concept=table["concept"],
            backbones=tuple(table["backbones"]),
            images={name: rgba[:, :, :3] for name, rgba in pictures.items()},
            alpha={name: rgba[:, :, 3] for name, rgba in pictures.items()},
            variants={
                name: [np.array(Image.open(folder / f)) for f in files]
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
            folder=folder,
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise RunError(
            f"{file} or a picture beside it is damaged", got=str(error), hint="maximize again"
        ) from error


def png(pixels: Pixels) -> bytes:
    """Return ``[height, width, 3 or 4]`` uint8 pixels as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def _plain(matrix: Floats) -> list[list[float | None]]:
    # JSON has no not-a-number.
    return [[None if math.isnan(x) else round(float(x), 6) for x in row] for row in matrix]
