"""Opening the front page of a gallery in system Chromium, as a file: when it can be used."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Any

from gallery_runs import QUICK, SIZES, built, made, runs_folder
from timing import Row, row_of

ROUNDS = 5
USE = """
addEventListener("DOMContentLoaded", () => {
  const frames = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
  const use = () => {
    const form = document.querySelector(".filters");
    if (!form || form.hidden) return setTimeout(use, 1);
    const started = performance.now();
    form.q.value = "1";
    form.q.dispatchEvent(new Event("input", { bubbles: true }));
    frames(() => {
      const answered = performance.now();
      const box = form.querySelector("input[name=class]");
      box.checked = true;
      form.q.value = "";
      const second = performance.now();
      box.dispatchEvent(new Event("input", { bubbles: true }));
      frames(() => {
        const filtered = performance.now() - second;
        window.used = { answered, response: answered - started, filtered };
      });
    });
  };
  use();
});
"""
"""As soon as the filters are there: a search, then a class; each up to the second frame."""

figures: dict[str, Any] = {}
"""Milliseconds, medians over `ROUNDS` fresh visits, by size."""


def rows(quick: bool) -> list[Row]:
    """Open the front pages of the smallest and the largest synthetic run, alternately."""
    sizes = (QUICK if quick else SIZES)[:: 1 if quick else 2]
    with runs_folder() as place:
        pages = {}
        for size in sizes:
            pages[size] = made(place, size) / "gallery" / "index.html"
            if not pages[size].is_file():
                built(made(place, size))
        visits = _visits(pages)
    for size, found in visits.items():
        medians = {key: round(statistics.median(v[key] for v in found)) for key in found[0]}
        figures[f"{size:,}"] = {f"{key}_ms": value for key, value in medians.items()}
    small, large = (visits[size] for size in (min(sizes), max(sizes)))
    return [
        row_of(
            f"{max(sizes):,} concepts, against {min(sizes):,}: {words}",
            "one-by-one",
            [visit[key] / 1e3 for visit in large],
            [visit[key] / 1e3 for visit in small],
        )
        for key, words in (
            ("first_paint", "until the first contentful paint"),
            ("first_answer", "until a first search is answered"),
        )
    ]


def _visits(pages: dict[int, Path]) -> dict[int, list[dict[str, float]]]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    found: dict[int, list[dict[str, float]]] = {size: [] for size in pages}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for number in range(ROUNDS + 1):
            for size, page in pages.items():
                visit = _visit(browser, page)
                if number:  # the first visit warms the disk's cache up
                    found[size].append(visit)
        browser.close()
    return found


def _visit(browser: Any, page: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.add_init_script(USE)
    tab.goto(page.resolve().as_uri())
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    # Asked from outside: a page under this policy may not evaluate what Playwright would poll.
    while not (used := tab.evaluate(f"window.used && {paint} && window.used")):
        tab.wait_for_timeout(50)
    visit = {
        "first_paint": tab.evaluate(paint),
        "first_answer": used["answered"],
        "response": used["response"],
        "filter_response": used["filtered"],
    }
    context.close()
    return visit
