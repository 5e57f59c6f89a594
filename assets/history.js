/* The History tab: a table of all runs, filled and kept fresh from the studio's routes; curves over one another; lineage.
   All text of runs, files and people is set with textContent, so it can never become markup. */
const HERE = new URL("studio/", document.baseURI).href;
const EACH = 3000; // ms between looks while the tab is seen
const MOST_CHOSEN = 8;
const FEW = 40; // points of a curve that can each have a mark
const COLOURS = ["#3b82d6", "#d9700f", "#1d9a7a", "#a855c7", "#d33f49", "#8a6d3b", "#0e9bb3", "#7c7f87"];
const AXES = { step: "Step", tokens: "Tokens seen", seconds: "Seconds of training" };

/* making elements */

const make = (tag, options = {}, ...children) => {
  const { data = {}, on = {}, ...rest } = options;
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(rest)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  Object.assign(made.dataset, data);
  for (const [event, handler] of Object.entries(on)) made.addEventListener(event, handler);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

const button = (text, press, look = "") =>
  make("button", { type: "button", className: `data-button${look ? ` data-button-${look}` : ""}`, on: { click: press } }, text);

const svg = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/* words */

const sizeText = (bytes) => {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
};

const spanText = (seconds) => {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};

const dateText = (seconds) => {
  const date = new Date(seconds * 1000);
  const far = date.getFullYear() !== new Date().getFullYear();
  const day = date.toLocaleDateString("en", { day: "numeric", month: "short", ...(far ? { year: "numeric" } : {}) });
  return `${day}, ${date.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false })}`;
};

const lossText = (loss) => (loss === null ? "–" : loss !== 0 && Math.abs(loss) < 1e-3 ? loss.toExponential(2) : loss.toPrecision(4));
const shareText = (share) => (share >= 0 && share <= 1 ? `${(100 * share).toFixed(1)} %` : share.toPrecision(3));
const titleOf = (row) => row.notes.name || row.run;
const isOver = (row) => !["waiting", "running", "stopping"].includes(row.status);

const originText = ({ origin }) => {
  if (!origin) return "";
  if (origin.how === "branched") return `Branched from step ${origin.step} of ${origin.run}.`;
  return origin.how === "went on" ? `Went on with the adapter of ${origin.run}.` : `Tuned on from the result of ${origin.run}.`;
};

/* what is known */

const state = { now: 0, rows: new Map(), names: [], sort: "began", down: true, open: null, chosen: new Set(), lineage: false };
const filters = { text: "", status: "", tag: "", archived: false };

const COLUMNS = [
  { key: "loss", label: "Loss", of: (row) => row.loss.at(-1) ?? null, cell: (row) => sparkline(row.loss) },
  { key: "run", label: "Run", of: (row) => titleOf(row).toLowerCase(), cell: (row) => nameCell(row) },
  { key: "status", label: "Status", of: (row) => row.status, cell: (row) => make("span", { className: "history-chip", data: { status: row.status } }, row.status) },
  { key: "base", label: "Base", of: (row) => row.base.toLowerCase(), cell: (row) => row.base },
  { key: "method", label: "Method", of: (row) => row.method.toLowerCase(), cell: (row) => row.method },
  { key: "data", label: "Data", of: (row) => row.data.toLowerCase(), cell: (row) => both(row.data, row.rows ? `${row.rows.toLocaleString("en")} rows` : "") },
  { key: "best", label: "Best held-out", of: (row) => row.best, number: true, cell: (row) => both(lossText(row.best), row.best === null ? "" : `step ${row.best_step}`) },
  { key: "score", label: "Score", of: (row) => row.scored?.tuned ?? null, number: true, cell: (row) => scoreCell(row.scored) },
  { key: "bytes", label: "Size", of: (row) => row.bytes, number: true, cell: (row) => sizeText(row.bytes) },
  { key: "seconds", label: "Took", of: (row) => row.seconds, number: true, cell: (row) => (row.seconds ? spanText(row.seconds) : "–") },
  { key: "began", label: "Begun", of: (row) => row.began, number: true, cell: (row) => dateText(row.began) },
];

const both = (first, second) => make("span", {}, first, ...(second ? [make("small", {}, second)] : []));

const scoreCell = (scored) => {
  if (!scored) return "–";
  return make("span", { title: `${scored.metric}, over ${scored.rows} held-out rows` }, shareText(scored.tuned), make("small", {}, `base ${shareText(scored.base)}`));
};

const sparkline = (loss) => {
  if (loss.length < 2) return "–";
  const low = Math.min(...loss), span = Math.max(...loss) - low || 1;
  const points = loss.map((value, at) => `${((96 * at) / (loss.length - 1)).toFixed(1)},${(25 - (22 * (value - low)) / span).toFixed(1)}`);
  const drawn = svg("svg", { viewBox: "0 0 96 28", width: 96, height: 28, role: "img", "aria-label": `Loss from ${lossText(loss[0])} to ${lossText(loss.at(-1))}` });
  drawn.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 1.5 }));
  return drawn;
};

