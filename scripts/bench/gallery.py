"""Building the gallery: what a page costs over writing the same bytes, and how it grows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gallery_runs import QUICK, SIZES, built, made, runs_folder
from timing import Row, compare, row_of

from usae_viz.concepts import load_index
from usae_viz.gallery import build_site
from usae_viz.run import Run, open_run

figures: dict[str, Any] = {}
"""What was measured beside the ratios: seconds, memory and bytes by size."""


def rows(quick: bool) -> list[Row]:
    """Build galleries of synthetic runs of four backbones, every living concept with a page."""
    sizes = QUICK if quick else SIZES
    table: list[Row] = []
    with runs_folder() as place:
        found = {size: built(made(place, size)) for size in sizes}
        figures["sizes"] = list(found.values())
        run = open_run(made(place, sizes[0]))
        concepts = [int(k) for k in (~load_index(run).dead).nonzero()[0]]
        files = [(f, f.read_bytes()) for f in run.gallery_dir.rglob("*") if f.is_file()]
        table.append(
            compare(
                f"{sizes[0]:,} pages, built anew",
                _anew(run, concepts),
                "python",
                _writing(files, place / "written"),
                rounds=2 if quick else 5,
                warm_up=0,
            )
        )
        shutil.rmtree(place / "written")
    for size, one in found.items():
        again = one["one_changed_seconds"]
        anew = [one["seconds"]] * len(again)
        work = f"{size:,} concepts: one changed, built again"
        table.append(row_of(work, "one-by-one", again, anew))
        if size != sizes[0]:
            table.append(
                row_of(
                    f"a page of {size:,}, against one of {sizes[0]:,}, processor time",
                    "one-by-one",
                    [one["cpu_seconds"]],
                    [found[sizes[0]]["cpu_seconds"]],
                    scale=sizes[0] / size,
                )
            )
    return table


def _anew(run: Run, concepts: list[int]) -> Callable[[], object]:
    def work() -> None:
        shutil.rmtree(run.outputs / "gallery", ignore_errors=True)
        build_site(run, run.outputs, concepts)

    return work


def _writing(files: list[tuple[Path, bytes]], folder: Path) -> Callable[[], object]:
    def work() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for number, (_, data) in enumerate(files):
            target = folder / str(number % 50) / str(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    return work
