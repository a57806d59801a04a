// The filter, the matrix, tabs and copy buttons. No library; data comes as scripts, because a page on a disk may fetch nothing.
"use strict";
const farm = (() => {
  const $ = (selector, where = document) => where.querySelector(selector);
  const make = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== false) made.setAttribute(key, value === true ? "" : value);
    made.append(...children);
    return made;
  };
  const today = new Date().toISOString().slice(0, 10);
  const number = (text) => text.match(/\d+|[a-z]+/g).map((part) => (/\d/.test(part) ? Number(part) : { a: -3, b: -2, rc: -1 }[part]));
  const compare = (a, b) => {
    const [left, right] = [number(a), number(b)];
    for (let at = 0; at < 5; at++) if ((left[at] ?? 0) !== (right[at] ?? 0)) return (left[at] ?? 0) - (right[at] ?? 0);
    return 0;
  };
  const parse = (cell) => {
    const [, python, distro, arch, variant] = cell.match(/^([^-]+)-([^-]+)-([^-]+)(?:-(.+))?$/);
    return { python, distro, arch, variant: variant ?? "default", series: python.match(/^\d+\.\d+/)[0] };
  };
  const size = (bytes) => `${(bytes / 1048576).toFixed(1)} MiB`;
  const page = (cell, build) => `builds/${cell}/${build}.html`;
  const untested = (distro) => (channel.untested?.[distro] ? [make("span", { class: "badge soon", title: channel.untested[distro] }, "untested distro")] : []);
  const eol = (date) => {
    if (!date) return [];
    const soon = date < new Date(Date.now() + 180 * 864e5).toISOString().slice(0, 10);
    const [style, text] = date <= today ? ["eol", `end of life since ${date}`] : [soon ? "soon" : "", `supported until ${date}`];
    return [make("span", { class: `badge ${style}` }, text)];
  };

  let channel, cells = [];
  const distros = {}, waiting = {};
  const names = ["distro", "series", "arch", "variant"];
  const chosen = { distro: "", series: "", arch: "", variant: "default", every: "" };

  // --- the filter: chips are radio buttons, so the keyboard works by itself; the choice stands in the address -----------

  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    if (![...said.keys()].some((name) => name in chosen)) return false;
    for (const name of Object.keys(chosen)) chosen[name] = said.get(name) ?? (name === "variant" ? "default" : "");
    if (chosen.distro && !(chosen.distro in channel.distros)) chosen.distro = "";
    return true;
  };
  const choose = (changed, { jump = false } = {}) => {
    Object.assign(chosen, changed);
    const said = new URLSearchParams(Object.entries(chosen).filter(([name, value]) => value && !(name === "variant" && value === "default")));
    history.replaceState(null, "", `#${said}`);
    show();
    if (jump) $("#filter").scrollIntoView({ behavior: "smooth" });
  };
  const chips = (name, values, labels = {}) => {
    const box = $(`[data-filter=${name}]`);
    const focused = document.activeElement?.name === name;
    box.replaceChildren(...values.map((value) => {
      const there = cells.some((cell) => cell[name] === value && (name === "distro" || !chosen.distro || cell.distro === chosen.distro));
      const radio = make("input", { type: "radio", name, value, checked: chosen[name] === value, disabled: value !== "" && !there });
      radio.addEventListener("change", () => choose({ [name]: value }));
      return make("label", { class: "chip" }, radio, make("span", {}, labels[value] ?? value));
    }));
    if (focused) $("input:checked", box)?.focus();
  };
  const distinct = (name) => [...new Set(cells.map((cell) => cell[name]))];

  const show = () => {
    chips("distro", Object.keys(channel.distros));
    chips("series", ["", ...distinct("series").sort(compare).reverse()], { "": "All" });
    chips("arch", ["", ...channel.arches], { "": "All" });
    chips("variant", distinct("variant").sort());
    grid();
    $("#every").checked = chosen.every !== "";
    if (!chosen.distro) return;
    if (!distros[chosen.distro]) load(chosen.distro);
    else answer(distros[chosen.distro]);
  };
  const load = (name) => {
    // Rows of the distro chosen before must not stand under this one's name while its list is on the way.
    $("#answers").replaceChildren(make("p", { class: "hint" }, `Loading the list of ${name} …`));
    $("#answers").setAttribute("aria-busy", "true");
    if (waiting[name]) return;
    waiting[name] = make("script", { src: `data/${name}.js` });
    waiting[name].addEventListener("error", () => {
      delete waiting[name];
      if (chosen.distro === name) $("#answers").replaceChildren(make("p", { class: "hint" }, `The list of ${name} could not be loaded. Reload the page to try again.`));
    });
    document.head.append(waiting[name]);
  };
  const answer = (distro) => {
    let found = distro.builds.filter((build) => ["series", "arch", "variant"].every((name) => !chosen[name] || build[name] === chosen[name]));
    found.sort((a, b) => compare(b.python, a.python) || a.arch.localeCompare(b.arch));
    if (!chosen.every) {
      const seen = new Set();
      found = found.filter((build) => !seen.has(`${build.series}/${build.arch}`) && seen.add(`${build.series}/${build.arch}`));
    }
    const rows = found.map((build, at) => row(distro, build, at === 0));
    $("#answers").replaceChildren(...(rows.length ? rows : [make("p", { class: "hint" }, "Nothing of that is published for this distro.")]));
    $("#answers").setAttribute("aria-busy", "false");
  };
  const row = (distro, build, open) => {
    const made = make("details", { class: "answer", open, "data-cell": build.cell },
      make("summary", {}, make("span", { class: "version" }, build.python),
        make("span", { class: "meta" }, make("span", {}, build.arch), ...(build.variant === "default" ? [] : [make("span", {}, build.variant)]),
          make("span", {}, `build ${build.build}`), make("time", { datetime: build.created }, build.created.slice(0, 10)), make("span", {}, size(build.size)), ...eol(channel.eol[build.series]), ...untested(build.cell.split("-")[1])),
        make("span", { class: "chevron", "aria-hidden": "true" })));
    const fill = () => made.children.length === 1 && made.append(body(distro, build));
    made.addEventListener("toggle", () => made.open && fill());
    if (open) fill();
    return made;
  };
  const body = (distro, build) => {
    const known = { version: build.python, series: build.series, cell: build.cell, install: "", ...distro.places, ...build.places };
    const made = make("div", { class: "body" },
      make("p", { class: "sum" }, make("span", {}, "sha256"), make("code", { class: "hash" }, known.sha256),
        make("button", { type: "button", class: "copy", "data-copy": known.sha256, "aria-label": "Copy the sha256" }, "Copy"),
        make("a", { href: `../../../${build.key}` }, "Download"), make("a", { href: page(build.cell, build.build) }, "Packages, checks, provenance")));
    const ways = distro.tabs.map((tab) => ({ ...tab, text: filled(tab.text, known) })).filter((tab) => tab.text);
    const list = make("div", { role: "tablist", "aria-label": `Ways to use ${build.python}` });
    const box = make("div", { class: "tabs" }, list);
    ways.forEach((tab, at) => {
      const id = `${build.cell}-${tab.id}`.replaceAll(".", "_");
      list.append(make("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, "aria-selected": String(at === 0), tabindex: at ? "-1" : "0" }, tab.title));
      box.append(make("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}`, hidden: at > 0, "data-tab": tab.id },
        make("div", { class: "code" }, make("button", { type: "button", class: "copy", "data-copy": true }, "Copy"), make("pre", { tabindex: "0" }, make("code", {}, tab.text))),
        make("p", { class: "hint" }, tab.note)));
    });
    tabs(box);
    made.append(box);
    return made;
  };
  // The rules of farm/site/snippets.py: a line with nothing in one of its places is left out, a text with an unknown place too.
  const filled = (text, known) => {
    const places = (line) => [...line.matchAll(/\{([a-z0-9]+)\}/g)].map((found) => found[1]);
    if (places(text).some((place) => !(place in known))) return "";
    return text.trim().split("\n").filter((line) => places(line).every((place) => known[place])).map((line) => line.replace(/\{([a-z0-9]+)\}/g, (_, place) => known[place])).join("\n");
  };

  // --- the matrix -------------------------------------------------------------------------------------------------------

  const grid = () => {
    const same = cells.filter((cell) => cell.variant === chosen.variant);
    const possible = channel.possible?.[chosen.variant] ?? {};
    const rows = [...new Set([...same.map((cell) => cell.series), ...Object.values(possible).flat()])].sort(compare).reverse();
    const names = [...new Set([...Object.keys(channel.distros), ...Object.keys(possible)])].sort();
    const arches = [...new Set([...channel.arches, ...(channel.machines ?? [])])];
    const columns = names.flatMap((distro) => arches.map((arch) => ({ distro, arch })));
    const nothing = (series, { distro, arch }) => (possible[distro] && !possible[distro].includes(series)
      ? make("span", { class: "none", title: `${series} is not for ${distro}` })
      : make("span", { class: "gap", title: `no ${series} for ${distro} on ${arch}` }));
    const best = {}, top = {};
    for (const cell of same) {
      const key = `${cell.series}/${cell.distro}/${cell.arch}`;
      if (!best[key] || compare(cell.python, best[key]) > 0) best[key] = cell.python;
      if (!top[cell.series] || compare(cell.python, top[cell.series]) > 0) top[cell.series] = cell.python;
    }
    const first = (at) => (at % arches.length ? "" : "first");
    const head = make("thead", {},
      make("tr", {}, make("th", { scope: "col", rowspan: "2" }, ""), ...names.map((name) => make("th", { scope: "colgroup", colspan: arches.length, class: "first" }, name))),
      make("tr", {}, ...columns.map((column, at) => make("th", { scope: "col", class: `arch ${first(at)}` }, column.arch))));
    const body = make("tbody", {}, ...rows.map((series) => make("tr", {}, make("th", { scope: "row" }, series), ...columns.map((column, at) => {
      const python = best[`${series}/${column.distro}/${column.arch}`];
      if (!python) return make("td", { class: first(at) }, nothing(series, column));
      const state = channel.eol[series] <= today ? "eol" : python === top[series] ? "current" : "behind";
      const note = { current: "the newest", behind: `behind ${top[series]}`, eol: "end of life" }[state];
      const button = make("button", { type: "button", class: state, title: `${python} for ${column.distro} on ${column.arch}: ${note}`, "aria-label": `${python} for ${column.distro} on ${column.arch}, ${note}` }, python);
      button.addEventListener("click", () => choose({ distro: column.distro, arch: column.arch, series }, { jump: true }));
      return make("td", { class: first(at) }, button);
    }))));
    $(".grid").replaceChildren(head, body);
  };
  const recent = () => $(".recent").replaceChildren(...channel.recent.slice(0, 12).map((build) =>
    make("li", {}, make("a", { href: page(build.cell, build.build_id) }, build.cell), make("time", { datetime: build.created }, build.created.slice(0, 10)))));

  // --- tabs and copying -------------------------------------------------------------------------------------------------

  const tabs = (box) => {
    const list = $("[role=tablist]", box);
    const select = (tab, focus) => {
      for (const other of list.children) {
        const on = other === tab;
        other.setAttribute("aria-selected", String(on));
        other.tabIndex = on ? 0 : -1;
        const panel = [...box.children].find((child) => child.id === other.getAttribute("aria-controls"));
        panel.hidden = !on;
      }
      if (focus) tab.focus();
    };
    list.addEventListener("click", (event) => event.target.closest("[role=tab]") && select(event.target.closest("[role=tab]")));
    list.addEventListener("keydown", (event) => {
      const all = [...list.children], at = all.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(all[(to + all.length) % all.length], true);
    });
  };
  const write = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // pages over plain http or on a disk may not have a clipboard
      const area = make("textarea", { readonly: true, style: "position:fixed;opacity:0" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await write(button.dataset.copy || $("code", button.parentElement).textContent);
    button.classList.add("done");
    button.textContent = "Copied";
    setTimeout(() => { button.classList.remove("done"); button.textContent = "Copy"; }, 1600);
  });
  document.querySelectorAll("[data-tabs]").forEach(tabs);
  document.querySelectorAll("[data-eol]").forEach((badge) => badge.replaceWith(...eol(badge.dataset.eol)));

  return {
    channel(said) {
      channel = said;
      cells = Object.values(said.distros).flat().map(parse);
      $("#every").addEventListener("change", (event) => choose({ every: event.target.checked ? "1" : "" }));
      addEventListener("hashchange", () => read() && show());
      $("#filter").addEventListener("submit", (event) => event.preventDefault());
      read();
      show();
      recent();
    },
    distro(name, said) {
      distros[name] = said;
      if (chosen.distro === name) answer(said);
    },
  };
})();
