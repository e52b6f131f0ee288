from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from tests.gallery.conftest import (
    DEAD,
    EXAMPLES,
    GRID,
    NAMES,
    UNIQUE,
    UNIVERSAL,
    make_result,
    make_run,
)
from tests.gallery.reader import Page
from usae_viz.concepts import ConceptName, load_index
from usae_viz.errors import ConceptError, RunError, UsageError
from usae_viz.gallery import build_single, build_site
from usae_viz.run import write_json

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\"'></h1><script>alert(2)</script>",
    "\u202eright to left",
    "🦊 & <b>fox</b>",
    "x" * 4000,
)


def called(name, note=""):
    return ConceptName(name, "user", note)


def page_of(front, concept):
    return Page(front.parent / "concepts" / f"{concept:06d}.html")


@pytest.fixture
def site(run):
    return build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1], {UNIQUE: called("<stars>")})


def every_page(site):
    return [Page(path) for path in sorted(site.parent.rglob("*.html"))]


def test_every_address_is_a_file_of_the_folder_or_a_place_on_the_page(site):
    for page in every_page(site):
        ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        for address in page.addresses():
            if address.startswith("#"):
                assert address[1:] in ids
                continue
            assert not address.startswith("/")
            assert ":" not in address
            file = (page.folder / address.split("#")[0]).resolve()
            assert file.is_relative_to(site.parent.resolve())
            assert file.is_file()


def test_every_file_of_the_folder_is_used(site):
    used = {site.resolve(), (site.parent / "gallery.json").resolve()}
    for page in every_page(site):
        for address in page.addresses():
            used.add((page.folder / address.split("#")[0]).resolve())
    there = {path.resolve() for path in site.parent.rglob("*") if path.is_file()}
    # The sheet of reports is beside the others, for reports that lie elsewhere bring their own.
    assert {path.name for path in there - used} <= {"report.css"}


def test_nothing_is_inline_and_nothing_comes_from_the_network(site):
    for page in every_page(site):
        (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src")
        assert not page.all("style")
        for script in page.all("script"):
            assert set(script) == {"src", "defer"}
        for _, attributes in page.elements:
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)
    for path in site.parent.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(
                r"https?:|[\"'(]//|\beval\b|\bFunction\(|\bimport\b|fetch\(", text
            ), path


def test_every_picture_says_what_it_shows(site):
    for page in every_page(site):
        for image in page.all("img"):
            decorative = "small.webp" in image["src"]  # beside the number, which is the link
            assert (image["alt"] == "") == decorative
        for chart in page.all("svg"):
            assert chart["role"] == "img"
            assert chart["aria-label"]
    page = page_of(site, UNIVERSAL)
    assert page.all("img", alt=f"Picture that maximizes concept {UNIVERSAL} in conv, per model")
    alts = [image["alt"] for image in page.all("img") if "/thumbs/" in image["src"]]
    assert len(alts) >= 3 * EXAMPLES
    assert len(set(alts)) == len(alts)


def test_the_numbers_that_heat_is_drawn_from_are_those_of_the_index(site, run):
    index = load_index(run)
    text = (site.parent / "data" / f"c{UNIVERSAL}.js").read_text("utf-8")
    table = json.loads(text.removeprefix("usaeViz.add(").removesuffix(");\n"))
    assert (table["concept"], table["grid"]) == (UNIVERSAL, GRID)
    assert [backbone["name"] for backbone in table["backbones"]] == list(NAMES)
    for at, backbone in enumerate(table["backbones"]):
        assert backbone["top"] == index.maximum[at, UNIVERSAL]
        for choice in ("top", "random", "joint"):
            expected = index.examples(NAMES[at], UNIVERSAL, choice)[:9]
            for given, example in zip(backbone["examples"][choice], expected, strict=True):
                values = np.frombuffer(base64.b64decode(given["values"]), np.uint8)
                assert np.array_equal(values.reshape(GRID, GRID), example.grid)
                assert given["image"] == example.image_id
                assert given["peak"] == pytest.approx(example.peak, abs=1e-4)