const nameCell = (row) => {
  const name = make("button", { type: "button", className: "history-name", "aria-expanded": String(state.open === row.run), on: { click: () => toggle(row.run) } }, titleOf(row));
  const tags = row.notes.tags.map((tag) => make("span", { className: "history-tag" }, tag));
  if (row.notes.archived) tags.unshift(make("span", { className: "history-tag history-archived" }, "archived"));
  return make("div", {},
    name,
    row.notes.name ? make("small", {}, row.run) : null,
    tags.length ? make("span", { className: "history-tags" }, ...tags) : null,
    row.notes.note ? make("small", { className: "history-note" }, row.notes.note) : null);
};

/* the frame */

const told = make("p", { className: "history-told", role: "status" });
const tell = (text, wrong = false) => {
  told.textContent = text;
  told.classList.toggle("history-wrong", wrong);
};

const choice = (label, set) => make("select", { "aria-label": label, on: { change: (event) => { set(event.target.value); draw(); } } });
const search = make("input", { type: "search", placeholder: "Search name, note, tag, base, method, data", "aria-label": "Search runs",
  on: { input: () => { filters.text = search.value.toLowerCase(); draw(); } } });
const statusChoice = choice("Status", (value) => { filters.status = value; });
const tagChoice = choice("Tag", (value) => { filters.tag = value; });
const sortChoice = choice("Sort by", (value) => { state.sort = value; state.down = COLUMNS.find((column) => column.key === value).number === true; });
sortChoice.className = "history-sort";
sortChoice.append(...COLUMNS.map(({ key, label }) => new Option(`Sort by ${label.toLowerCase()}`, key, false, key === state.sort)));
const archivedBox = make("input", { type: "checkbox", on: { change: () => { filters.archived = archivedBox.checked; draw(); } } });
const compareButton = button("Compare curves", () => compare(), "main");
const lineageButton = button("Lineage", () => { state.lineage = !state.lineage; draw(); });
const heads = make("tr", {});
const body = make("tbody", {});
const table = make("table", { className: "history-table" }, make("thead", {}, heads), body);
const empty = make("p", { className: "history-empty" }, "Reading the runs …");
const lineageBox = make("section", { className: "history-lineage", "aria-label": "Lineage", hidden: true });
const overlayBox = make("section", { className: "history-overlay", "aria-label": "Curves over one another", hidden: true });

const frame = element.querySelector(".history");
frame.replaceChildren(
  make("div", { className: "history-bar" }, search, statusChoice, tagChoice, sortChoice,
    make("label", { className: "history-check" }, archivedBox, "archived ones too"), lineageButton, compareButton),
  told, overlayBox, lineageBox, table, empty);

/* rows */

const shown = () => {
  const words = filters.text.split(/\s+/).filter(Boolean);
  const column = COLUMNS.find(({ key }) => key === state.sort);
  const fits = (row) => {
    const said = [row.run, row.notes.name, row.notes.note, ...row.notes.tags, row.base, row.method, row.data].join(" ").toLowerCase();
    return (filters.archived || !row.notes.archived) && (!filters.status || row.status === filters.status)
      && (!filters.tag || row.notes.tags.includes(filters.tag)) && words.every((word) => said.includes(word));
  };
  const compared = (a, b) => {
    const [one, other] = [column.of(a), column.of(b)];
    if (one === null || other === null) return (one === null) - (other === null); // what is not known comes last
    const order = typeof one === "number" ? one - other : one.localeCompare(other);
    return state.down ? -order : order;
  };
  return state.names.map((name) => state.rows.get(name)).filter((row) => row && fits(row)).sort(compared);
};

