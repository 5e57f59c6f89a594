/* The rows of an evaluation, a page at a time: sorted by change, narrowed down, each opened to see who said what. */

import { get } from "./studio.js";
import { button, labelled, make } from "../../compare/assets/make.js";
import { MARKS, swatch } from "./plot.js";

const SHOWS = [
  ["all", "all rows"],
  ["worst", "the worst answers"],
  ["improved", "most improved"],
  ["worsened", "what got worse"],
  ["broken", "newly broken: right before, wrong now"],
  ["mended", "newly right: wrong before, right now"],
];
const NONE = {
  improved: "No row improved by this metric.", worsened: "No row got worse by this metric.",
  broken: "No row was broken: where the other was right, this one is too.", mended: "No row became right.",
};
const TYPING = 300; // ms

/* `view`: what is looked at, kept by the room. `save()` keeps it. */
export const rowsView = ({ shown, view, save, tell, within, clearWithin }) => {
  const labels = Object.fromEntries(shown.contestants.map(({ name, label }) => [name, label]));
  const metrics = shown.scores.metrics.filter(({ per_row }) => per_row);
  const others = shown.contestants.filter(({ name }) => name !== shown.scores.against);
  const opened = new Set();
  let asked = 0;

  const change = (more) => {
    Object.assign(view, { page: 0 }, more);
    save();
    look();
  };
  const pick = (key, options, value) => {
    const select = make("select", { on: { change: () => change({ [key]: select.value, ...(key === "show" ? { order: null } : {}) }) } }, ...options.map(([name, label]) => new Option(label, name, false, name === value)));
    return select;
  };
  const show = pick("show", SHOWS, view.show);
  const metric = pick("metric", metrics.map(({ name, title }) => [name, title]), view.metric || shown.scores.main);
  const whose = pick("whose", others.map(({ name, label }) => [name, label]), view.whose || (others.some(({ name }) => name === "tuned") ? "tuned" : others[0]?.name));
  const search = make("input", { type: "search", value: view.search, maxLength: 1000, placeholder: "text, or #12 for row 12" });
  let typing = 0;
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => change({ search: search.value }), TYPING); });
  const marked = make("input", { type: "checkbox", checked: view.marked ?? true, on: { change: () => { view.marked = marked.checked; save(); table.classList.toggle("evaluate-plain", !view.marked); } } });
  const count = make("p", { className: "evaluate-quiet", role: "status" });
  const table = make("table", { className: "evaluate-rows" });
  table.classList.toggle("evaluate-plain", view.marked === false);
  const pager = make("div", { className: "evaluate-bar evaluate-pager" });
  const narrowed = within ? make("p", { className: "evaluate-note" }, `Only rows of the slice “${within.name}”. `, button("Show all rows", clearWithin, { look: "quiet" })) : null;
  const node = make("section", { "aria-label": "Rows" },
    make("div", { className: "evaluate-bar" }, labelled("Show", show), labelled("By", metric), others.length > 1 ? labelled("Of", whose) : null, labelled("Find", search),
      make("label", { className: "compare-check", title: "Marks what the answer says otherwise than the reference." }, marked, "Mark differences")),
    narrowed, count, table, pager);

  const arrow = (key) => (view.order === key ? (view.down ? "descending" : "ascending") : "none");
  const head = (key, text) => make("th", { scope: "col", "aria-sort": arrow(key), className: key === "row" ? null : "evaluate-number" },
    make("button", { type: "button", title: `Sort by ${text}`, on: { click: () => change({ order: key, down: view.order === key ? !view.down : key !== "row" }) } }, text, make("i", { "aria-hidden": "true" }, { ascending: " ▲", descending: " ▼", none: "" }[arrow(key)])));

  const draw = (found) => {
    const focused = document.activeElement?.textContent, inHead = table.tHead?.contains(document.activeElement);
    const against = labels[found.against] ?? found.against, own = labels[found.whose] ?? found.whose;
    const few = found.found === found.of ? `${found.of.toLocaleString("en")} rows` : `${found.found.toLocaleString("en")} of ${found.of.toLocaleString("en")} rows`;
    count.textContent = found.why_none || (found.found ? few : view.search ? "No row holds this text." : NONE[view.show] ?? "No rows.");
    if (found.metric && metrics.some(({ name }) => name === found.metric)) metric.value = found.metric;
    if (found.whose && others.some(({ name }) => name === found.whose)) whose.value = found.whose;
    const compared = found.whose && found.whose !== found.against;
    const columns = [head("row", "Row"), make("th", { scope: "col" }, "Prompt"), ...(found.metric ? [head("against", against), ...(compared ? [head("value", own), head("change", "Change")] : [])] : [])];
    const body = make("tbody");
    for (const row of found.rows) body.append(...lineNodes(row, columns.length, { against, own, compared, valued: Boolean(found.metric) }));
    table.replaceChildren(make("thead", {}, make("tr", {}, ...columns)), body);
    table.hidden = !found.rows.length;
    if (inHead) [...table.tHead.querySelectorAll("button")].find((each) => each.textContent.slice(0, 4) === focused.slice(0, 4))?.focus();
    const go = (step) => { view.page = found.page + step; save(); look(); node.scrollIntoView({ block: "start" }); };
    pager.hidden = found.pages < 2;
    pager.replaceChildren(
      button("‹ Earlier", () => go(-1), { disabled: found.page === 0 }),
      make("span", { className: "evaluate-quiet" }, `Page ${found.page + 1} of ${found.pages.toLocaleString("en")}`),
      button("Later ›", () => go(1), { disabled: found.page + 1 >= found.pages }));
  };

  const lineNodes = (row, columns, { against, own, compared, valued }) => {
    const detail = make("tr", { className: "evaluate-detail", hidden: true }, make("td", { colSpan: columns }));
    const opener = make("button", { type: "button", className: "evaluate-opener", "aria-expanded": "false", "aria-label": `Row ${row.row}: open` }, make("i", { "aria-hidden": "true" }), String(row.row));
    const toggle = async (open) => {
      detail.hidden = !open;
      opener.setAttribute("aria-expanded", String(open));
      if (!open) return opened.delete(row.place);
      opened.add(row.place);
      if (detail.firstChild.childElementCount) return;
      const found = await get(`evaluate/${encodeURIComponent(shown.id)}/rows/${row.place}`);
      if (found.error) { tell(found.error, true); return toggle(false); }
      detail.firstChild.replaceChildren(rowNode(found));
    };
    opener.addEventListener("click", () => toggle(detail.hidden));
    const number = (label, text, more = {}) => make("td", { className: "evaluate-number", data: { label }, ...more }, text);
    const turn = row.turned ? make("i", { "aria-hidden": "true" }, ` ${MARKS[row.turned]}`) : null;
    const line = make("tr", { data: { turned: row.turned ?? "" } },
      make("td", { data: { label: "Row" } }, opener),
      make("td", { className: "evaluate-glimpse" }, make("p", { dir: "auto" }, row.prompt || "(plain text)"), make("small", { dir: "auto" }, `Reference: ${row.reference}`)),
      ...(valued ? [number(against, row.against), ...(compared ? [number(own, row.value), make("td", { className: "evaluate-number evaluate-change", data: { label: "Change", verdict: row.turned } }, row.change, turn)] : [])] : []));
    if (opened.has(row.place)) toggle(true);
    return [line, detail];
  };

  const rowNode = (row) => {
    const about = Object.entries(row.about).map(([name, text]) => `${name}: ${text}`).join(" · ");
    const more = ({ more: left }) => (left ? make("small", {}, `… and ${left.toLocaleString("en")} characters more`) : null);
    const text = (title, told) => make("div", { className: "evaluate-said" }, make("h5", {}, title), make("p", { dir: "auto" }, told.text || "(nothing)"), more(told));
    return make("div", { className: "evaluate-row" },
      make("p", { className: "evaluate-quiet" }, [`Row ${row.row} of ${shown.file || "the file"}`, about].filter(Boolean).join(" · ")),
      text("Prompt", row.prompt), text("Reference", row.reference),
      ...row.answers.map((answer) => answerNode(answer, more)),
      make("p", { className: "evaluate-quiet evaluate-key" }, make("ins", {}, "said, but not in the reference"), " ", make("del", {}, "in the reference, but not said")));
  };

  const answerNode = (answer, more) => {
    const title = make("h5", {}, swatch(shown.colours[answer.name]), labels[answer.name] ?? answer.name);
    const values = make("p", { className: "evaluate-quiet" }, answer.values.map((value) => `${value.title} ${value.text}`).join(" · "));
    if (answer.text === null) return make("div", { className: "evaluate-said" }, title, values);
    const parts = answer.parts.map(([side, part]) => make({ both: "span", first: "ins", other: "del" }[side], {}, part));
    return make("div", { className: "evaluate-said" }, title,
      make("p", { className: "evaluate-marked", dir: "auto" }, ...(parts.length ? parts : ["(nothing)"])),
      make("p", { className: "evaluate-unmarked", dir: "auto" }, answer.text || "(nothing)"), more(answer),
      answer.whole ? null : make("small", {}, "Too long to be compared to the end."), values);
  };

  const look = async () => {
    const ticket = ++asked;
    const query = new URLSearchParams({ metric: view.metric, whose: view.whose, show: view.show, search: view.search, page: view.page, down: view.down });
    if (view.order) query.set("order", view.order);
    if (within) { query.set("by", within.by); query.set("slice", within.name); }
    const found = await get(`evaluate/${encodeURIComponent(shown.id)}/rows?${query}`);
    if (ticket !== asked) return;
    if (found.error) return tell(found.error, true);
    draw(found);
  };

  look();
  return node;
};

export const newRowsView = () => ({ metric: "", whose: "", show: "all", order: null, down: false, search: "", page: 0, marked: true });
