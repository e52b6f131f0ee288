"""Several results of one concept: of several modes, or of one mode made in several ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gallery.conftest import NAMES, UNIQUE, UNIVERSAL, make_result
from tests.gallery.reader import Page
from usae_viz.errors import RunError
from usae_viz.gallery import build_single, build_site
from usae_viz.gallery import sheet as sheets
from usae_viz.run import Run

ALSO = "per-model_-1x12"
FIRST, SECOND = "accentuate_aaaaaaaa", "accentuate_bbbbbbbb"


def add(run: Run, kind: str, seed: int, **settings: Any) -> Path:
    result = make_result(UNIVERSAL, NAMES, np.random.default_rng(seed))
    result.settings.update(settings)
    folder = run.maximized_dir(UNIVERSAL, kind=kind)
    result.write(folder)
    return folder


def shown(site: Path) -> Page:
    return Page(site.parent / "concepts" / f"{UNIVERSAL:06d}.html")


def kinds(page: Page) -> list[str | None]:
    return [s["data-mode"] for s in page.all("section") if s.get("class") == "mode"]


def test_kinds_of_one_mode_have_pictures_and_menu_entries_of_their_own(run: Run) -> None:
    made = {
        "per-model": run.maximized_dir(UNIVERSAL),
        FIRST: add(run, FIRST, 1, mode="accentuate", start={"file": "<a>.png", "sha256": "aa"}),
        SECOND: add(run, SECOND, 2, mode="accentuate", start={"file": "b.png", "sha256": "bb"}),
        ALSO: add(run, ALSO, 3, also={"12": -1.0}),
    }
    site = build_site(run, run.outputs, [UNIVERSAL])
    page = shown(site)
    assert kinds(page) == list(made)
    assert [option["value"] for option in page.all("option")] == [*made, ""]
    for kind, folder in made.items():
        copied = site.parent / "pictures" / f"c{UNIVERSAL}" / kind
        for name in ("vit.png", "vit.alpha.png"):
            assert (copied / name).read_bytes() == (folder / name).read_bytes()
        assert page.all("img", src=f"../pictures/c{UNIVERSAL}/{kind}/vit.png")
    for title in ("per model, also −1 × 12", "accentuate, <a>.png", "accentuate, b.png"):
        assert title in page.text
        assert page.all("img", alt=f"Picture that maximizes concept {UNIVERSAL} in vit, {title}")
    single = Page(build_single(run, run.outputs, [UNIVERSAL]))
    assert kinds(single) == list(made)


def test_no_two_headings_are_alike_and_none_is_endless(run: Run) -> None:
    many = {str(k): 0.5 for k in range(40)}
    add(run, "per-model_also-123456789abc", 1, also=many)
    add(run, FIRST, 2, mode="accentuate", start={"file": "a.png", "sha256": "aa"})
    add(run, SECOND, 3, mode="accentuate", start={"file": "a.png", "sha256": "bb"})
    text = shown(build_site(run, run.outputs, [UNIVERSAL])).text
    assert "per model, also 0.5 × 0, 0.5 × 1, 0.5 × 2, 37 more" in text
    for kind in (FIRST, SECOND):
        assert f"accentuate, a.png ({kind})" in text


def test_settings_of_another_shape_do_no_harm(run: Run) -> None:
    add(run, "odd", 1, also={"12": "<b>"}, start="x.png")
    page = shown(build_site(run, run.outputs, [UNIVERSAL]))
    assert kinds(page) == ["per-model", "odd"]
    assert not page.all("b")


def test_a_sheet_tells_kinds_apart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    add(run, "contrast", 1, mode="contrast")
    add(run, ALSO, 2, also={"12": -1.0})
    captions: list[str] = []
    original = sheets.sheet

    def drawn(tiles: Any, *rest: Any, **named: Any) -> Any:
        captions.extend(tile.caption for tile in tiles)
        return original(tiles, *rest, **named)

    monkeypatch.setattr(sheets, "sheet", drawn)
    build_site(run, run.outputs, [UNIVERSAL], sheets=True)
    starts = [caption.split(":")[0] for caption in captions[: 3 * len(NAMES) : len(NAMES)]]
    assert starts == ["per-model", "contrast", "per model, also -1 x 12"]
    assert all(caption.isascii() for caption in captions)


def test_a_kind_that_cannot_be_read_is_left_out_until_it_can(run: Run) -> None:
    folder = add(run, "contrast", 1, mode="contrast")
    file = folder / "result.json"
    before = file.read_text("utf-8")
    file.write_text(json.dumps({**json.loads(before), "format": 1}), "utf-8")
    site = build_site(run, run.outputs, [UNIVERSAL])
    assert kinds(shown(site)) == ["per-model"]
    assert "cannot be read: contrast" in shown(site).text
    file.write_text(before, "utf-8")
    picture = folder / "vit.alpha.png"
    data = picture.read_bytes()
    picture.write_bytes(data[:-60])
    build_site(run, run.outputs, [UNIVERSAL])
    assert kinds(shown(site)) == ["per-model"]
    # Nothing but the picture differs now from what the page was made of.
    picture.write_bytes(data)
    build_site(run, run.outputs, [UNIVERSAL])
    assert kinds(shown(site)) == ["per-model", "contrast"]
    assert "cannot be read" not in shown(site).text


def test_a_concept_of_which_nothing_can_be_read_is_named(run: Run) -> None:
    (run.maximized_dir(UNIQUE) / "vit.png").unlink()
    with pytest.raises(RunError, match=r"result\.json or a picture beside it is damaged"):
        build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