const lines = new Map(); // of each run: the row as it was drawn, and its element

const lineOf = (row) => {
  const drawn = lines.get(row.run);
  const look = `${state.open === row.run}${state.chosen.has(row.run)}`;
  if (drawn && drawn.row === row && drawn.look === look) return drawn.line;
  const pick = make("input", { type: "checkbox", checked: state.chosen.has(row.run), "aria-label": `Choose ${titleOf(row)} for comparing`,
    on: { change: () => { pick.checked ? state.chosen.add(row.run) : state.chosen.delete(row.run); draw(); } } });
  const line = make("tr", { data: { run: row.run } }, make("td", { className: "history-pick" }, pick),
    ...COLUMNS.map(({ key, label, cell, number }) => make("td", { className: `history-${key}${number ? " history-number" : ""}`, data: { label } }, cell(row))));
  line.classList.toggle("history-open", state.open === row.run);
  const focused = drawn?.line.contains(document.activeElement) && document.activeElement.className;
  drawn?.line.replaceWith(line);
  if (focused === "history-name") line.querySelector(".history-name").focus();
  lines.set(row.run, { row, look, line });
  return line;
};

const drawHeads = () => heads.replaceChildren(make("th", { scope: "col" }, make("span", { className: "history-hidden" }, "Choose")),
  ...COLUMNS.map(({ key, label, number }) => {
    const sorted = state.sort === key ? (state.down ? "descending" : "ascending") : "none";
    const sort = () => { state.down = state.sort === key ? !state.down : number === true; state.sort = key; sortChoice.value = key; draw(); };
    return make("th", { scope: "col", "aria-sort": sorted, className: number ? "history-number" : "" },
      make("button", { type: "button", on: { click: sort } }, label, make("i", { "aria-hidden": "true" }, { none: "", ascending: " ▲", descending: " ▼" }[sorted])));
  }));

const options = (select, all, values) => {
  const now = [["", all], ...values.map((value) => [value, value])];
  if (select.options.length === now.length && now.every(([value], at) => select.options[at].value === value)) return;
  const before = select.value;
  select.replaceChildren(...now.map(([value, text]) => new Option(text, value, false, value === before)));
};

const draw = () => {
  const rows = shown(), every = [...state.rows.values()];
  for (const name of state.chosen) if (!state.rows.has(name)) state.chosen.delete(name);
  options(statusChoice, "Any status", [...new Set(every.map((row) => row.status))].sort());
  options(tagChoice, "Any tag", [...new Set(every.flatMap((row) => row.notes.tags))].sort());
  drawHeads();
  const wanted = rows.flatMap((row) => (row.run === state.open ? [lineOf(row), detail.of(row)] : [lineOf(row)]));
  if (wanted.length !== body.children.length || wanted.some((line, at) => body.children[at] !== line)) body.replaceChildren(...wanted);
  table.hidden = !rows.length;
  empty.hidden = rows.length > 0;
  empty.textContent = every.length ? "No run fits the search." : "No run yet. Press Train; every run is kept here until you delete it.";
  compareButton.textContent = state.chosen.size ? `Compare curves (${state.chosen.size})` : "Compare curves";
  compareButton.disabled = state.chosen.size < 2 || state.chosen.size > MOST_CHOSEN;
  compareButton.title = compareButton.disabled ? `Choose 2 to ${MOST_CHOSEN} runs by their boxes` : "";
  lineageButton.setAttribute("aria-pressed", String(state.lineage));
  lineageBox.hidden = !state.lineage;
  if (state.lineage) drawLineage();
};

const toggle = (name) => {
  state.open = state.open === name ? null : name;
  draw();
};

