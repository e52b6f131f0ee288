/* Two pages side by side, of this gallery or another, under one set of controls. Which pages, and
   how they are looked at, is in the address. */
"use strict";

addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.sides");
  const problem = document.querySelector(".compare-problem");
  const toolbar = document.querySelector(".toolbar");
  const controls = usaeToolbar(toolbar);
  const sides = [
    ["a", document.querySelector("iframe[name=left]")],
    ["b", document.querySelector("iframe[name=right]")],
  ];

  /** A number stands for a page of this gallery; else a relative path of a page, nothing more. */
  function page(text) {
    if (/^\d{1,6}$/.test(text)) return `concepts/${text.padStart(6, "0")}.html`;
    const path = /^(?!\/)(?:[\w.\- /]+\/)?(?:concepts\/\d{6}|index)\.html$/;
    return path.test(text) ? text : null;
  }

  /** Tell the pages how to show themselves: files may not look into one another. */
  function tell(frame) {
    controls.label();
    frame.contentWindow.postMessage({ usaeView: controls.state().toString() }, "*");
  }

  function show() {
    const state = new URLSearchParams(location.hash.slice(1));
    problem.hidden = true;
    controls.set(state);
    let concepts = 0;
    for (const [name, frame] of sides) {
      const text = (state.get(name) ?? "").trim();
      form[name].value = text;
      const target = text ? page(text) : "";
      if (!target) frame.removeAttribute("src");
      else if (frame.getAttribute("src") !== target) frame.src = target;
      if (target && !target.endsWith("index.html")) concepts++;
      if (target === null) {
        problem.hidden = false;
        problem.textContent = `“${text}” is neither a number nor the path of a page.`;
      }
    }
    toolbar.hidden = concepts === 0;
    sides.forEach(([, frame]) => tell(frame));
  }

  function write() {
    const state = new URLSearchParams({ a: form.a.value, b: form.b.value });
    for (const [name, value] of controls.state()) state.set(name, value);
    return state.toString();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = write();
  });
  form.querySelector("button[name=swap]").addEventListener("click", () => {
    [form.a.value, form.b.value] = [form.b.value, form.a.value];
    location.hash = write();
  });
  toolbar.addEventListener("input", () => {
    history.replaceState(null, "", `#${write()}`);
    sides.forEach(([, frame]) => tell(frame));
  });
  // A page that has just come says so, also after a link in it was followed.
  addEventListener("message", (event) => {
    if (event.data?.usaeView !== "ready") return;
    for (const [, frame] of sides) if (event.source === frame.contentWindow) tell(frame);
  });
  addEventListener("hashchange", show);
  show();
});
