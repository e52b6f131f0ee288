"""Pages over attribution reports: one an image, and an index over several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from usae_viz.gallery.environment import POLICY, page_environment, write_assets
from usae_viz.gallery.text import listed, number, percent, shortened
from usae_viz.render import Bar, signed_bars
from usae_viz.run import Run, write_text

SHEETS = ("base.css", "tables.css", "concept.css", "page.css", "report.css")


def build_report(run: Run, folder: Path, table: Mapping[str, Any]) -> Path:
    """Write the page over one report that was saved into `folder`.

    Args:
        run: the run that it was made with.
        folder: where ``report.json`` and its pictures are.
        table: the content of that file.

    Returns:
        ``folder/index.html``; it opens by double-click, and the folder may be moved.
    """
    write_assets(folder / "assets", SHEETS)
    write_text(folder / "index.html", report_page(run, table))
    return folder / "index.html"


def report_page(
    run: Run,
    table: Mapping[str, Any],
    *,
    root: str = "",
    pages: Collection[int] | None = None,
    picture: Callable[[str], str] = str,
) -> str:
    """Return the page over one report.

    Args:
        run: the run that it was made with.
        table: the content of its ``report.json``.
        root: path from the page to the folder that holds ``assets``.
        pages: for a report in a gallery, the concepts that have a page there; None: it stands
            alone.
        picture: gives the path of a picture that the table names.
    """
    classes = {
        name: None if found["target"] is None else _bars(name, found)
        for name, found in table["classes"].items()
    }
    return page_environment().get_template("report.html.jinja").render(
        run=run,
        report=table,
        names=table["backbones"],
        policy=POLICY,
        charts=classes,
        summary=_summary(table),
        root=root,
        pages=pages,
        picture=picture,
    )  # fmt: skip


def build_report_index(
    run: Run, folder: Path, reports: Sequence[tuple[str, Mapping[str, Any]]]
) -> Path:
    """Write the page that leads to several reports.

    Args:
        run: the run.
        folder: the folder that the reports' folders are in.
        reports: each with the name of its folder and its table.
    """
    text = page_environment().get_template("reports.html.jinja").render(
        run=run, reports=reports, policy=POLICY, root="", home=False, picture=str
    )  # fmt: skip
    write_assets(folder / "assets", SHEETS)
    write_text(folder / "index.html", text)
    return folder / "index.html"


def _summary(table: Mapping[str, Any]) -> str:
    """Say what was found in one sentence."""
    names = table["backbones"]
    strong = [
        concept
        for concept in table["concepts"]
        if all((concept["natural"][name] or 0) >= 0.3 for name in names)
    ]
    if not table["concepts"]:
        return "No concept of the code stands out in this image."
    if not strong:
        return (
            f"No concept of the image reaches {percent(0.3)} of its natural top in every backbone."
        )
    ids = listed([str(concept["id"]) for concept in strong])
    what = f"concepts {ids}" if len(strong) > 1 else f"concept {ids}"
    return f"All backbones see {what} at {percent(0.3)} of the natural top or more."


def _bars(name: str, found: Mapping[str, Any]) -> Markup:
    bars = []
    for row in found["rows"]:
        concept = row["concept"]
        label = {
            "others": "all other concepts",
            "error": "SAE error",
            "bias": "bias (mean map)",
        }.get(row["kind"], f"concept {concept}")
        if row["name"]:
            label = f"{label}: {row['name']}"
        note = f"{label}: {number(row['value'])}"
        if row["ablation"] is not None:
            note += f"; without it the score falls by {number(row['ablation'])}"
        if row["gradient"] is not None:
            note += f"; gradient × activation {number(row['gradient'])}"
        bars.append(Bar(shortened(label, 27), row["value"], row["concept"] is None, note))
    return signed_bars(
        bars,
        title=f"What {found['name']} is made of in {name}",
        x_label=f"part of the score of {found['name']}",
    )