/* the open run: its notes, and what can be done with it */

const change = async (row, method, path, content) => {
  const options = { method, headers: { "Content-Type": "application/json" }, ...(content ? { body: JSON.stringify(content) } : {}) };
  try {
    const response = await fetch(`${HERE}history/${encodeURIComponent(row.run)}${path}`, options);
    const answer = await response.json();
    if (!response.ok) throw new Error(typeof answer.error === "string" ? answer.error : `The studio answered ${response.status}.`);
    return answer;
  } catch (error) {
    tell(error instanceof TypeError ? "The studio does not answer. Nothing was changed; try again." : error.message, true);
    return null;
  } finally {
    look();
  }
};

const detail = {
  run: null,
  line: null,
  facts: null,

  /* Drawn once for each time that a run is opened: what is typed is never drawn over. */
  of(row) {
    if (this.run !== row.run || !this.line) {
      this.run = row.run;
      this.facts = make("div", {});
      this.line = make("tr", { className: "history-detail" }, make("td", { colSpan: COLUMNS.length + 1 }, make("div", { className: "history-panel" }, this.form(row), this.facts)));
    }
    if (this.row !== row) this.tell(row);
    this.row = row;
    return this.line;
  },

  form(row) {
    const name = make("input", { type: "text", maxLength: 80, value: row.notes.name, placeholder: row.run });
    const tags = make("input", { type: "text", maxLength: 400, value: row.notes.tags.join(", "), placeholder: "such as baseline, keep" });
    const note = make("textarea", { rows: 3, maxLength: 2000, value: row.notes.note });
    const save = async (event) => {
      event.preventDefault();
      const said = { name: name.value, note: note.value, tags: tags.value.split(",").map((tag) => tag.trim()).filter(Boolean) };
      if (await change(row, "PUT", "/notes", said)) tell(`Saved what you said of ${row.run}.`);
    };
    return make("form", { className: "history-form", on: { submit: save } },
      make("label", {}, "Name", name), make("label", {}, "Tags, parted by commas", tags), make("label", {}, "Note", note),
      make("button", { type: "submit", className: "data-button data-button-main" }, "Save"));
  },

  tell(row) {
    const facts = [row.run, row.task, row.steps ? `${row.step} of ${row.steps} steps` : "not begun",
      `${row.checkpoints} checkpoint${row.checkpoints === 1 ? "" : "s"}`, row.result ? `result: ${row.result}` : "no result"];
    const of = `studio/runs/${encodeURIComponent(row.run)}`, at = `${of}/run.zip`;
    const send = (event, what) => () => trigger(event, { pressed: `${what}:${row.run}`, text: "" });
    const archive = () => change(row, "PUT", "/notes", { archived: !row.notes.archived });
    this.facts.replaceChildren(
      make("p", { className: "history-facts" }, facts.join(" · ")),
      ...[originText(row), row.wrong].filter(Boolean).map((text) => make("p", { className: "history-facts" }, text)),
      make("div", { className: "history-buttons" },
        button("Open in Run", send("click", "open")), button("Use its recipe", send("submit", "recipe")),
        button("Start again as it was", send("click", "again")),
        row.result && isOver(row) ? button("Tune on from its result", send("select", "tune")) : null,
        button(row.notes.archived ? "Take out of the archive" : "Archive", archive),
        make("a", { className: "data-button", href: `${of}/report`, target: "_blank", rel: "noopener" }, "Report"),
        make("a", { className: "data-button", href: at, download: "" }, "Export as one file"),
        row.checkpoints ? make("a", { className: "data-button", href: `${at}?checkpoints=true`, download: "" }, "… with checkpoints") : null,
        button("Delete …", () => this.ask(row), "quiet")));
  },

  /* Deleting asks once more, with what it frees and what was made from the run. */
  ask(row) {
    const children = [...state.rows.values()].filter((each) => each.origin?.run === row.run);
    const of = (how) => children.filter((each) => each.origin.how === how).map(titleOf).join(", ");
    const said = [`This frees ${sizeText(row.bytes)} and cannot be undone.`];
    if (of("branched")) said.push(`Branched from it, and whole without it: ${of("branched")}.`);
    if (of("tuned on")) said.push(`Tuned on from its result, which they need as their base: ${of("tuned on")}.`);
    const remove = async () => {
      const done = await change(row, "DELETE", "");
      if (!done) return;
      state.open = null;
      tell(`Deleted ${titleOf(row)}: ${sizeText(done.freed)} freed.`);
    };
    const keep = button("Keep it", () => this.tell(row));
    this.facts.replaceChildren(make("div", { className: "history-ask", role: "alertdialog", "aria-label": `Delete ${row.run}` },
      make("p", {}, make("strong", {}, `Delete ${titleOf(row)} for good?`)), make("p", {}, said.join(" ")),
      make("div", { className: "history-buttons" }, button("Delete for good", remove, "main"), keep)));
    keep.focus();
  },
};

