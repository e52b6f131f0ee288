"""What a gallery folder holds and of what state of the run: so that only what changed is redone."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usae_viz.concepts import ConceptName
from usae_viz.errors import RunError
from usae_viz.gallery.environment import assets, page_environment
from usae_viz.gallery.reports import Mention
from usae_viz.lock import TEMPORARY
from usae_viz.run import Run, file_sha256, read_json, write_json

FORMAT = 3
MANIFEST = "gallery.json"
"""Says that a folder was made here, and of what state of the run each page is."""
EVERY = 5.0
"""Seconds between two savings, so that an interrupted build goes on about where it ended."""
OURS = {
    "assets", "concepts", "data", "pictures", "reports", "sheets", "thumbs",
    "index.html", "compare.html",
}  # fmt: skip


class Manifest:
    """The state of each page and report of a gallery folder.

    Attributes:
        pages: per concept ``state`` and ``pictures`` (backbones that have one).
        reports: state by name.
    """

    def __init__(self, run: Run, folder: Path, look: str) -> None:
        self.names = run.names
        self.folder, self._head = folder, {"format": FORMAT, "run": run.info.name, "look": look}
        self.pages: dict[int, dict[str, Any]] = {}
        self.reports: dict[str, str] = {}
        self._saved = time.monotonic()
        self._load()

    def _load(self) -> None:
        file = self.folder / MANIFEST
        if not file.is_file():
            # Nothing of ours: what an interrupted first build left has only our folders in it.
            if self.folder.exists() and any(
                path.name not in OURS and not TEMPORARY.fullmatch(path.name)
                for path in self.folder.iterdir()
            ):
                raise RunError(
                    f"{self.folder} holds something that was not built by usae-viz",
                    expected=f"no such folder, an empty one, or one with {MANIFEST}",
                    hint="move it away, or give another --out",
                )
            return
        table = read_json(file)
        if not isinstance(table, dict) or not isinstance(table.get("pages"), dict):
            raise RunError(
                f"{file} is damaged, or was not written by usae-viz",
                hint=f"remove {self.folder}, and build it again",
            )
        if table.get("format") != FORMAT:
            shutil.rmtree(self.folder)
            return
        # What cannot be read is made again.
        self.pages = {
            int(concept): entry
            for concept, entry in table["pages"].items()
            if concept.isdecimal() and _is_page(entry, self.names)
        }
        reports = table.get("reports")
        self.reports = {
            name: state
            for name, state in (reports if isinstance(reports, dict) else {}).items()
            if name == Path(name).name and name not in (".", "..") and isinstance(state, str)
        }

    def save(self, *, soon: bool = False) -> None:
        """Write it down; `soon`: unless that was done a moment ago."""
        if soon and time.monotonic() - self._saved < EVERY:
            return
        pages = {str(concept): self.pages[concept] for concept in sorted(self.pages)}
        table = {**self._head, "reports": dict(sorted(self.reports.items())), "pages": pages}
        write_json(self.folder / MANIFEST, table)
        self._saved = time.monotonic()


def _is_page(entry: Any, names: Sequence[str]) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("pictures"), list):
        return False
    return "state" in entry and all(each in names for each in entry["pictures"])


def site_look(run: Run) -> str:
    """Return a hash of what every page depends on: templates, assets, the index, the run."""
    parts = hashlib.sha256()
    loader = page_environment().loader
    assert loader is not None
    for name in sorted(loader.list_templates()):
        parts.update(loader.get_source(page_environment(), name)[0].encode())
    for _, data in sorted(assets().items()):
        parts.update(data)
    parts.update(file_sha256(run.index_file).encode())
    parts.update(run.info.model_dump_json().encode())
    return parts.hexdigest()


def page_state(
    run: Run,
    out: Path,
    concept: int,
    look: str,
    name: ConceptName | None,
    reports: Sequence[Mention],
    *,
    maximized: bool,
    sheet: bool,
) -> str:
    """Return a hash of all that the page of a concept is made from."""
    # By content, not by time: a gallery that was moved or checked out is not built anew.
    results = [
        (kind, file_sha256(run.maximized_dir(concept, out, kind) / "result.json"))
        for kind in (run.maximized_kinds(concept, out) if maximized else ())
    ]
    mentioned = [(each.folder, each.image, each.natural) for each in reports]
    parts = [look, concept, name, results, mentioned, sheet]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
