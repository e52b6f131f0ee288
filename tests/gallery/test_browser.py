"""The gallery in system Chromium, opened as files: what its scripts do, and whom they leave out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.gallery.conftest import (
    DEAD,
    EXAMPLES,
    NAMES,
    SIDE,
    UNIQUE,
    UNIVERSAL,
    make_result,
    make_run,
)
from usae_viz.concepts import ConceptName
from usae_viz.gallery import build_single, build_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]

HEAT = """() => [
  ...document.querySelectorAll('.choice-group:not([hidden]) .photo canvas')
].map((c) => {
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [c.width, c.height];
  const pen = copy.getContext('2d', { willReadFrequently: true });
  pen.drawImage(c, 0, 0);
  const d = pen.getImageData(0, 0, c.width, c.height).data;
  let most = 0, drawn = 0;
  for (let i = 3; i < d.length; i += 4) { most = Math.max(most, d[i]); drawn += d[i] > 0; }
  return [most, drawn];
})"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def site(run):
    return build_site(
        run, run.outputs, [UNIVERSAL, UNIQUE, 1], {UNIQUE: ConceptName("<stars>", "user")}
    )


@pytest.fixture
def visit(browser, site):
    """Open pages; afterwards: nothing on the console, nothing asked for outside the folder."""
    told, asked, contexts, allowed = [], [], [], []

    def opener(path="index.html", *, elsewhere=False, **options):
        allowed.append(elsewhere)
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.parent.as_uri()}/{path}")
        return page

    yield opener
    for context in contexts:
        context.close()
    assert told == []
    # Two runs: the other's folder was named by the reader, and lies beside this one.
    root = (site.parent.parents[1] if any(allowed) else site.parent).as_uri()
    assert [url for url in asked if not url.startswith((root, "data:"))] == []


def concept(k, state=""):
    return f"concepts/{k:06d}.html{state}"


def test_the_menu_chooses_between_kinds_of_one_mode(visit, run):
    also = make_result(UNIVERSAL, NAMES, np.random.default_rng(1))
    also.settings["also"] = {"12": 0.5}
    also.write(run.maximized_dir(UNIVERSAL, kind="per-model_+0.5x12"))
    build_site(run, run.outputs, [UNIVERSAL])
    page = visit(concept(UNIVERSAL))
    shown = page.locator("section.mode:visible")
    assert shown.locator("h3").all_text_contents() == ["per model"]
    page.select_option("select[name=mode]", label="per model, also 0.5 × 12")
    for _ in range(2):
        assert shown.locator("h3").all_text_contents() == ["per model, also 0.5 × 12"]
        widths = "images => images.map((image) => image.naturalWidth)"
        assert shown.locator(".picture-plain").evaluate_all(widths) == [SIDE] * len(NAMES)
        # The address holds the choice.
        page.reload()


def test_search_filters_and_the_address(visit):
    page = visit()
    cards = page.locator(".cards li")
    assert cards.count() == 11
    page.fill("input[name=q]", "stars")
    assert cards.count() == 1
    assert "q=stars" in page.url
    page.fill("input[name=q]", "")
    page.check("input[value=unique]")
    assert cards.count() == 1
    page.uncheck("input[value=unique]")
    page.check("input[value=dead]")
    assert page.locator(".cards .id").all_text_contents() == [str(DEAD)]
    page.uncheck("input[value=dead]")
    page.click("button[name=narrow]")
    page.check("input[name=by][value='0']")
    page.check("input[name=only]")
    assert page.locator(".cards .id").all_text_contents() == [str(UNIQUE)]
    page.uncheck("input[name=only]")
    assert cards.count() == 11
    page.uncheck("input[name=by][value='0']")
    page.locator("input[name=entropy]").fill("90")
    assert cards.count() == 10
    page.select_option("select[name=sort]", "id")
    numbers = page.locator(".cards .id").all_text_contents()
    assert numbers[:2] == ["1", str(UNIVERSAL)]  # those with a page first
    state = page.url.split("#")[1]
    page.click(f"a[href='{concept(UNIVERSAL)}']")
    page.wait_for_url("**/000003.html")
    page.go_back()
    assert page.url.endswith(f"#{state}")
    assert page.locator(".cards li").count() == 10
    page.click("button[type=reset]")
    playwright.expect(cards).to_have_count(11)


