/* The page's live part: heat over the natural images, the controls, the keyboard.
   Classic scripts, since modules and fetch are refused under file://. Everything that can be read
   without them is in the page already. */
"use strict";

const usaeViz = (() => {
  const SIDE = 128; // pixels of a heat canvas; the style sheet scales it to the photograph
  const concepts = new Map();
  let colours = null;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /** Draw one token map: colour from the table, opacity in proportion to the value. */
  function paint(canvas, grid, example, top) {
    const size = canvas.width;
    const values = bytes(example.values);
    const gain = example.peak / top / 255;
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(size, size);
    // A token's value sits at the middle of its patch; beyond the outer middles it is constant.
    const places = Array.from({ length: size }, (_, pixel) => {
      const at = Math.min(Math.max(((pixel + 0.5) / size) * grid - 0.5, 0), grid - 1);
      const first = Math.min(Math.floor(at), grid - 2);
      return [Math.max(first, 0), at - Math.max(first, 0)];
    });
    const step = grid > 1 ? 1 : 0;
    for (let y = 0; y < size; y++) {
      const [row, down] = places[y];
      for (let x = 0; x < size; x++) {
        const [column, right] = places[x];
        const at = row * grid + column;
        const above = values[at] * (1 - right) + values[at + step] * right;
        const below =
          values[at + step * grid] * (1 - right) + values[at + step * grid + step] * right;
        const unit = Math.min(Math.max((above * (1 - down) + below * down) * gain, 0), 1);
        const level = Math.round(unit * 255);
        const to = 4 * (y * size + x);
        pixels.data[to] = colours[3 * level];
        pixels.data[to + 1] = colours[3 * level + 1];
        pixels.data[to + 2] = colours[3 * level + 2];
        pixels.data[to + 3] = level;
      }
    }
    pen.putImageData(pixels, 0, 0);
  }

  /** Draw all heat of one concept's article, on the scale that is chosen. */
  function drawConcept(article) {
    const table = concepts.get(Number(article.dataset.concept));
    if (!table || !colours) return;
    const own = document.querySelector("input[name=scale]:checked").value === "own";
    for (const photo of article.querySelectorAll(".photo")) {
      const backbone = table.backbones[Number(photo.dataset.backbone)];
      const example = backbone.examples[Number(photo.dataset.example)];
      let canvas = photo.querySelector("canvas");
      if (!canvas) {
        canvas = document.createElement("canvas");
        canvas.className = "heat";
        canvas.width = canvas.height = SIDE;
        canvas.setAttribute("aria-hidden", "true");
        photo.append(canvas);
      }
      paint(canvas, table.grid, example, own ? example.peak : backbone.top);
    }
    article.dataset.drawn = own ? "own" : "shared";
  }

  function start() {
    const articles = [...document.querySelectorAll("article.concept")];
    const toolbar = document.querySelector(".toolbar");
    const near = new Set();
    toolbar.hidden = false;
    document.documentElement.classList.add("live");

    const chosen = (name) => toolbar.querySelector(`input[name=${name}]:checked`).value;

    // Canvases are made as their concept comes near: a long page stays light.
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) {
            near.delete(entry.target);
            continue;
          }
          near.add(entry.target);
          if (entry.target.dataset.drawn !== chosen("scale")) drawConcept(entry.target);
        }
      },
      { rootMargin: "800px 0px" },
    );
    articles.forEach((article) => watcher.observe(article));
    // The one that the address points at, or the first, is drawn at once.
    const linked = articles.findIndex((article) => `#${article.id}` === location.hash);
    const opening = articles[Math.max(linked, 0)];
    near.add(opening);
    drawConcept(opening);

    function showPictures() {
      const faded = chosen("picture") === "alpha";
      for (const image of document.querySelectorAll(".picture-plain")) image.hidden = faded;
      for (const image of document.querySelectorAll(".picture-alpha")) image.hidden = !faded;
    }

    function showScale() {
      const own = chosen("scale") === "own";
      for (const note of document.querySelectorAll(".own-note")) note.hidden = !own;
      for (const note of document.querySelectorAll(".scale-note")) note.hidden = own;
      for (const top of document.querySelectorAll(".legend .top")) {
        top.textContent = own ? "own peak" : top.dataset.top;
      }
      near.forEach(drawConcept);
    }

    const opacity = toolbar.querySelector("input[name=opacity]");
    function showOpacity() {
      document.documentElement.style.setProperty("--heat-opacity", opacity.value / 100);
      toolbar.querySelector("output[name=opacity-shown]").value = `${opacity.value}\u202f%`;
    }

    toolbar.addEventListener("input", (event) => {
      if (event.target.name === "picture") showPictures();
      if (event.target.name === "scale") showScale();
      if (event.target.name === "opacity") showOpacity();
    });

    if (articles.length < 2) return;

    const place = toolbar.querySelector("output[name=place]");
    const links = [...document.querySelectorAll("nav.index a")];
    let at = linked; // the concept being read; -1 above the first

    function move(to) {
      at = to;
      place.value = `${Math.max(at, 0) + 1} / ${articles.length}`;
      links.forEach((link, index) => {
        if (index === at) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
    }

    function go(to) {
      move(Math.min(Math.max(to, 0), articles.length - 1));
      const article = articles[at];
      if (location.hash === `#${article.id}`) article.scrollIntoView();
      location.hash = article.id;
      article.querySelector("h2").focus({ preventScroll: true });
    }

    toolbar.querySelector("button[name=previous]").addEventListener("click", () => go(at - 1));
    toolbar.querySelector("button[name=next]").addEventListener("click", () => go(at + 1));
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.target.closest("input, select, textarea, .scroll")) return;
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      go(at + (event.key === "ArrowRight" ? 1 : -1));
    });
    // Where the reader is counts when the page has come to rest: on its way to a concept it passes
    // others, and a second key press must not start from one of those.
    let rest;
    document.addEventListener(
      "scroll",
      () => {
        clearTimeout(rest);
        rest = setTimeout(() => {
          const line = window.innerHeight * 0.3;
          move(articles.findLastIndex((article) => article.getBoundingClientRect().top <= line));
        }, 150);
      },
      { passive: true },
    );
    move(linked);
  }

  // Deferred scripts run in the order of the page, and this event comes after the last of them.
  document.addEventListener("DOMContentLoaded", start);

  return {
    add: (table) => concepts.set(table.concept, table),
    setColours: (text) => {
      colours = bytes(text);
    },
  };
})();
