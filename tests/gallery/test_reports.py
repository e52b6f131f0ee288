"""Attribution reports in the gallery: copied, linked from where they speak, and kept current."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.gallery.conftest import NAMES, UNIQUE, UNIVERSAL, noise
from tests.gallery.reader import Page
from usae_viz.errors import RunError
from usae_viz.gallery import build_single, build_site


@pytest.fixture
def report(run):
    """A report on one image that speaks of one concept with a page and one without."""
    folder = run.report_dir("a <b> cat.jpg")
    rng = np.random.default_rng(0)
    maps = {name: {"heatmap": f"maps/c-{name}-heatmap.png"} for name in NAMES}
    for file in ("image.png", *(found["heatmap"] for found in maps.values())):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(rng, 32, 1)).save(folder / file)
    concepts = [
        {
            "id": concept,
            "kind": "universal",
            "name": None,
            "activation": dict.fromkeys(NAMES, 0.5),
            "natural": {"vit": 0.83, "conv": 0.4, "grey": None},
            "maps": maps,
            "heat_top": dict.fromkeys(NAMES, 2.0),
            "pixel_scale": {},
            "pixels": {},
            "agreement": 0.7,
            "faithfulness": {},
        }
        for concept in (UNIVERSAL, 7)
    ]
    refused = {"target": None, "rows": [], "completeness": None, "refused": "no classifier"}
    table = {
        "format": 1,
        "image": "a <b> cat.jpg",
        "sha256": "ab" * 32,
        "backbones": list(NAMES),
        "concepts": concepts,
        "classes": dict.fromkeys(NAMES, refused),
        "translation": {},
        "settings": {"methods": [], "tokens": "active", "baseline": "blur"},
        "warnings": [],
        "seconds": 1.0,
    }
    (folder / "report.json").write_text(json.dumps(table))
    return folder


def test_reports_are_linked_from_where_they_speak(run, report):
    site = build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    place = f"reports/{report.name}/index.html"
    assert Page(site).all("a", href=place)
    concept = Page(site.parent / "concepts" / f"{UNIVERSAL:06d}.html")
    assert concept.all("a", href=f"../{place}#c{UNIVERSAL}")
    assert "vit 83\u202f%, conv 40\u202f%, grey –" in concept.text
    other = Page(site.parent / "concepts" / f"{UNIQUE:06d}.html")
    assert "In attribution reports" not in other.text
    page = Page(site.parent / place)
    assert page.all("a", href=f"../../concepts/{UNIVERSAL:06d}.html")
    assert not page.all("a", href="../../concepts/000007.html")
    assert "a <b> cat.jpg" in page.text
    assert not page.all("b")
    assert Page(site.parent / "reports" / "index.html").all("a", href=f"{report.name}/index.html")


def test_every_address_of_a_report_is_in_the_folder(run, report):
    site = build_site(run, run.outputs, [UNIVERSAL])
    for path in (site.parent / "reports").rglob("*.html"):
        page = Page(path)
        for address in page.addresses():
            if not address.startswith("#"):
                file = (page.folder / address.split("#")[0]).resolve()
                assert file.is_relative_to(site.parent.resolve())
                assert file.is_file(), address
    assert not list((site.parent / "reports").rglob("*.png"))
    assert (report / "image.png").is_file()


def test_a_report_that_is_new_or_gone_is_followed(run, report):
    site = build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    pages = [site.parent / "concepts" / f"{k:06d}.html" for k in (UNIVERSAL, UNIQUE)]
    copy = site.parent / "reports" / report.name / "index.html"
    before = [path.stat().st_mtime_ns for path in (*pages, copy)]
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert [path.stat().st_mtime_ns for path in (*pages, copy)] == before
    for file in (report / "report.json", report / "image.png"):
        file.unlink()
    build_site(run, run.outputs, [UNIVERSAL, UNIQUE])
    assert [path.stat().st_mtime_ns == old for path, old in zip(pages, before, strict=False)] == [
        False,
        True,
    ]
    assert "In attribution reports" not in Page(pages[0]).text
    assert not (site.parent / "reports").exists()


def test_a_damaged_report_is_named(run, report):
    (report / "report.json").write_text('{"image": 1}')
    with pytest.raises(RunError, match="not an attribution report"):
        build_site(run, run.outputs, [UNIVERSAL])


@pytest.mark.usefixtures("report")
def test_one_file_leaves_reports_out(run):
    build_site(run, run.outputs, [UNIVERSAL])
    assert "In attribution reports" not in Page(build_single(run, run.outputs, [UNIVERSAL])).text
