"""The files of a concept's page: its pictures, natural images, numbers, and itself last."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from usae_viz.concepts import ConceptIndex
from usae_viz.errors import RunError
from usae_viz.gallery.concept import ConceptView, concept_script
from usae_viz.gallery.environment import POLICY, page_environment
from usae_viz.gallery.sheet import write_sheet
from usae_viz.run import Run, write_bytes, write_text

SMALL = 96
"""Side in pixels of the pictures in the list of concepts."""

MakeThumbnails = Callable[[Sequence[str]], None]


class ConceptPages:
    """Writes and removes the pages of one gallery folder.

    Args:
        run: the run.
        index: its concept index.
        folder: the gallery.
        make_thumbnails: called with the images of a page whose thumbnails the run does not have.
    """

    def __init__(
        self, run: Run, index: ConceptIndex, folder: Path, make_thumbnails: MakeThumbnails | None
    ) -> None:
        self.run, self.index, self.folder = run, index, folder
        self._make_thumbnails = make_thumbnails
        # Listed once: asking for each file by itself is what a large gallery would wait for.
        self._pages, self._thumbs = _names(folder / "concepts"), _names(folder / "thumbs")

    def has(self, concept: int) -> bool:
        """Whether there is a page of a concept."""
        return _page(concept) in self._pages

    def has_sheet(self, concept: int) -> bool:
        """Whether there is a sheet of a concept."""
        return self._sheet(concept).with_suffix(".png").is_file()

    def write(self, view: ConceptView, *, sheet: bool) -> None:
        """Write a concept's page with everything it shows; `sheet`: and its sheet and JSON file."""
        k, folder = view.concept, self.folder
        self._bring_thumbnails(view)
        place = folder / "pictures" / f"c{k}"
        shutil.rmtree(place, ignore_errors=True)
        for mode in view.modes:
            for name, picture in mode.pictures.items():
                _copy(picture.plain, place / mode.kind / f"{name}.png")
                _copy(picture.alpha, place / mode.kind / f"{name}.alpha.png")
                for number, seed in enumerate(picture.seeds, start=2):
                    _copy(seed, place / mode.kind / f"{name}.seed-{number}.png")
        if view.modes:
            for name, picture in view.modes[0].pictures.items():
                _write_small(picture.plain, place / f"{name}.small.webp")
        if sheet:
            write_sheet(self.run, self.index, view, self._sheet(k))
        write_text(folder / "data" / f"c{k}.js", concept_script(self.index, view))
        template = page_environment().get_template("concept_page.html.jinja")
        text = template.render(
            run=self.run, index=self.index, view=view, policy=POLICY, root="../", sheet=sheet
        )
        write_text(folder / "concepts" / _page(k), text)
        self._pages.add(_page(k))

    def remove(self, concept: int) -> None:
        """Remove a concept's page with what belongs to it alone."""
        (self.folder / "concepts" / _page(concept)).unlink(missing_ok=True)
        (self.folder / "data" / f"c{concept}.js").unlink(missing_ok=True)
        for suffix in (".png", ".json"):
            self._sheet(concept).with_suffix(suffix).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "pictures" / f"c{concept}", ignore_errors=True)
        self._pages.discard(_page(concept))

    def _sheet(self, concept: int) -> Path:
        """Return where a concept's sheet is, without suffix."""
        return self.folder / "sheets" / f"{concept:06d}"

    def _bring_thumbnails(self, view: ConceptView) -> None:
        wanted = sorted(i for i in view.images if f"{i}.webp" not in self._thumbs)
        missing = [i for i in wanted if not self.run.thumb_file(i).is_file()]
        if missing and self._make_thumbnails is not None:
            self._make_thumbnails(missing)
        for image_id in wanted:
            name = f"{image_id}.webp"
            _copy(self.run.thumb_file(image_id), self.folder / "thumbs" / name, "index again")
            self._thumbs.add(name)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _page(concept: int) -> str:
    return f"{concept:06d}.html"


def _write_small(source: Path, target: Path) -> None:
    with Image.open(source) as opened:
        small = opened.convert("RGB")
    small.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "WEBP", quality=80, method=4)
    write_bytes(target, data.getvalue())


def _copy(source: Path, target: Path, remedy: str = "maximize the concept again") -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise RunError(
            f"{source} cannot be read", got=error.strerror or str(error), hint=remedy
        ) from None
    write_bytes(target, data)
