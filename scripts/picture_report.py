"""Maximize concepts in several modes and print how well the pictures work, as tables and JSON.

    python scripts/picture_report.py --count 50
    python scripts/picture_report.py --run runs/trio --count 24 --mode per-model --mode shared
    python scripts/picture_report.py --count 24 --set steps=128 --set precision='"bfloat16"' --json
    python scripts/picture_report.py --count 24 --mode diverse --set backbones='["resnet"]'

The concepts are the most universal ones (`usae-viz concepts --sort correlation`). What is finished
under the same settings is read back, so an interrupted call goes on where it was; with --only-read
nothing is computed. Contact sheets go to ``sheets/`` in the output folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from usae_viz.concepts import load_index
from usae_viz.errors import RunError
from usae_viz.maximize import MaximizeResult, maximize, read_result
from usae_viz.maximize.verdict import ALIKE
from usae_viz.render import Tile, sheet
from usae_viz.run import Run, demo_run, open_run

MODES = ("per-model", "shared", "contrast", "diverse")
REACHES, SHARED, ABOVE, BELOW = 1.0, 0.8, 0.8, 0.2
"""The levels that pictures are judged by, as shares of the natural level."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="default: the bundled run")
    parser.add_argument("--count", type=int, default=50, help="how many concepts")
    parser.add_argument("--mode", action="append", choices=MODES, help="default: all four")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", dest="fields")
    parser.add_argument("--out", type=Path, default=Path("build/pictures"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only-read", action="store_true", help="tables of what is there")
    parser.add_argument("--json", action="store_true", dest="as_json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = demo_run() if args.run is None else open_run(args.run)
    concepts = load_index(run).most_universal(args.count)
    fields = {key: json.loads(text) for key, _, text in (f.partition("=") for f in args.fields)}
    table: dict[str, Any] = {"run": run.info.name, "settings": fields, "modes": {}}
    for mode in args.mode or MODES:
        if not args.only_read:
            maximize(run, concepts, mode=mode, out=args.out, progress=_told(mode), **fields)
        results = _read(run, concepts, mode, args.out)
        if results:
            table["modes"][mode] = JUDGES[mode](results) | {"steps": results[0].settings["steps"]}
            _sheet(results, args.out / "sheets" / f"{run.info.name}-{mode}.png")
    if args.as_json:
        print(json.dumps(table, indent=1))
        return
    for mode, rows in table["modes"].items():
        print(f"{mode}:")
        for what, value in rows.items():
            print(f"  {what}: {value}")


def _told(mode: str) -> Callable[[str, int, int], None]:
    def tell(_: str, done: int, total: int) -> None:
        if done % 128 == 0 or done == total:
            print(f"{mode}: step {done} of {total}", file=sys.stderr, flush=True)

    return tell


def _read(run: Run, concepts: Sequence[int], mode: str, out: Path) -> list[MaximizeResult]:
    found = []
    for concept in concepts:
        try:
            found.append(read_result(run.maximized_dir(concept, out, mode)))
        except RunError:
            continue
    return found


def _own(result: MaximizeResult) -> list[float]:
    """Return each picture's share in the backbone that it is of."""
    own = [
        result.transfer[result.row_of(name), result.backbones.index(name)]
        for name in result.optimised
    ]
    return [float(x) for x in np.nan_to_num(own)]


def _per_model(results: Sequence[MaximizeResult]) -> dict[str, Any]:
    own = np.array([_own(r) for r in results])
    off = np.concatenate(
        [np.nan_to_num(r.transfer)[~np.eye(len(r.backbones), dtype=bool)] for r in results]
    )
    return _common(results) | {
        f"diagonal at least {REACHES:g}": round(float((own >= REACHES).mean()), 3),
        "by backbone": dict(
            zip(
                results[0].optimised,
                (own >= REACHES).mean(0).round(3).tolist(),
                strict=True,
            )
        ),
        "diagonal, quartiles": _quartiles(own),
        "transfers at least 0.5": round(float((off >= 0.5).mean()), 3),
    }


def _shared(results: Sequence[MaximizeResult]) -> dict[str, Any]:
    worst = np.array([min(_own(r)) for r in results])
    return _common(results) | {
        f"worst backbone at least {SHARED:g}": round(float((worst >= SHARED).mean()), 3),
        "worst backbone, quartiles": _quartiles(worst),
    }


def _contrast(results: Sequence[MaximizeResult]) -> dict[str, Any]:
    own = np.array([_own(r) for r in results])
    other = np.array(
        [
            [
                max(np.nan_to_num(r.transfer[i, [r.backbones.index(n) for n in r.lowered[row]]]))
                for i, row in enumerate(r.rows)
            ]
            for r in results
        ]
    )
    good = (own > ABOVE) & (other < BELOW)
    return _common(results) | {
        f"above {ABOVE:g} in one and under {BELOW:g} in the others": round(float(good.mean()), 3),
        "raised, quartiles": _quartiles(own),
        "highest of the others, quartiles": _quartiles(other),
        "above alone": round(float((own > ABOVE).mean()), 3),
        "under alone": round(float((other < BELOW).mean()), 3),
    }


def _diverse(results: Sequence[MaximizeResult]) -> dict[str, Any]:
    own, alike = [], []
    for r in results:
        assert r.likeness is not None
        assert r.transfers is not None
        for i, name in enumerate(r.rows):
            column = r.backbones.index(name)
            own.append(np.nan_to_num(r.transfers[:, i, column]))
            alike.append(r.likeness[i, column])
    levels = np.array(own)
    return _common(results) | {
        f"pictures at least {REACHES:g}": round(float((levels >= REACHES).mean()), 3),
        "shares, quartiles": _quartiles(levels),
        f"likeness under {ALIKE:g}": round(float((np.array(alike) < ALIKE).mean()), 3),
        "likeness, quartiles": _quartiles(alike),
    }


def _common(results: Sequence[MaximizeResult]) -> dict[str, Any]:
    first = [
        r.rank[r.row_of(name), r.backbones.index(name)] == 1
        for r in results
        for name in r.optimised
    ]
    spectrum = [d for r in results for d in r.spectrum["distance"].values()]
    return {
        "concepts": len(results),
        "pictures": sum(len(r.rows) for r in results),
        "strongest concept of its picture": round(float(np.mean(first)), 3),
        "spectrum, decades off (median)": round(float(np.median(spectrum)), 3),
        "busiest corner (median, largest)": [
            round(float(x), 2)
            for x in np.quantile([c for r in results for c in r.corner.values()], (0.5, 1.0))
        ],
        "seconds a concept (median)": float(np.median([r.seconds for r in results])),
    }


def _quartiles(values: Any) -> list[float]:
    return [round(float(x), 3) for x in np.quantile(values, (0.25, 0.5, 0.75))]


JUDGES: dict[str, Callable[[Sequence[MaximizeResult]], dict[str, Any]]] = {
    "per-model": _per_model,
    "shared": _shared,
    "contrast": _contrast,
    "diverse": _diverse,
}


def _sheet(results: Sequence[MaximizeResult], path: Path) -> None:
    """Write a sheet of up to 24 concepts: a column a picture, side by side what is of one row."""
    headings, tiles = [], []
    for result in results[:24]:
        assert result.transfers is not None
        first = {result.rows[result.row_of(name)]: p for name, p in result.images.items()}
        for i, row in enumerate(result.rows):
            for seed, picture in enumerate([first[row], *result.variants.get(row, ())]):
                shares = ", ".join(f"{share:.2f}" for share in result.transfers[seed, i])
                tiles.append(Tile(Image.fromarray(picture), f"{result.concept}: {shares}"))
                headings.append(row)
    a_concept = len(tiles) // min(24, len(results))
    columns = a_concept * max(1, 8 // a_concept)
    note = "concept: shares of natural"
    drawn = sheet(tiles, columns, side=128, headings=headings[:columns], note=note)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(path)


if __name__ == "__main__":
    main()