/* lineage: which run came from which */

const drawLineage = () => {
  const every = [...state.rows.values()];
  const children = new Map();
  for (const row of every) if (row.origin) children.set(row.origin.run, [...(children.get(row.origin.run) || []), row]);
  const item = (name, row, seen) => {
    const about = row ? `${row.method} · ${row.status}${row.best === null ? "" : ` · best ${lossText(row.best)}`}` : "deleted";
    const how = !row?.origin ? "" : row.origin.how === "branched" ? `from step ${row.origin.step}: ` : "tuned on: ";
    const label = row ? make("button", { type: "button", className: "history-name", on: { click: () => openFromTree(name) } }, titleOf(row)) : make("span", {}, name);
    const under = seen.has(name) ? [] : children.get(name) || [];
    const list = under.length ? make("ul", {}, ...under.map((child) => item(child.run, child, new Set([...seen, name])))) : null;
    return make("li", {}, make("small", {}, how), label, make("small", {}, ` ${about}`), list);
  };
  const roots = [...children.keys()].filter((name) => !state.rows.get(name)?.origin);
  lineageBox.replaceChildren(make("h3", {}, "Which run came from which"),
    roots.length ? make("ul", {}, ...roots.map((name) => item(name, state.rows.get(name), new Set())))
      : make("p", {}, "No run came from another one yet. Branch from a checkpoint in the Run tab, or tune on from a result here."));
};

const openFromTree = (name) => {
  if (!shown().some((row) => row.run === name)) {
    Object.assign(filters, { text: "", status: "", tag: "", archived: true });
    Object.assign(search, { value: "" });
    Object.assign(archivedBox, { checked: true });
    [statusChoice.value, tagChoice.value] = ["", ""];
  }
  state.open = name;
  draw();
  lines.get(name)?.line.scrollIntoView({ block: "center" });
};

/* curves over one another, and in what the recipes differ */

const overlay = { answer: null, axis: "step", log: false };

const compare = async () => {
  const names = shown().map((row) => row.run).filter((name) => state.chosen.has(name));
  const asked = [...new Set([...names, ...state.chosen])].map((name) => `run=${encodeURIComponent(name)}`).join("&");
  const answer = await fetch(`${HERE}history/curves?${asked}`, { cache: "no-store" }).then((response) => response.json()).catch(() => ({ error: "The studio does not answer. Try again." }));
  if (answer.error) return tell(answer.error, true);
  overlay.answer = answer;
  overlayBox.hidden = false;
  drawOverlay();
  overlayBox.scrollIntoView({ block: "nearest" });
};

const swatch = (at) => {
  const made = make("i", { className: "history-swatch", "aria-hidden": "true" });
  made.style.background = COLOURS[at];
  return made;
};

const nameOf = (name) => (state.rows.has(name) ? titleOf(state.rows.get(name)) : name);
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); // plotly reads some markup

