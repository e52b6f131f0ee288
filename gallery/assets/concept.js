/* A page of one concept, or of several in one file: what is shown, the keyboard, the way to the next
   page. The state of the view is in the address, so that a link shows what its sender saw. */
"use strict";

addEventListener("DOMContentLoaded", () => {
  const content = document.querySelector("main");
  const toolbar = document.querySelector(".toolbar");
  const photos = [...content.querySelectorAll(".photo")];
  const controls = [...toolbar.querySelectorAll("input, select")];
  const near = new Set();
  const embedded = window.parent !== window;
  document.documentElement.classList.add("live");
  document.documentElement.classList.toggle("embedded", embedded);
  toolbar.hidden = false;

  const chosen = (name) => {
    const found = toolbar.querySelector(`input[name=${name}]:checked, select[name=${name}]`);
    return found ? found.value : "";
  };
  const range = (name) => toolbar.querySelector(`input[name=${name}]`);
  const view = () => ({
    own: chosen("scale") === "own",
    threshold: Number(range("threshold").value) / 100,
  });

  // ---- what is shown ----

  function redraw() {
    const now = view();
    near.forEach((photo) => usaeViz.draw(photo, now));
  }

  function show() {
    const faded = chosen("picture") === "alpha";
    for (const image of content.querySelectorAll(".picture-plain")) image.hidden = faded;
    for (const image of content.querySelectorAll(".picture-alpha")) image.hidden = !faded;
    const mode = chosen("mode");
    for (const part of content.querySelectorAll("[data-mode]")) {
      part.hidden = mode !== "" && part.dataset.mode !== mode;
    }
    const images = chosen("images");
    for (const group of content.querySelectorAll(".choice-group")) {
      group.hidden = group.dataset.choice !== images;
    }
    const own = chosen("scale") === "own";
    for (const note of content.querySelectorAll(".own-note")) note.hidden = !own;
    for (const note of content.querySelectorAll(".scale-note")) note.hidden = own;
    for (const top of content.querySelectorAll(".legend .top")) {
      top.textContent = own ? "own peak" : top.dataset.top;
    }
    for (const name of ["opacity", "threshold"]) {
      toolbar.querySelector(`output[name=${name}-shown]`).value = `${range(name).value}\u202f%`;
    }
    document.documentElement.style.setProperty("--heat-opacity", range("opacity").value / 100);
  }

  // Canvases are made as their photograph comes near: a long page stays light.
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) {
          near.delete(entry.target);
          continue;
        }
        near.add(entry.target);
        usaeViz.draw(entry.target, view());
      }
    },
    { rootMargin: "600px 0px" },
  );

  // ---- the address ----

  function write() {
    const state = new URLSearchParams();
    for (const control of controls) {
      const changed =
        control.type === "radio"
          ? control.checked && !control.defaultChecked
          : control.tagName === "SELECT"
            ? control.selectedIndex !== 0
            : control.value !== control.defaultValue;
      if (changed) state.set(control.name, control.value);
    }
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname);
  }

  function read() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const control of controls) {
      if (!state.has(control.name)) continue;
      const value = state.get(control.name);
      if (control.type === "radio") control.checked = control.value === value;
      else control.value = value;
    }
  }

  toolbar.addEventListener("input", (event) => {
    show();
    if (event.target.name === "scale" || event.target.name === "threshold") redraw();
    write();
  });

  // ---- the value under the pointer ----

  const readout = toolbar.querySelector("output[name=readout]");
  content.addEventListener("pointermove", (event) => {
    const photo = event.target.closest(".photo");
    if (!photo) {
      readout.value = "";
      return;
    }
    const box = photo.getBoundingClientRect();
    const found = usaeViz.valueAt(
      photo,
      (event.clientX - box.left) / box.width,
      (event.clientY - box.top) / box.height,
    );
    if (found) {
      const share = Math.round(100 * found.share);
      readout.value = `${found.name}: ${found.value.toFixed(2)} (${share}\u202f% of the scale)`;
    }
  });

  // ---- other pages ----

  const pages = usaeViz.pages();
  const address = (k) => `${String(k).padStart(6, "0")}.html`;
  const known = new Set(pages);
  for (const link of content.querySelectorAll("a[data-go]")) {
    const other = Number(link.dataset.go);
    if (known.has(other)) link.href = address(other);
  }
  const stepper = document.querySelector(".stepper");
  const at = pages.indexOf(Number(document.querySelector("article.concept").dataset.concept));
  const previous = pages[at - 1];
  const next = pages[at + 1];
  stepper.hidden = at < 0;
  stepper.querySelector("output").value = `${at + 1} / ${pages.length}`;
  for (const [name, other] of [
    ["previous", previous],
    ["next", next],
  ]) {
    const link = stepper.querySelector(`.${name}`);
    if (other === undefined) link.setAttribute("aria-disabled", "true");
    else link.href = address(other);
  }
  const go = (other) => {
    if (other !== undefined) location.href = address(other) + location.hash;
  };

  // ---- keyboard ----

  const help = document.querySelector("dialog.help");
  const helper = document.querySelector(".trail button[name=help]");
  helper.hidden = false;
  helper.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || help.open) return;
    if (event.target.closest("input, select, textarea, .scroll")) return;
    const keys = {
      ArrowRight: () => go(next),
      ArrowLeft: () => go(previous),
      "?": () => help.showModal(),
      "/": () => {
        location.href = "../index.html#focus=q";
      },
      Escape: () => {
        location.href = "../index.html";
      },
    };
    if (!keys[event.key] || ((embedded || at < 0) && event.key !== "?")) return;
    event.preventDefault();
    keys[event.key]();
  });

  read();
  show();
  // What can be seen at once is drawn at once; the observer reports only after the first frame.
  for (const photo of photos) {
    const { top, height } = photo.getBoundingClientRect();
    if (height && top < 2 * innerHeight) {
      near.add(photo);
      usaeViz.draw(photo, view());
    }
    watcher.observe(photo);
  }
});
