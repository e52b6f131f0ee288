/* Two concept pages side by side, of this gallery or another; which ones is in the address. */
"use strict";

addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.filters");
  const problem = document.querySelector(".compare-problem");

  /** A number stands for a page of this gallery; else a relative path of a page, nothing more. */
  function page(text) {
    if (/^\d{1,6}$/.test(text)) return `concepts/${text.padStart(6, "0")}.html`;
    if (/^[\w.\- /]+\/concepts\/\d{6}\.html$/.test(text) && !text.startsWith("/")) return text;
    return null;
  }

  function show() {
    const state = new URLSearchParams(location.hash.slice(1));
    problem.hidden = true;
    for (const [name, frame] of [
      ["a", "left"],
      ["b", "right"],
    ]) {
      const text = (state.get(name) ?? "").trim();
      form[name].value = text;
      const target = text ? page(text) : "";
      const iframe = document.querySelector(`iframe[name=${frame}]`);
      if (target) iframe.src = target;
      else iframe.removeAttribute("src");
      if (target === null) {
        problem.hidden = false;
        problem.textContent = `“${text}” is neither a number nor the path of a concept’s page.`;
      }
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = new URLSearchParams({ a: form.a.value, b: form.b.value }).toString();
  });
  addEventListener("hashchange", show);
  show();
});
