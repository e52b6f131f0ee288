/* The map of the dictionary: a point a concept; pointer, click, arrow keys and Enter. */
"use strict";

document.addEventListener("usae-viz-index", () => {
  const { table } = usaeViz;
  const figure = document.querySelector(".map-figure");
  const canvas = figure.querySelector("canvas");
  const note = figure.querySelector(".map-note");
  const resting = note.textContent;
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const pad = 14;
  const kinds = Uint8Array.from(table.kind, Number);
  const across = (at) => pad + (table.x[at] / 1023) * (width - 2 * pad);
  const down = (at) => pad + (table.y[at] / 1023) * (height - 2 * pad);
  let passing = null;
  let current = -1;
  figure.hidden = false;

  function draw() {
    const style = getComputedStyle(document.documentElement);
    pen.clearRect(0, 0, width, height);
    const size = table.id.length > 4000 ? 2 : table.id.length > 800 ? 3 : 5;
    const colours = table.kinds.map((kind) => style.getPropertyValue(`--kind-${kind}`));
    // A class at a time, those that are filtered away first: the pen changes its colour rarely.
    for (const passes of passing ? [false, true] : [true]) {
      pen.globalAlpha = passes ? 0.85 : 0.1;
      colours.forEach((colour, kind) => {
        pen.fillStyle = colour;
        for (let at = 0; at < table.id.length; at++) {
          if (kinds[at] !== kind || (passing && passing.has(at) !== passes)) continue;
          pen.fillRect(across(at) - size / 2, down(at) - size / 2, size, size);
        }
      });
    }
    pen.globalAlpha = 1;
    if (current < 0) return;
    pen.strokeStyle = style.getPropertyValue("--ink");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(across(current), down(current), 9, 0, 2 * Math.PI);
    pen.stroke();
  }

  function say() {
    const k = table.id[current];
    const kind = table.kinds[kinds[current]];
    note.textContent = `Concept ${k}, ${kind}${table.label[k] ? `: ${table.label[k]}` : ""}`;
  }

  function choose(at) {
    if (at === current) return;
    current = at;
    if (at >= 0) say();
    else note.textContent = resting;
    draw();
  }

  const allowed = (at) => !passing || passing.has(at);

  function nearest(x, y, within) {
    let best = -1;
    let least = within ** 2;
    for (let at = 0; at < table.id.length; at++) {
      const distance = (across(at) - x) ** 2 + (down(at) - y) ** 2;
      if (distance < least && allowed(at)) [best, least] = [at, distance];
    }
    return best;
  }

  /** The nearest point in a direction, those far off its line counting as farther away. */
  function towards(dx, dy) {
    if (current < 0) return nearest(width / 2, height / 2, 2 * width);
    let best = current;
    let least = Infinity;
    for (let at = 0; at < table.id.length; at++) {
      const x = across(at) - across(current);
      const y = down(at) - down(current);
      const ahead = x * dx + y * dy;
      if (at === current || ahead <= 0 || !allowed(at)) continue;
      const distance = ahead + 2 * Math.abs(x * dy - y * dx);
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ];
  };
  canvas.addEventListener("pointermove", (event) => choose(nearest(...spot(event), 24)));
  canvas.addEventListener("pointerleave", () => {
    if (document.activeElement !== canvas) choose(-1);
  });
  canvas.addEventListener("click", () => {
    if (current >= 0) usaeViz.open(table.id[current]);
  });
  canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (ways[event.key]) choose(towards(...ways[event.key]));
    else if (event.key === "Enter" && current >= 0) usaeViz.open(table.id[current]);
    else return;
    event.preventDefault();
  });
  usaeViz.onFilter((found) => {
    passing = found.size === table.id.length ? null : found;
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
});
