"""The gallery in system Chromium, opened as files: what its scripts do, and whom they leave out."""

from __future__ import annotations

import shutil

import pytest

from tests.gallery.conftest import EXAMPLES, UNIQUE, UNIVERSAL
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
    return build_site(run, run.outputs, [UNIVERSAL, UNIQUE, 1], {UNIQUE: "<stars>"})


@pytest.fixture
def visit(browser, site):
    """Open pages; afterwards: nothing on the console, nothing asked for outside the folder."""
    told, asked, contexts = [], [], []

    def opener(path="index.html", **options):
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
    root = site.parent.as_uri()
    assert [url for url in asked if not url.startswith((root, "data:"))] == []


def concept(k, state=""):
    return f"concepts/{k:06d}.html{state}"


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
    page.locator("input[name=entropy]").fill("90")
    assert cards.count() == 10
    page.select_option("select[name=sort]", "id")
    numbers = page.locator(".cards .id").all_inner_texts()
    assert numbers[:2] == ["1", str(UNIVERSAL)]  # those with a page first
    state = page.url.split("#")[1]
    page.click(f"a[href='{concept(UNIVERSAL)}']")
    page.wait_for_url("**/000003.html")
    page.go_back()
    assert page.url.endswith(f"#{state}")
    assert page.locator(".cards li").count() == 10
    page.click("button[type=reset]")
    page.wait_for_function("document.querySelectorAll('.cards li').length === 11")


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
    page.wait_for_function(f"document.querySelectorAll('.photo canvas').length >= {3 * EXAMPLES}")
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
    assert page.locator("output[name=readout]").inner_text().startswith("vit: ")
    page.check("input[value=random]")
    assert page.locator("[data-choice=random].choice-group").is_visible()
    assert not page.locator("[data-choice=top].choice-group").is_visible()
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
    for wrong in ("javascript:alert(1)", "file:///etc/passwd", "../index.html"):
        page.fill("input[name=b]", wrong)
        page.click("form button")
        page.wait_for_selector(".compare-problem:visible")
        assert page.locator("iframe[name=right]").get_attribute("src") is None


@pytest.mark.usefixtures("site")
def test_one_file_runs_its_own_scripts(visit, run):
    single = build_single(run, run.outputs, [UNIVERSAL, UNIQUE])
    page = visit(single.name)
    page.wait_for_function("document.querySelectorAll('.photo canvas').length > 0")
    page.keyboard.press("?")
    assert page.locator("dialog.help").is_visible()


def test_without_scripts(visit):
    page = visit(java_script_enabled=False)
    assert page.locator(".cards li").count() == 3
    assert not page.locator(".filters").is_visible()
    page.click(f"a[href='{concept(UNIVERSAL)}']")
    assert page.locator(".picture-plain:visible").count() == 3
    assert page.locator(".choice-group:visible").count() == 3
    assert page.locator("table").count() >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("path", ["index.html", concept(UNIVERSAL), concept(1)])
def test_every_reader(visit, path, width, scheme):
    page = visit(path, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(19, 20, 22)") == (scheme == "dark")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"][:3]]) for v in serious] == []
