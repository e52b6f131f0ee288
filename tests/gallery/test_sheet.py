"""A concept taken along: a sheet as a picture, and its numbers."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from tests.gallery.conftest import NAMES, UNIQUE, UNIVERSAL, make_result
from tests.gallery.reader import Page
from usae_viz.concepts import ConceptName, load_index
from usae_viz.gallery import build_site
from usae_viz.gallery import sheet as sheets
from usae_viz.gallery.concept import concept_view


def test_a_sheet_holds_the_pictures_and_the_numbers_of_the_page(run):
    names = {UNIVERSAL: ConceptName("dots", "user", "shirts too")}
    site = build_site(run, run.outputs, [UNIVERSAL, UNIQUE], names, sheets=True)
    sheet = site.parent / "sheets" / f"{UNIVERSAL:06d}.png"
    with Image.open(sheet) as opened:
        assert opened.width > 3 * 320
        assert opened.height > 2 * 320
        pixels = np.asarray(opened.convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000
    table = json.loads(sheet.with_suffix(".json").read_text("utf-8"))
    index = load_index(run)
    assert (table["name"], table["note"]) == ("dots", "shirts too")
    assert [each["name"] for each in table["backbones"]] == list(NAMES)
    assert table["backbones"][0]["rate"] == float(index.rate[0, UNIVERSAL])
    assert table["maximized"][0]["mode"] == "per-model"
    page = Page(site.parent / "concepts" / f"{UNIVERSAL:06d}.html")
    assert page.all("a", href=f"../sheets/{UNIVERSAL:06d}.png")


def test_a_sheet_is_written_in_letters_that_its_font_has(run, monkeypatch):
    asked = {}
    monkeypatch.setattr(sheets, "sheet", lambda tiles, _, **rest: asked.update(rest, tiles=tiles))
    index = load_index(run)
    sheets.concept_sheet(run, index, concept_view(run, index, UNIVERSAL, run.outputs))
    written = [asked["title"], asked["note"], *(tile.caption for tile in asked["tiles"])]
    assert any("% of natural" in text for text in written)
    assert all(text.isascii() for text in written)


def test_a_sheet_is_kept_up_and_goes_with_its_page(run):
    site = build_site(run, run.outputs, [UNIVERSAL, UNIQUE], sheets=True)
    sheet = site.parent / "sheets" / f"{UNIQUE:06d}.png"
    before = sheet.read_bytes()
    make_result(UNIQUE, ("vit", "conv"), np.random.default_rng(9)).write(run.maximized_dir(UNIQUE))
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert sheet.read_bytes() != before
    build_site(run, run.outputs, [UNIVERSAL])
    assert not sheet.exists()
    assert not sheet.with_suffix(".json").exists()
