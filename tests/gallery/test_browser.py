"""The page in system Chromium, opened as a file: what its scripts must have done."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from tests.gallery.conftest import EXAMPLES, UNIQUE, UNIVERSAL
from usae_viz.gallery import build_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--force-prefers-reduced-motion",
    "--virtual-time-budget=4000",
    "--window-size=1200,900",
)

# Plays a reader and writes down what happened. Heat is read back as its largest opacity.
VISIT = """
"use strict";
addEventListener("load", () => setTimeout(() => {
  const seen = {};
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const heat = () => [...document.querySelectorAll("#CONCEPT .photo canvas")].map((canvas) => {
    probe.canvas.width = canvas.width; // which also clears it
    probe.canvas.height = canvas.height;
    probe.drawImage(canvas, 0, 0);
    const pixels = probe.getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.reduce((most, value, at) => (at % 4 === 3 ? Math.max(most, value) : most), 0);
  });
  const pick = (selector) => document.querySelector(selector).click();
  const shown = (kind) => document.querySelectorAll(`.picture-${kind}:not([hidden])`).length;
  const press = (key) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

  seen.toolbar = !document.querySelector(".toolbar").hidden;
  seen.start = location.hash;
  seen.shared = heat();
  seen.plain = [shown("plain"), shown("alpha")];
  pick("input[value=own]");
  seen.own = heat();
  seen.warned = !document.querySelector(".own-note").hidden;
  pick("input[value=alpha]");
  seen.faded = [shown("plain"), shown("alpha")];
  const slider = document.querySelector("input[name=opacity]");
  slider.value = 30;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  seen.opacity = getComputedStyle(document.querySelector(".photo canvas")).opacity;
  press("ArrowRight");
  seen.right = [location.hash, document.activeElement.id];
  seen.place = document.querySelector("output[name=place]").value;
  setTimeout(() => {
    press("ArrowLeft");
    seen.left = location.hash;
    document.body.dataset.seen = JSON.stringify(seen);
  }, 1200);
}, 300));
""".replace("CONCEPT", f"c{UNIVERSAL}")


def visit(page, profile, address=""):
    """Open the page with the visitor's script in it; return what it wrote and the console."""
    (page.parent / "assets" / "visit.js").write_text(VISIT)
    text = page.read_text("utf-8").replace(
        "</head>", '<script src="assets/visit.js"></script></head>'
    )
    page.write_text(text, "utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"{page.as_uri()}{address}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(found[1].replace("&quot;", '"')), done.stderr


def test_a_visit(run, tmp_path):
    page = build_page(run, run.outputs, [UNIVERSAL, UNIQUE])
    seen, console = visit(page, tmp_path / "profile", f"#c{UNIVERSAL}")
    assert "CONSOLE" not in console
    assert seen["toolbar"]
    assert seen["start"] == f"#c{UNIVERSAL}"
    # The first example of each backbone reaches the top of its scale, the others do not; each on
    # its own scale, all do (up to what bilinear sampling leaves of a single token's peak).
    assert len(seen["shared"]) == len(seen["own"]) == 3 * EXAMPLES
    strongest = seen["shared"][::EXAMPLES]
    assert min(strongest) > 200
    assert max(seen["shared"][EXAMPLES - 1 :: EXAMPLES]) < 130
    assert min(seen["own"]) > 200
    assert seen["warned"]
    pictures = 3 + 1
    assert seen["plain"] == [pictures, 0]
    assert seen["faded"] == [0, pictures]
    assert float(seen["opacity"]) == pytest.approx(0.3)
    assert seen["right"] == [f"#c{UNIQUE}", f"c{UNIQUE}-title"]
    assert seen["place"] == "2 / 2"
    assert seen["left"] == f"#c{UNIVERSAL}"
