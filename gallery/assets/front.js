/* The front page: search, filters and sorting over all living concepts, kept in the address. */
"use strict";

const usaeViz = (() => {
  const STEP = 120; // cards that are made at once; more follow as the reader comes near the end
  let table = null;
  const listeners = [];

  const address = (k) => `concepts/${String(k).padStart(6, "0")}.html`;

  function start() {
    const form = document.querySelector(".filters");
    const list = document.querySelector(".cards");
    const count = document.querySelector(".count");
    const more = document.querySelector(".more");
    const help = document.querySelector("dialog.help");
    const total = table.id.length;
    const pages = new Set(table.page);
    const place = new Map(table.id.map((k, at) => [k, at]));
    const names = table.id.map((k) => `${k} ${table.label[k] ?? ""}`.toLowerCase());
    // Sliders over energy and rate go by rank: their values span decades.
    const ranked = (values) => {
      const order = values.map((_, at) => at).sort((a, b) => values[a] - values[b]);
      const rank = new Uint32Array(total);
      order.forEach((at, position) => {
        rank[at] = position;
      });
      return rank;
    };
    const rank = { energy: ranked(table.energy), rate: ranked(table.rate) };
    form.hidden = false;
    more.hidden = false;

    function element(tag, name, text) {
      const made = document.createElement(tag);
      if (name) made.className = name;
      if (text !== undefined) made.textContent = text;
      return made;
    }

    function card(at) {
      const k = table.id[at];
      const item = element("li");
      item.id = `k${k}`;
      const body = element(pages.has(k) ? "a" : "div", "card");
      if (pages.has(k)) body.href = address(k);
      const strip = element("span", "strip");
      for (const backbone of table.pictures[k] ?? []) {
        const image = element("img");
        image.src = `pictures/c${k}/${table.names[backbone]}.small.webp`;
        image.width = image.height = 64;
        image.alt = "";
        image.loading = "lazy";
        strip.append(image);
      }
      const kind = table.kinds[Number(table.kind[at])];
      const entry = element("span", "entry");
      entry.append(element("span", "id", k), " ", element("span", `kind kind-${kind}`, kind));
      if (table.label[k] !== undefined) {
        const label = element("span", "label", table.label[k]);
        label.dir = "auto";
        entry.append(" ", label);
      }
      const figures = element(
        "span",
        "figures",
        `entropy ${(table.entropy[at] / 1000).toFixed(2)} · ` +
          `co-fire ${Math.round(table.cofire[at] / 10)}\u202f%`,
      );
      body.append(strip, entry, figures);
      if (!pages.has(k)) body.append(element("span", "figures", `maximize --concept ${k}`));
      item.append(body);
      return item;
    }

    let shown = [];
    let made = 0;
    function extend() {
      const part = document.createDocumentFragment();
      for (const at of shown.slice(made, made + STEP)) part.append(card(at));
      made = Math.min(made + STEP, shown.length);
      list.append(part);
      more.textContent = made < shown.length ? `${made} of ${shown.length} shown` : "";
    }

    function matching() {
      const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kinds = [...form.querySelectorAll("input[name=class]:checked")].map((box) =>
        table.kinds.indexOf(box.value),
      );
      const least = {
        entropy: form.entropy.value * 10,
        cofire: form.cofire.value * 10,
        energy: (form.energy.value / 100) * total,
        rate: (form.rate.value / 100) * total,
      };
      const found = [];
      for (let at = 0; at < total; at++) {
        if (kinds.length && !kinds.includes(Number(table.kind[at]))) continue;
        if (table.entropy[at] < least.entropy || table.cofire[at] < least.cofire) continue;
        if (rank.energy[at] < least.energy || rank.rate[at] < least.rate) continue;
        if (form.pictured.checked && !table.pictures[table.id[at]]) continue;
        if (words.some((word) => !matches(names[at], word))) continue;
        found.push(at);
      }
      return found;
    }

    // A number finds the concept of that number; a word finds names that hold it.
    const matches = (text, word) =>
      /^\d+$/.test(word) ? text.split(" ", 1)[0] === word : text.includes(word);

    function apply() {
      const by = form.sort.value;
      const column = by === "id" ? table.id : table[by];
      const sign = by === "id" ? 1 : -1;
      shown = matching().sort((a, b) => sign * (column[a] - column[b]) || table.id[a] - table.id[b]);
      // Concepts with a page come first: they are what there is to read.
      shown = [
        ...shown.filter((at) => pages.has(table.id[at])),
        ...shown.filter((at) => !pages.has(table.id[at])),
      ];
      list.replaceChildren();
      made = 0;
      extend();
      count.textContent =
        shown.length === total ? total.toLocaleString("en") : `${shown.length} of ${total}`;
      for (const name of ["entropy", "cofire"]) {
        form[name].nextElementSibling.value = (form[name].value / 100).toFixed(2);
      }
      for (const name of ["energy", "rate"]) {
        const value = Number(form[name].value);
        form[name].nextElementSibling.value = value ? `top ${100 - value}\u202f%` : "all";
      }
      listeners.forEach((listen) => listen(new Set(shown)));
    }

    // ---- the address ----

    function write() {
      const state = new URLSearchParams();
      if (form.q.value) state.set("q", form.q.value);
      if (form.sort.selectedIndex) state.set("sort", form.sort.value);
      const kinds = [...form.querySelectorAll("input[name=class]:checked")].map((box) => box.value);
      if (kinds.length) state.set("class", kinds.join(","));
      for (const name of ["entropy", "cofire", "energy", "rate"]) {
        if (form[name].value !== "0") state.set(name, form[name].value);
      }
      if (form.pictured.checked) state.set("pictured", "1");
      const text = state.toString();
      history.replaceState(null, "", text ? `#${text}` : location.pathname);
    }

    function read() {
      const state = new URLSearchParams(location.hash.slice(1));
      if (state.has("go")) {
        const k = Number(state.get("go"));
        if (pages.has(k)) {
          location.replace(address(k));
          return;
        }
        state.set("q", String(k));
      }
      form.q.value = state.get("q") ?? "";
      form.sort.value = state.get("sort") ?? "";
      if (form.sort.selectedIndex < 0) form.sort.selectedIndex = 0;
      const kinds = (state.get("class") ?? "").split(",");
      for (const box of form.querySelectorAll("input[name=class]")) {
        box.checked = kinds.includes(box.value);
      }
      for (const name of ["entropy", "cofire", "energy", "rate"]) {
        form[name].value = state.get(name) ?? "0";
      }
      form.pictured.checked = state.get("pictured") === "1";
      apply();
      if (state.get("focus") === "q") form.q.focus();
    }

    form.addEventListener("input", () => {
      write();
      apply();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const first = shown.find((at) => pages.has(table.id[at]));
      if (first !== undefined && form.q.value) location.href = address(table.id[first]);
    });
    form.addEventListener("reset", () =>
      setTimeout(() => {
        write();
        apply();
      }),
    );
    addEventListener("hashchange", read);

    // ---- keyboard ----

    form.querySelector("button[name=help]").addEventListener("click", () => help.showModal());
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || help.open) return;
      if (event.key === "Escape" && event.target === form.q) {
        form.q.value = "";
        form.q.blur();
        write();
        apply();
        return;
      }
      if (event.target.closest("input, select, textarea, canvas, .scroll")) return;
      const links = [...list.querySelectorAll("a.card")];
      const at = links.indexOf(document.activeElement);
      const keys = {
        "/": () => form.q.focus(),
        "?": () => help.showModal(),
        ArrowRight: () => links[Math.min(at + 1, links.length - 1)]?.focus(),
        ArrowLeft: () => links[Math.max(at - 1, 0)]?.focus(),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });

    new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting) && made < shown.length) extend();
      },
      { rootMargin: "1200px 0px" },
    ).observe(more);

    usaeViz.table = table;
    usaeViz.open = (k) => {
      if (pages.has(k)) location.href = address(k);
      else {
        form.q.value = String(k);
        write();
        apply();
      }
    };
    usaeViz.place = place;
    document.dispatchEvent(new Event("usae-viz-index"));
    read();
  }

  addEventListener("DOMContentLoaded", () => {
    if (table) start();
  });

  return {
    setIndex: (found) => {
      table = found;
    },
    /** Call back with the concepts (places in the table) that the filters let through. */
    onFilter: (listen) => listeners.push(listen),
  };
})();