def test_the_list_holds_every_living_concept(site, run):
    index = load_index(run)
    text = (site.parent / "data" / "index.js").read_text("utf-8")
    table = json.loads(text.removeprefix("usaeViz.setIndex(").removesuffix(");\n"))
    living = [k for k in range(index.concepts) if not index.dead[k]]
    assert table["id"] == living
    assert table["dead"] == [DEAD]
    everyone = 2 ** len(NAMES) - 1
    assert table["by"][living.index(UNIVERSAL)] == everyone
    assert table["by"][living.index(UNIQUE)] == 1
    for key in ("kind", "entropy", "cofire", "correlation", "energy", "rate", "x", "y"):
        assert len(table[key]) == len(living)
    at = living.index(UNIQUE)
    assert table["kinds"][int(table["kind"][at])] == "unique"
    assert table["entropy"][at] == round(1000 * float(index.entropy[UNIQUE]))
    assert table["label"] == {str(UNIQUE): "<stars>"}
    assert table["page"] == sorted([UNIVERSAL, UNIQUE, 1])
    assert table["pictures"] == {str(UNIVERSAL): [0, 1, 2], str(UNIQUE): [0]}


def test_the_static_pages_say_it_all(site):
    front = Page(site)
    for said in ("timm:vit_net", "grey only", "<stars>", "Not evaluated yet", "universal"):
        assert said in front.text
    assert "Holds in <every> model & is said so." in page_of(site, UNIVERSAL).text
    assert "strongest concept of its code" in page_of(site, UNIVERSAL).text
    unique = page_of(site, UNIQUE)
    for said in (f"Concept {UNIQUE}", "unique", "<stars>", "not maximized", "It never fires in 7"):
        assert said in unique.text
    assert "Not maximized yet" in page_of(site, 1).text
    assert "usae-viz maximize --concept 1" in page_of(site, 1).text


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
    page = Page(build_site(run, run.outputs, [UNIVERSAL]))
    assert "11 of 12 concepts are alive" in page.text
    assert "−0.10" in page.text


def test_modes_stand_side_by_side(run):
    rng = np.random.default_rng(1)
    shared = make_result(UNIVERSAL, NAMES, rng)
    shared.settings["mode"] = "contrast"
    shared.write(run.maximized_dir(UNIVERSAL, kind="contrast"))
    page = page_of(build_site(run, run.outputs, [UNIVERSAL]), UNIVERSAL)
    assert [s["data-mode"] for s in page.all("section") if s.get("class") == "mode"] == [
        "per-model",
        "contrast",
    ]
    assert len(page.all("option")) == 3


def test_the_folder_may_be_moved_and_is_the_same_each_time(run, tmp_path):
    def contents(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    page = build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert page == run.outputs / "gallery" / "index.html"
    first = contents(page.parent)
    for name, data in first.items():
        if name.suffix in (".html", ".js", ".json", ".css"):
            assert str(tmp_path).encode() not in data
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert contents(page.parent) == first


def test_only_what_changed_is_written_again(run):
    page = build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1])
    files = [page.parent / "concepts" / f"{k:06d}.html" for k in (UNIVERSAL, UNIQUE, 1)]
    before = [file.stat().st_mtime_ns for file in files]
    make_result(UNIQUE, ("vit", "conv"), np.random.default_rng(5)).write(run.maximized_dir(UNIQUE))
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1])
    after = [file.stat().st_mtime_ns for file in files]
    assert [a != b for a, b in zip(after, before, strict=True)] == [False, True, False]
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1], {1: called("named")})
    assert "named" in page_of(page, 1).text
    build_site(run, run.outputs, [UNIVERSAL])
    assert [file.exists() for file in files] == [True, False, False]
    assert not (page.parent / "pictures" / f"c{UNIQUE}").exists()


def test_a_failure_leaves_the_front_page_and_a_second_build_goes_on(run):
    page = build_site(run, run.outputs, [UNIVERSAL])
    before = page.read_bytes()
    picture = run.maximized_dir(UNIQUE) / "vit.alpha.png"
    data = picture.read_bytes()
    picture.unlink()
    with pytest.raises(RunError, match=r"is damaged|cannot be read"):
        build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert page.read_bytes() == before
    picture.write_bytes(data)
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert page_of(page, UNIQUE).all("article", id=f"c{UNIQUE}")


