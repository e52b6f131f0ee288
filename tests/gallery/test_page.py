from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.gallery.conftest import DEAD, EXAMPLES, GRID, NAMES, UNIQUE, UNIVERSAL, make_run
from usae_viz.concepts import load_index
from usae_viz.errors import ConceptError, RunError, UsageError
from usae_viz.gallery import build_page
from usae_viz.run import write_json


class Page(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.folder = path.parent
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, **wanted):
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def addresses(self):
        found = [a[key] for _, a in self.elements for key in ("src", "href") if key in a]
        return [address for address in found if not address.startswith("data:")]


@pytest.fixture
def page(run):
    return Page(build_page(run, run.outputs, [UNIVERSAL, UNIQUE], {UNIQUE: "<stars>"}))


def test_every_address_is_a_file_of_the_folder_or_a_place_on_the_page(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for address in page.addresses():
        if address.startswith("#"):
            assert address[1:] in ids
            continue
        assert not address.startswith("/")
        assert ":" not in address
        assert (page.folder / address).resolve().is_relative_to(page.folder.resolve())
        assert (page.folder / address).is_file()


def test_every_file_of_the_folder_is_used(page):
    used = {(page.folder / address).resolve() for address in page.addresses() if address[0] != "#"}
    there = {path.resolve() for path in page.folder.rglob("*") if path.is_file()}
    own = {(page.folder / name).resolve() for name in ("index.html", "gallery.json")}
    assert there - used == own


def test_nothing_is_inline_and_nothing_comes_from_the_network(page):
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
    )
    assert not page.all("style")
    for script in page.all("script"):
        assert set(script) == {"src", "defer"}
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    for path in page.folder.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(
                r"https?:|[\"'(]//|\beval\b|\bFunction\(|\bimport\b|fetch\(", text
            ), path


def test_every_picture_says_what_it_shows(page):
    for image in page.all("img"):
        decorative = "small.webp" in image["src"]  # beside the concept's number, which is the link
        assert (image["alt"] == "") == decorative
    assert page.all("img", alt=f"Picture that maximizes concept {UNIVERSAL} in conv")
    alts = [image["alt"] for image in page.all("img") if image["src"].startswith("thumbs/")]
    assert len(alts) == 3 * EXAMPLES + EXAMPLES
    assert len(set(alts)) == len(alts)
    (chart, _) = page.all("svg")
    assert chart["role"] == "img"
    assert str(UNIVERSAL) in chart["aria-label"]


def test_the_numbers_that_heat_is_drawn_from_are_those_of_the_index(page, run):
    index = load_index(run)
    text = (page.folder / "data" / f"c{UNIVERSAL}.js").read_text("utf-8")
    assert text.startswith("usaeViz.add(")
    table = json.loads(text.removeprefix("usaeViz.add(").removesuffix(");\n"))
    assert (table["concept"], table["grid"]) == (UNIVERSAL, GRID)
    assert [backbone["name"] for backbone in table["backbones"]] == list(NAMES)
    for at, backbone in enumerate(table["backbones"]):
        assert backbone["top"] == index.maximum[at, UNIVERSAL]
        for given, example in zip(
            backbone["examples"], index.examples(NAMES[at], UNIVERSAL), strict=True
        ):
            values = np.frombuffer(base64.b64decode(given["values"]), np.uint8)
            assert np.array_equal(values.reshape(GRID, GRID), example.grid)
            assert (given["image"], given["peak"]) == (example.image_id, example.peak)


def test_the_colours_are_the_render_rooms(page):
    from usae_viz.render import sequential_table

    text = (page.folder / "assets" / "colours.js").read_text("utf-8")
    encoded = json.loads(text.removeprefix("usaeViz.setColours(").removesuffix(");\n"))
    table = np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(256, 3)
    assert np.array_equal(table, sequential_table())


def test_the_static_page_says_it_all(page):
    for said in (
        f"Concept {UNIVERSAL}",
        f"Concept {UNIQUE}",
        "universal",
        "unique",
        "<stars>",
        "Holds in <every> model & is said so.",
        "not maximized",
        "It never fires in 7 images.",
        "timm:vit_net",
        "grey only",
        "strongest concept of its code",
    ):
        assert said in page.text
    assert "How good the code is" not in page.text


def test_quality_is_told_where_it_was_measured(run):
    matrix = [[0.61, 0.2, -0.1], [0.1, 0.5, 0.1], [0.2, 0.2, 0.4]]
    write_json(
        run.evaluation_file,
        {
            "backbones": list(NAMES),
            "concepts": 12,
            "dead": 1,
            "r2": {"channel": matrix, "scalar": matrix},
            "entropy": {"above_0.9": 7},
        },
    )
    page = Page(build_page(run, run.outputs, [UNIVERSAL]))
    assert "11 of 12 concepts are alive" in page.text
    assert "−0.10" in page.text


def test_one_concept_needs_no_list(run):
    page = Page(build_page(run, run.outputs, [UNIVERSAL]))
    assert not page.all("nav")
    assert not page.all("button")
    assert page.all("article", id=f"c{UNIVERSAL}")


def test_the_folder_may_be_moved_and_is_the_same_each_time(run, tmp_path):
    def contents(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    page = build_page(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert page == run.outputs / "gallery" / "index.html"
    first = contents(page.parent)
    for name, data in first.items():
        if name.suffix in (".html", ".js", ".json", ".css"):
            assert str(tmp_path).encode() not in data
    build_page(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert contents(page.parent) == first


def test_another_folder_of_pictures_may_be_shown(tmp_path):
    run = make_run(tmp_path / "run", {})
    other = make_run(tmp_path / "other", {UNIVERSAL: NAMES})
    page = build_page(run, other.outputs, [UNIVERSAL])
    assert page == tmp_path / "other" / "gallery" / "index.html"
    assert not (tmp_path / "run" / "gallery").exists()


def test_a_failure_leaves_the_page_before_as_it_was(run):
    page = build_page(run, run.outputs, [UNIVERSAL])
    before = page.read_bytes()
    index = load_index(run)
    run.thumb_file(index.examples("vit", UNIQUE)[0].image_id).unlink()
    with pytest.raises(RunError, match=r"\.webp cannot be read") as caught:
        build_page(run, run.outputs, [UNIQUE])
    assert caught.value.hint == "index again"
    assert page.read_bytes() == before
    assert not list(run.outputs.glob(".gallery*"))


def test_what_was_not_built_here_is_never_replaced(run):
    folder = run.outputs / "gallery"
    folder.mkdir()
    (folder / "thesis.txt").write_text("do not lose me")
    with pytest.raises(RunError, match="not built by usae-viz"):
        build_page(run, run.outputs, [UNIVERSAL])
    assert (folder / "thesis.txt").read_text() == "do not lose me"


def test_what_cannot_be_shown_is_named(run):
    with pytest.raises(UsageError, match="at least one concept"):
        build_page(run, run.outputs, [])
    with pytest.raises(ConceptError, match="is dead"):
        build_page(run, run.outputs, [DEAD])
    with pytest.raises(RunError, match=r"000001.result\.json is missing"):
        build_page(run, run.outputs, [1])
    (run.maximized_dir(UNIVERSAL) / "vit.png").unlink()
    with pytest.raises(RunError, match=r"vit\.png cannot be read"):
        build_page(run, run.outputs, [UNIVERSAL])
    assert not (run.outputs / "gallery").exists()
