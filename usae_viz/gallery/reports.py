"""Attribution reports brought into a gallery, and where they speak of a concept."""

from __future__ import annotations

import io
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from usae_viz.errors import RunError
from usae_viz.gallery.environment import POLICY, page_environment
from usae_viz.gallery.report import report_page
from usae_viz.run import Run, file_sha256, read_json, write_bytes, write_text

QUALITY = 88
"""Of the copies in the gallery; the report's own folder keeps its pictures without loss."""


@dataclass(frozen=True)
class Report:
    """An attribution report of the run.

    Attributes:
        folder: where it was saved; its name is the name of the report.
        table: its ``report.json``.
        state: sha256 of that file.
    """

    folder: Path
    table: Mapping[str, Any]
    state: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def concepts(self) -> list[int]:
        """The concepts it speaks of."""
        return [int(concept["id"]) for concept in self.table["concepts"]]


@dataclass(frozen=True)
class Mention:
    """A report that speaks of a concept: its folder, the image's name, shares of natural."""

    folder: str
    image: str
    natural: tuple[float | None, ...]


def find_reports(run: Run, out: Path) -> list[Report]:
    """Return the attribution reports among a run's outputs, by name.

    Raises:
        RunError: one is damaged.
    """
    files = sorted(run.writing_to(out).report_dir("any").parent.glob("*/report.json"))
    return [_read(file) for file in files]


def _read(file: Path) -> Report:
    table = read_json(file)
    keys = {"image", "backbones", "concepts", "classes", "settings", "warnings"}
    if not isinstance(table, dict) or not keys <= table.keys():
        raise RunError(
            f"{file} is not an attribution report",
            hint="make it again with `usae-viz attribute`, or remove its folder",
        )
    return Report(file.parent, table, file_sha256(file))


def mentions(run: Run, reports: Sequence[Report]) -> dict[int, list[Mention]]:
    """Return for each concept the reports that speak of it."""
    found: dict[int, list[Mention]] = {}
    for report in reports:
        for concept in report.table["concepts"]:
            shares = tuple(concept["natural"].get(name) for name in run.names)
            mention = Mention(report.name, report.table["image"], shares)
            found.setdefault(int(concept["id"]), []).append(mention)
    return found


def write_report(run: Run, report: Report, folder: Path, pages: Collection[int]) -> None:
    """Write a report's page and its pictures into ``folder/NAME``, whole or not at all.

    Args:
        run: the run.
        report: which.
        folder: ``reports`` of a gallery, whose assets lie beside it.
        pages: the concepts that have a page there.
    """
    target = folder / report.name
    shutil.rmtree(target, ignore_errors=True)
    sources = ["image.png"] + [
        file
        for concept in report.table["concepts"]
        for maps in concept["maps"].values()
        for file in maps.values()
    ]
    for source in sources:
        write_bytes(target / as_copied(source), _smaller(report.folder / source))
    write_bytes(target / "report.json", (report.folder / "report.json").read_bytes())
    text = report_page(run, report.table, root="../../", pages=pages, picture=as_copied)
    write_text(target / "index.html", text)


def write_report_list(run: Run, reports: Sequence[Report], folder: Path) -> None:
    """Write the page that leads to the reports of a gallery."""
    text = page_environment().get_template("reports.html.jinja").render(
        run=run,
        reports=[(report.name, report.table) for report in reports],
        policy=POLICY,
        root="../",
        home=True,
        picture=as_copied,
    )  # fmt: skip
    write_text(folder / "index.html", text)


def as_copied(file: str) -> str:
    """Return the name that a picture of a report has in the gallery."""
    return str(Path(file).with_suffix(".webp"))


def _smaller(source: Path) -> bytes:
    data = io.BytesIO()
    try:
        with Image.open(source) as picture:
            picture.convert("RGB").save(data, "WEBP", quality=QUALITY, method=4)
    except OSError as error:
        raise RunError(
            f"{source} cannot be read", got=str(error), hint="make the report again"
        ) from None
    return data.getvalue()
