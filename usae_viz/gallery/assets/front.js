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
    const rest = document.querySelector(".cards.rest");
    const pageless = document.querySelector(".pageless");
    const narrow = form.querySelector("button[name=narrow]");
    const narrower = document.querySelector("#narrower");
    const total = table.id.length;
    const deadKind = table.kinds.indexOf("dead");
    const kinds = Uint8Array.from(table.kind, Number);
    const pages = new Set(table.page);
    const goesWith = (at) => table.goesWith[table.goes[at]];
    // What a word is looked for in: name, note, and the label that goes with it most.
    const words = table.id.map((k, at) =>
      [table.label[k], table.note[k], goesWith(at)].filter(Boolean).join(" ").toLowerCase(),
    );
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
      if (at >= total) return grave(table.dead[at - total]);
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
      const kind = table.kinds[kinds[at]];
      const entry = element("span", "entry");
      entry.append(element("span", "id", k), " ", element("span", `kind kind-${kind}`, kind));
      if (table.label[k] !== undefined) {
        const label = element("span", "label", table.label[k]);
        label.dir = "auto";
        entry.append(" ", label);
      } else if (goesWith(at)) {
        const label = element("span", "label", `with ${goesWith(at)}`);
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
      item.append(body);
      return item;
    }

    /** A concept that never fires: there is nothing to say of it but that. */
    function grave(k) {
      const item = element("li");
      const entry = element("span", "entry");
      entry.append(element("span", "id", k), " ", element("span", "kind kind-dead", "dead"));
      item.append(entry);
      return item;
    }

    let shown = [];
    let made = 0;
    function extend() {
      const parts = [document.createDocumentFragment(), document.createDocumentFragment()];
      for (const at of shown.slice(made, made + STEP)) {
        parts[pages.has(table.id[at]) ? 0 : 1].append(card(at));
      }
      made = Math.min(made + STEP, shown.length);
      list.append(parts[0]);
      rest.append(parts[1]);
      more.textContent =
        made < shown.length ? `${made} of ${shown.length.toLocaleString("en")} shown` : "";
    }

    function matching() {
      const asked = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
      // A number finds the concept of that number; a word finds names that hold it.
      const numbers = asked.filter((word) => /^\d+$/.test(word)).map(Number);
      const texts = asked.filter((word) => !/^\d+$/.test(word));
      const found = (k, text) =>
        numbers.every((number) => number === k) && texts.every((word) => text.includes(word));
      const wanted = new Set(checked("class").map((kind) => table.kinds.indexOf(kind)));
      const members = checked("by").reduce((bits, place) => bits + 2 ** Number(place), 0);
      const only = Boolean(form.only?.checked);
      const least = {
        entropy: form.entropy.value * 10,
        cofire: form.cofire.value * 10,
        energy: (form.energy.value / 100) * total,
        rate: (form.rate.value / 100) * total,
      };
      const passing = [];
      for (let at = 0; at < total; at++) {
        if (wanted.size && !wanted.has(kinds[at])) continue;
        if (table.entropy[at] < least.entropy || table.cofire[at] < least.cofire) continue;
        if (rank.energy[at] < least.energy || rank.rate[at] < least.rate) continue;
        if (members && (table.by[at] & members) !== members) continue;
        if (members && only && table.by[at] !== members) continue;
        if (form.pictured.checked && !table.pictures[table.id[at]]) continue;
        if (asked.length && !found(table.id[at], words[at])) continue;
        passing.push(at);
      }
      return passing;
    }

    /** The dead: where their class is chosen, or one of them is asked for by its number. */
    function buried() {
      const number = /^\d+$/.test(form.q.value.trim()) ? Number(form.q.value) : null;
      const chosen = checked("class").includes(table.kinds[deadKind]);
      const places = table.dead.map((_, at) => total + at);
      if (number !== null) return places.filter((at) => table.dead[at - total] === number);
      return chosen && !form.q.value.trim() ? places : [];
    }

    const checked = (name) =>
      [...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);

    function apply() {
      const by = form.sort.value;
      const column = by === "id" ? table.id : table[by];
      const sign = by === "id" ? 1 : -1;
      shown = matching().sort((a, b) => sign * (column[a] - column[b]) || table.id[a] - table.id[b]);
      const passing = new Set(shown);
      // Concepts with a page come first: they are what there is to read.
      shown = [
        ...shown.filter((at) => pages.has(table.id[at])),
        ...shown.filter((at) => !pages.has(table.id[at])),
        ...buried(),
      ];
      list.replaceChildren();
      rest.replaceChildren();
      pageless.hidden = !shown.some((at) => at < total && !pages.has(table.id[at]));
      made = 0;
      extend();
      count.textContent =
        passing.size === total
          ? total.toLocaleString("en")
          : `${passing.size.toLocaleString("en")} of ${total.toLocaleString("en")}`;
      for (const name of ["entropy", "cofire"]) {
        form[name].nextElementSibling.value = (form[name].value / 100).toFixed(2);
      }
      for (const name of ["energy", "rate"]) {
        const value = Number(form[name].value);
        form[name].nextElementSibling.value = value ? `top ${100 - value}\u202f%` : "all";
      }
      listeners.forEach((listen) => listen(passing));
    }

    // ---- the address ----

    function write() {
      const state = new URLSearchParams();
      if (form.q.value) state.set("q", form.q.value);
      if (form.sort.selectedIndex) state.set("sort", form.sort.value);
      for (const name of ["class", "by"]) {
        if (checked(name).length) state.set(name, checked(name).join(","));
      }
      if (form.only?.checked) state.set("only", "1");
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
      for (const name of ["class", "by"]) {
        const values = (state.get(name) ?? "").split(",");
        for (const box of form.querySelectorAll(`input[name=${name}]`)) {
          box.checked = values.includes(box.value);
        }
      }
      if (form.only) form.only.checked = state.get("only") === "1";
      for (const name of ["entropy", "cofire", "energy", "rate"]) {
        form[name].value = state.get(name) ?? "0";
      }
      form.pictured.checked = state.get("pictured") === "1";
      const fine = ["entropy", "cofire", "energy", "rate", "by", "only", "pictured"];
      if (fine.some((name) => state.has(name))) unfold(true);
      apply();
      if (state.get("focus") === "q") form.q.focus();
    }

    function unfold(open) {
      narrower.hidden = !open;
      narrow.setAttribute("aria-expanded", String(open));
    }
    narrow.addEventListener("click", () => unfold(narrower.hidden));

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