def test_an_interrupted_build_goes_on_where_it_ended(run, monkeypatch):
    monkeypatch.setattr("usae_viz.gallery.manifest.EVERY", 0.0)

    def stop(done, _):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1], progress=stop)
    folder = run.outputs / "gallery"
    made = [folder / "concepts" / f"{k:06d}.html" for k in (UNIVERSAL, UNIQUE)]
    before = [path.stat().st_mtime_ns for path in made]
    assert not (folder / "index.html").exists()
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1])
    assert [path.stat().st_mtime_ns for path in made] == before
    assert len(list((folder / "concepts").iterdir())) == 3


def test_names_notes_and_where_they_are_written(run):
    names = {UNIVERSAL: called("", "only a note"), UNIQUE: ConceptName("dots", "dissection")}
    site = build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1], names)
    assert "only a note" in page_of(site, UNIVERSAL).text
    assert "Name found by dissection, no note" in page_of(site, UNIQUE).text
    assert "No name yet" in page_of(site, 1).text
    assert '--name "1=' in page_of(site, 1).text
    text = (site.parent / "data" / "index.js").read_text("utf-8")
    table = json.loads(text.removeprefix("usaeViz.setIndex(").removesuffix(");\n"))
    assert table["label"] == {str(UNIQUE): "dots"}
    assert table["note"] == {str(UNIVERSAL): "only a note"}


def test_the_sample_stands_in_quarters_weakest_first(site, run):
    found = load_index(run).quantiles("vit", UNIVERSAL)
    page = page_of(site, UNIVERSAL)
    quarters = [a for a in page.all("img") if "quarter: Random" in (a["alt"] or "")]
    shown = [a["src"].split("/")[-1].removesuffix(".webp") for a in quarters if "vit" in a["alt"]]
    assert shown == [example.image_id for group in found for example in group]
    assert len(shown) >= 4


def test_what_the_run_is_made_from_is_said_without_places(tmp_path):
    run = make_run(tmp_path / "run", {}, source=f"folder:{tmp_path}/photos,masks={tmp_path}/m")
    page = Page(build_site(run, run.outputs, [UNIVERSAL]))
    assert "folder photos, masks m" in page.text
    assert str(tmp_path) not in page.text
    assert "12 concepts, 2 kept a token, topk, mode ours" in page.text
    assert run.info.created in page.text


def test_another_folder_of_pictures_may_be_shown(tmp_path):
    run = make_run(tmp_path / "run", {})
    other = make_run(tmp_path / "other", {UNIVERSAL: NAMES})
    page = build_site(run, other.outputs, [UNIVERSAL])
    assert page == tmp_path / "other" / "gallery" / "index.html"
    assert not (tmp_path / "run" / "gallery").exists()


def test_what_was_not_built_here_is_never_replaced(run):
    folder = run.outputs / "gallery"
    folder.mkdir()
    (folder / "thesis.txt").write_text("do not lose me")
    with pytest.raises(RunError, match="not built by usae-viz"):
        build_site(run, run.outputs, [UNIVERSAL])
    assert (folder / "thesis.txt").read_text() == "do not lose me"


def test_what_cannot_be_shown_is_named(run):
    with pytest.raises(UsageError, match="at least one concept"):
        build_site(run, run.outputs, [])
    with pytest.raises(ConceptError, match="is dead"):
        build_site(run, run.outputs, [UNIVERSAL, DEAD])
    assert not (run.outputs / "gallery").exists()


def test_hostile_names_are_shown_as_text(run):
    concepts = [UNIVERSAL, UNIQUE, 0, 1, 2]
    names = {k: called(text, text) for k, text in zip(concepts, HOSTILE, strict=True)}
    site = build_site(run, run.outputs, concepts, names)
    single = build_single(run, run.outputs, concepts, names)
    for page in (Page(site), Page(single), *(page_of(site, k) for k in concepts)):
        assert not page.all("b")
        assert not page.all("img", src="x")
    for concept, name in zip(concepts, HOSTILE, strict=True):
        assert name in page_of(site, concept).text
        assert name in Page(single).text


def test_one_file_holds_everything(run):
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    single = build_single(run, run.outputs, [UNIVERSAL, UNIQUE])
    page = Page(single)
    assert single.name == f"concepts-{UNIVERSAL}-{UNIQUE}.html"
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert not page.all("link")
    assert not [script for script in page.all("script") if "src" in script]
    with pytest.raises(UsageError, match="too large"):
        build_single(run, run.outputs, [UNIVERSAL, UNIQUE], max_megabytes=0.01)
