"""Building the gallery: what a page costs over writing the same bytes, and how it grows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from synthetic import synthetic_run
from timing import Row, compare, row_of, seconds

from usae_viz.gallery import build_site
from usae_viz.run import Run


def rows(quick: bool) -> list[Row]:
    """Build galleries of synthetic runs of four backbones, every living concept with a page."""
    sizes = (100, 400) if quick else (1_000, 5_000, 20_000)
    table: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        times: dict[int, float] = {}
        for size in sizes:
            run, concepts = synthetic_run(Path(place) / str(size), concepts=size)
            times[size] = seconds(_build(run, concepts))
            if size == sizes[0]:
                folder = run.outputs / "gallery"
                files = [(f, f.read_bytes()) for f in folder.rglob("*") if f.is_file()]
                table.append(
                    compare(
                        f"{size:,} pages, built anew",
                        _anew(run, concepts),
                        "python",
                        _writing(files, Path(place) / "written"),
                        rounds=2 if quick else 5,
                        warm_up=0,
                    )
                )
            table.append(
                row_of(
                    f"{size:,} concepts: one changed, built again",
                    "one-by-one",
                    [seconds(_renamed(run, concepts, number)) for number in range(3)],
                    [times[size]] * 3,
                )
            )
            if size != sizes[0]:
                table.append(
                    row_of(
                        f"a page of {size:,}, against one of {sizes[0]:,}",
                        "one-by-one",
                        [times[size]],
                        [times[sizes[0]]],
                        scale=sizes[0] / size,
                    )
                )
    return table


def _build(run: Run, concepts: list[int]) -> Callable[[], object]:
    return lambda: build_site(run, run.outputs, concepts)


def _anew(run: Run, concepts: list[int]) -> Callable[[], object]:
    def work() -> None:
        shutil.rmtree(run.outputs / "gallery", ignore_errors=True)
        build_site(run, run.outputs, concepts)

    return work


def _renamed(run: Run, concepts: list[int], number: int) -> Callable[[], object]:
    return lambda: build_site(run, run.outputs, concepts, {concepts[0]: f"name {number}"})


def _writing(files: list[tuple[Path, bytes]], folder: Path) -> Callable[[], object]:
    def work() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for number, (_, data) in enumerate(files):
            target = folder / str(number % 50) / str(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    return work
