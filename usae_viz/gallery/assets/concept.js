/* A page of one concept, or of several in one file: what is shown, the keyboard, the way to the next
   page. The state of the view is in the address, so that a link shows what its sender saw. */
"use strict";

addEventListener("DOMContentLoaded", () => {
  const content = document.querySelector("main");
  const toolbar = document.querySelector(".toolbar");
  const controls = usaeToolbar(toolbar);
  const photos = [...content.querySelectorAll(".photo")];
  const near = new Set();
  const embedded = window.parent !== window;
  document.documentElement.classList.add("live");
  document.documentElement.classList.toggle("embedded", embedded);
  toolbar.hidden = false;

  const view = () => ({
    own: controls.chosen("scale") === "own",
    threshold: Number(controls.range("threshold").value) / 100,
  });

  // ---- what is shown ----

  function redraw() {
    const now = view();
    near.forEach((photo) => usaeViz.draw(photo, now));
  }

  function show() {
    const faded = controls.chosen("picture") === "alpha";
    for (const image of content.querySelectorAll(".picture-plain")) image.hidden = faded;
    for (const image of content.querySelectorAll(".picture-alpha")) image.hidden = !faded;
    const mode = controls.chosen("mode");
    for (const part of content.querySelectorAll("[data-mode]")) {
      part.hidden = mode !== "" && part.dataset.mode !== mode;
    }
    const images = controls.chosen("images");
    for (const group of content.querySelectorAll(".choice-group")) {
      group.hidden = group.dataset.choice !== images;
    }
    const { own } = view();
    for (const note of content.querySelectorAll(".own-note")) note.hidden = !own;
    for (const note of content.querySelectorAll(".scale-note")) note.hidden = own;
    for (const top of content.querySelectorAll(".legend .top")) {
      top.textContent = own ? "own peak" : top.dataset.top;
    }
    controls.label();
    const opacity = controls.range("opacity").value / 100;
    document.documentElement.style.setProperty("--heat-opacity", opacity);
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

  // ---- the state of the view: in the address, or told by the page that this one stands in ----

  function write() {
    const text = controls.state().toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname);
  }

  function read(text) {
    controls.set(new URLSearchParams(text));
    show();
    redraw();
  }

  toolbar.addEventListener("input", (event) => {
    show();
    if (event.target.name === "scale" || event.target.name === "threshold") redraw();
    write();
  });
  addEventListener("hashchange", () => read(location.hash.slice(1)));
  if (embedded) {
    addEventListener("message", (event) => {
      const text = event.data?.usaeView;
      if (event.source !== window.parent || typeof text !== "string") return;
      // Pictures of a mode are chosen here: the other page may have been made in other modes.
      const mode = controls.chosen("mode");
      const state = new URLSearchParams(text);
      if (mode && !state.has("mode")) state.set("mode", mode);
      read(state.toString());
    });
    window.parent.postMessage({ usaeView: "ready" }, "*");
  }

  // ---- the value under the pointer, and the photograph without heat while it is pressed ----

  const readout = document.querySelector("output[name=readout]");
  content.addEventListener("pointermove", (event) => {
    const photo = event.target.closest(".photo");
    const box = photo?.getBoundingClientRect();
    const found =
      photo &&
      usaeViz.valueAt(
        photo,
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height,
      );
    readout.hidden = !found;
    if (!found) return;
    const share = Math.round(100 * found.share);
    readout.value = `${found.name}: ${found.value.toFixed(2)} (${share}\u202f% of the scale)`;
    const room = document.documentElement.clientWidth - readout.offsetWidth - 8;
    readout.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    readout.style.top = `${event.clientY + 18}px`;
  });
  content.addEventListener("pointerleave", () => {
    readout.hidden = true;
  });
  content.addEventListener("pointerdown", (event) => {
    event.target.closest(".photo")?.classList.add("bare");
  });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => {
      for (const photo of content.querySelectorAll(".photo.bare")) photo.classList.remove("bare");
    });
  }

  // ---- other pages ----

  const pages = usaeViz.pages();
  const address = (k) => `${String(k).padStart(6, "0")}.html`;
  const known = new Set(pages);
  for (const link of content.querySelectorAll("a[data-go]")) {
    const other = Number(link.dataset.go);
    if (known.has(other)) link.href = address(other);
  }
  const stepper = document.querySelector(".stepper");
  const concept = Number(document.querySelector("article.concept").dataset.concept);
  const at = pages.indexOf(concept);
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

  // ---- the numbers as a file ----

  const save = document.querySelector("button[name=save]");
  if (save) {
    save.hidden = false;
    save.addEventListener("click", () => {
      const text = JSON.stringify(usaeViz.numbers(concept), null, 1);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = `concept-${concept}.json`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  // ---- keyboard ----

  const help = document.querySelector("dialog.help");
  const helper = document.querySelector(".trail button[name=help]");
  helper.hidden = false;
  helper.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || help.open) return;
    if (event.target.closest("input, select, textarea, .scroll")) return;
    const here = {
      "?": () => help.showModal(),
      h: () => document.documentElement.classList.toggle("cold"),
    };
    const away = {
      ArrowRight: () => go(next),
      ArrowLeft: () => go(previous),
      "/": () => {
        location.href = "../index.html#focus=q";
      },
      Escape: () => {
        location.href = "../index.html";
      },
    };
    const work = here[event.key] ?? (embedded || at < 0 ? undefined : away[event.key]);
    if (!work) return;
    event.preventDefault();
    work();
  });

  controls.set(new URLSearchParams(location.hash.slice(1)));
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