def test_the_keyboard(visit):
    page = visit()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type(str(UNIVERSAL))
    page.keyboard.press("Escape")
    assert page.input_value("input[name=q]") == ""
    page.keyboard.press("?")
    assert page.locator("dialog.help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog.help").is_visible()
    page.locator("canvas.map").focus()
    page.keyboard.press("ArrowRight")
    assert "Concept " in page.locator(".map-note").inner_text()
    page.goto(page.url.split("index.html")[0] + concept(1))
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/{UNIVERSAL:06d}.html")
    assert page.locator("output[name=place]").inner_text() == "2 / 3"
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/000001.html")
    page.keyboard.press("Escape")
    page.wait_for_url("**/index.html")


def test_heat_follows_the_controls(visit):
    page = visit(concept(UNIVERSAL))
    page.locator(".photo canvas").nth(3 * EXAMPLES - 1).wait_for(state="attached")
    shared = page.evaluate(HEAT)
    strongest = [shared[i * EXAMPLES][0] for i in range(3)]
    weakest = [shared[(i + 1) * EXAMPLES - 1][0] for i in range(3)]
    assert min(strongest) > 200
    assert max(weakest) < 130
    page.locator("input[name=threshold]").fill("60")
    assert sum(cell[1] for cell in page.evaluate(HEAT)) < sum(cell[1] for cell in shared)
    page.locator("input[name=threshold]").fill("0")
    page.check("input[value=own]")
    assert min(cell[0] for cell in page.evaluate(HEAT)) > 200
    assert page.locator(".own-note").is_visible()
    page.locator("input[name=opacity]").fill("30")
    opacity = page.eval_on_selector(".photo canvas", "c => getComputedStyle(c).opacity")
    assert float(opacity) == pytest.approx(0.3)
    page.check("input[value=alpha]")
    assert page.locator(".picture-alpha:visible").count() == 3
    assert page.locator(".picture-plain:visible").count() == 0
    page.locator(".photo").first.hover()
    readout = page.locator("output[name=readout]")
    assert readout.inner_text().startswith("vit: ")
    heat = page.locator(".photo canvas").first
    assert heat.evaluate("c => getComputedStyle(c).opacity") == "0.3"  # while a value is read
    page.mouse.down()
    assert not heat.is_visible()
    page.mouse.up()
    assert heat.is_visible()
    page.keyboard.press("h")
    assert not heat.is_visible()
    page.keyboard.press("h")
    page.mouse.move(0, 0)
    assert not readout.is_visible()
    page.check("input[value=random]")
    assert page.locator("[data-choice=random].choice-group").is_visible()
    assert not page.locator("[data-choice=top].choice-group").is_visible()
    page.check("input[value=quantile]")
    weakest = page.locator("[data-choice=quantile].choice-group .photo").first
    weakest.locator("canvas").wait_for()
    page.check("input[value=random]")
    again = visit(concept(UNIVERSAL, "#" + page.url.split("#")[1]))
    assert again.is_checked("input[value=random]")
    assert again.input_value("input[name=opacity]") == "30"


def test_two_concepts_side_by_side(visit):
    page = visit(f"compare.html#a={UNIVERSAL}&b={UNIQUE}")
    left = page.frame_locator("iframe[name=left]")
    right = page.frame_locator("iframe[name=right]")
    assert f"Concept {UNIVERSAL}" in left.locator("h1").inner_text()
    assert f"Concept {UNIQUE}" in right.locator("h1").inner_text()
    assert not left.locator(".trail").is_visible()
    # One set of controls for both pages; what it says is in the address.
    assert not left.locator("input[value=random]").is_visible()
    page.check(".toolbar input[value=random]")
    for side in (left, right):
        side.locator("[data-choice=random].choice-group").wait_for()
        assert not side.locator("[data-choice=top].choice-group").is_visible()
    assert "images=random" in page.url
    page.click("button[name=swap]")
    page.wait_for_url(f"**#a={UNIQUE}&b={UNIVERSAL}&images=random")
    left.locator(f"#c{UNIQUE} [data-choice=random].choice-group").wait_for()
    for wrong in ("javascript:alert(1)", "file:///etc/passwd", "//elsewhere.org/index.html"):
        page.fill("input[name=b]", wrong)
        page.click("form button")
        page.wait_for_selector(".compare-problem:visible")
        assert page.locator("iframe[name=right]").get_attribute("src") is None