const drawOverlay = () => {
  const plot = make("div", { className: "history-plot", role: "img", "aria-label": "Loss curves of the chosen runs" });
  const axis = make("div", { className: "history-axis", role: "group", "aria-label": "Over what" },
    ...Object.entries(AXES).map(([key, label]) => {
      const radio = make("input", { type: "radio", name: "history-axis", checked: overlay.axis === key, on: { change: () => { overlay.axis = key; drawPlot(plot); } } });
      return make("label", { className: "history-check" }, radio, label);
    }));
  const log = make("input", { type: "checkbox", checked: overlay.log, on: { change: () => { overlay.log = log.checked; drawPlot(plot); } } });
  axis.append(make("label", { className: "history-check" }, log, "log axis"), button("Close", () => { overlayBox.hidden = true; }, "quiet"));
  overlayBox.replaceChildren(make("h3", {}, "Curves over one another"), axis, make("div", { className: "history-beside" }, plot, differenceTable()));
  drawPlot(plot);
};

const differenceTable = () => {
  const { runs, differences, wrong } = overlay.answer;
  const value = (each) => {
    if (each === null) return "–";
    if (typeof each === "boolean") return each ? "yes" : "no";
    if (typeof each === "object") return Array.isArray(each) && !each.length ? "none" : JSON.stringify(each);
    return each === "" ? "empty" : String(each);
  };
  if (wrong) return make("p", {}, wrong);
  if (!differences.length) return make("p", {}, "These runs have the same recipe.");
  return make("div", { className: "history-differences" }, make("h4", {}, "Where the recipes differ"), make("table", {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Option"), ...runs.map(({ run }, at) => make("th", { scope: "col" }, swatch(at), nameOf(run))))),
    make("tbody", {}, ...differences.map(({ key, label, values }) => make("tr", {},
      make("th", { scope: "row" }, label, make("small", {}, key)), ...values.map((each) => make("td", {}, value(each))))))));
};

const drawPlot = async (plot) => {
  const plotly = await window.atelier.fetchPlotly();
  const style = getComputedStyle(frame), font = { color: style.color, family: style.fontFamily, size: 12 };
  const grid = { gridcolor: "rgba(128,128,128,.18)", zeroline: false };
  const traces = overlay.answer.runs.flatMap(({ run, train, held_out }, at) => [
    { x: train[overlay.axis], y: train.loss, mode: "lines", name: plain(nameOf(run)), legendgroup: run, line: { color: COLOURS[at], width: 2 }, hovertemplate: "%{y:.4g}" },
    { x: held_out[overlay.axis], y: held_out.loss, mode: held_out.loss.length > FEW ? "lines" : "lines+markers", name: `${plain(nameOf(run))}, held-out`, legendgroup: run, showlegend: false,
      line: { color: COLOURS[at], width: 1.5, dash: "dot" }, marker: { size: 7, symbol: "diamond" }, hovertemplate: "%{y:.4g}" },
  ]);
  const layout = {
    height: 380, autosize: true, margin: { l: 52, r: 12, t: 12, b: 44 }, font, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: { title: { text: AXES[overlay.axis] }, rangemode: "tozero", ...grid }, yaxis: { title: { text: "Loss" }, type: overlay.log ? "log" : "linear", ...grid },
    legend: { orientation: "h", y: -0.2 }, hovermode: "closest", uirevision: overlay.axis,
    dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
  await plotly.react(plot, traces, layout, { displaylogo: false, displayModeBar: false, responsive: true });
};

/* looking at the runs */

let looking = null;

const look = () => {
  looking ??= ask().finally(() => { looking = null; });
  return looking;
};

const ask = async () => {
  let more = true;
  while (more) {
    const answer = await fetch(`${HERE}history?since=${state.now}`, { cache: "no-store" }).then((response) => response.json());
    if (answer.error) return tell(answer.error, true);
    state.now = answer.now;
    more = answer.more;
    for (const row of answer.rows) state.rows.set(row.run, row);
    if (answer.names) {
      state.names = answer.names;
      const there = new Set(answer.names);
      for (const name of [...state.rows.keys()]) if (!there.has(name)) { state.rows.delete(name); lines.delete(name); }
    }
    if (answer.rows.length || answer.names) draw();
  }
};

const watchRuns = async () => {
  if (frame.getClientRects().length && !document.hidden) await look().catch(() => tell("The studio does not answer; trying again.", true));
  if (element.isConnected || !state.now) setTimeout(watchRuns, EACH);
};

draw();
watchRuns();
