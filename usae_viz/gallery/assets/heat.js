/* Heat over natural images. Classic scripts, since modules and fetch are refused under file://.
   Everything that can be read without scripts is in the pages already. */
"use strict";

const usaeViz = (() => {
  const SIDE = 128; // pixels of a heat canvas; the style sheet scales it to the photograph
  const concepts = new Map();
  const state = { colours: null, pages: [] };

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  const decoded = new WeakMap();
  const levels = (example) => {
    if (!decoded.has(example)) decoded.set(example, bytes(example.values));
    return decoded.get(example);
  };

  /** Return a token map's value at a place in [0, 1]², as a share of the example's peak. */
  function sample(values, grid, right, down) {
    // A token's value sits at the middle of its patch; beyond the outer middles it is constant.
    const along = (share) => {
      const at = Math.min(Math.max(share * grid - 0.5, 0), grid - 1);
      const first = Math.max(Math.min(Math.floor(at), grid - 2), 0);
      return [first, at - first];
    };
    const step = grid > 1 ? 1 : 0;
    const [column, across] = along(right);
    const [row, below] = along(down);
    const at = row * grid + column;
    const upper = values[at] * (1 - across) + values[at + step] * across;
    const lower = values[at + step * grid] * (1 - across) + values[at + step * grid + step] * across;
    return (upper * (1 - below) + lower * below) / 255;
  }

  /** Draw one token map: colour from the table, opacity in proportion to the value. */
  function paint(canvas, grid, example, top, threshold) {
    const size = canvas.width;
    const values = levels(example);
    const gain = example.peak / top;
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(size, size);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const value = sample(values, grid, (x + 0.5) / size, (y + 0.5) / size) * gain;
        const unit = Math.min(Math.max(value, 0), 1);
        const level = unit < threshold ? 0 : Math.round(unit * 255);
        const to = 4 * (y * size + x);
        pixels.data[to] = state.colours[3 * level];
        pixels.data[to + 1] = state.colours[3 * level + 1];
        pixels.data[to + 2] = state.colours[3 * level + 2];
        pixels.data[to + 3] = level;
      }
    }
    pen.putImageData(pixels, 0, 0);
  }

  /** Find the numbers behind a photograph of the page. */
  function numbersOf(photo) {
    const article = photo.closest("article");
    const table = concepts.get(Number(article.dataset.concept));
    if (!table) return null;
    const backbone = table.backbones[Number(photo.dataset.backbone)];
    const example = backbone.examples[photo.dataset.choice][Number(photo.dataset.example)];
    return { table, backbone, example };
  }

  /** Draw the heat of one photograph, on the scale that is chosen. */
  function draw(photo, view) {
    const found = numbersOf(photo);
    if (!found || !state.colours) return;
    let canvas = photo.querySelector("canvas");
    if (!canvas) {
      canvas = document.createElement("canvas");
      canvas.className = "heat";
      canvas.width = canvas.height = SIDE;
      canvas.setAttribute("aria-hidden", "true");
      photo.append(canvas);
    }
    const top = view.own ? found.example.peak : found.backbone.top;
    paint(canvas, found.table.grid, found.example, top, view.threshold);
  }

  /** Read the value under a pointer; shares of the photograph's width and height. */
  function valueAt(photo, right, down) {
    const found = numbersOf(photo);
    if (!found) return null;
    const { table, backbone, example } = found;
    const value = sample(levels(example), table.grid, right, down) * example.peak;
    return { value, share: value / backbone.top, name: backbone.name };
  }

  return {
    add: (table) => concepts.set(table.concept, table),
    setColours: (text) => {
      state.colours = bytes(text);
    },
    setPages: (pages) => {
      state.pages = pages;
    },
    pages: () => state.pages,
    numbers: (concept) => concepts.get(concept),
    draw,
    valueAt,
  };
})();