def test_two_runs_side_by_side(visit, run, site, tmp_path):
    other = make_run(tmp_path / "other", {})
    build_site(other, other.outputs, [UNIVERSAL])
    assert site.parent.parent == run.outputs
    page = visit("compare.html#a=index.html&b=../../other/gallery/index.html", elsewhere=True)
    left = page.frame_locator("iframe[name=left]")
    right = page.frame_locator("iframe[name=right]")
    left.locator(".cards:not(.rest) li").nth(2).wait_for()
    right.locator(".cards:not(.rest) li").first.wait_for()
    assert right.locator(".cards:not(.rest) li").count() == 1
    assert not page.locator(".toolbar").is_visible()
    page.fill("input[name=a]", str(UNIVERSAL))
    page.fill("input[name=b]", f"../../other/gallery/{concept(UNIVERSAL)}")
    page.click("form button")
    right.locator("text=Not maximized yet").wait_for()
    assert left.locator(".picture-plain:visible").count() == 3


LONELIEST = """() => {
  // Of the concepts with a page, the one that no other point is near to, and its place in pixels.
  const t = usaeViz.table, box = document.querySelector('canvas.map').getBoundingClientRect();
  const at = (value, side) => 14 + value / 1023 * (side - 28);
  const spot = (i) => [at(t.x[i], 840) / 840 * box.width, at(t.y[i], 440) / 440 * box.height];
  const gap = (i) => Math.min(...t.id.map((_, j) => j === i ? 1e9 : Math.hypot(
    spot(i)[0] - spot(j)[0], spot(i)[1] - spot(j)[1])));
  const places = t.page.map((k) => t.id.indexOf(k)).sort((i, j) => gap(j) - gap(i));
  return [t.id[places[0]], ...spot(places[0])];
}"""


def test_the_map_is_read_and_clicked(visit):
    page = visit()
    k, x, y = page.evaluate(LONELIEST)
    page.locator("canvas.map").hover(position={"x": x, "y": y})
    assert page.locator(".map-note").inner_text().startswith(f"Concept {k}, ")
    page.locator("canvas.map").click(position={"x": x, "y": y})
    page.wait_for_url(f"**/{k:06d}.html")


def test_numbers_are_saved_as_a_file(visit):
    page = visit(concept(UNIVERSAL))
    with page.expect_download() as waiting:
        page.click("button[name=save]")
    assert waiting.value.suggested_filename == f"concept-{UNIVERSAL}.json"
    table = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert table["concept"] == UNIVERSAL
    assert [each["name"] for each in table["backbones"]] == ["vit", "conv", "grey"]


@pytest.mark.usefixtures("site")
def test_one_file_runs_its_own_scripts(visit, run):
    single = build_single(run, run.outputs, [UNIVERSAL, UNIQUE])
    page = visit(single.name)
    page.locator(".photo canvas").first.wait_for(state="attached")
    page.keyboard.press("?")
    assert page.locator("dialog.help").is_visible()


def test_without_scripts(visit):
    page = visit(java_script_enabled=False)
    assert page.locator(".cards li").count() == 3
    assert not page.locator(".filters").is_visible()
    page.click(f"a[href='{concept(UNIVERSAL)}']")
    assert page.locator(".picture-plain:visible").count() == 3
    assert page.locator(".choice-group:visible").count() == 4
    assert page.locator("table").count() >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize(
    "path", ["index.html#by=0", concept(UNIVERSAL), concept(1), f"compare.html#a={UNIVERSAL}&b=1"]
)
def test_every_reader(visit, path, width, scheme):
    page = visit(path, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(19, 20, 22)") == (scheme == "dark")
    found = axe.Axe().run(page, options={"preload": False, "iframes": False}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"][:3]]) for v in serious] == []
