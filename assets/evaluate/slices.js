/* Scores by part of the rows: does it serve all of them alike? Each part with its interval; a part that differs is marked. */

import { get } from "./studio.js";
import { button, labelled, make } from "../../compare/assets/make.js";
import { dots, rangeOf } from "./plot.js";

const BYS = [
  ["label", "label"],
  ["length", "length of the prompt"],
  ["group", "group column"],
  ["source", "source"],
  ["terms", "named groups of people"],
];
const NONE = {
  label: "The rows have no label column. Name one in the Data tab, under Columns, before you train.",
  group: "The rows have no group column. Name one in the Data tab, under Columns, before you train.",
  source: "All rows are of one source.",
  length: "There are too few rows to part them by length.",
  terms: "No row names one of the groups in the word list.",
};

/* `goTo(by, name)` lists the rows of a slice. */
export const slicesView = ({ shown, view, save, tell, goTo }) => {
  const by = make("select", { on: { change: () => { view.by = by.value; save(); look(); } } }, ...BYS.map(([name, label]) => new Option(label, name, false, name === view.by)));
  const words = make("p", { className: "evaluate-quiet", role: "status" }, "Counting …");
  const place = make("div", { className: "evaluate-slices" });
  let asked = 0;

  const look = async () => {
    const ticket = ++asked;
    place.setAttribute("aria-busy", "true");
    const found = await get(`evaluate/${encodeURIComponent(shown.id)}/slices?by=${encodeURIComponent(by.value)}`);
    if (ticket !== asked) return;
    place.removeAttribute("aria-busy");
    if (found.error) { words.textContent = ""; place.replaceChildren(); return tell(found.error, true); }
    const { slices, metric } = found;
    if (!slices.length && !view.by && by.value === "label") { by.value = "length"; return look(); } // nobody chose yet
    words.textContent = slices.length ? `${metric.title} by ${BYS.find(([name]) => name === by.value)[1]}, with 95 % intervals. ${found.caveats.join(" ")}` : NONE[by.value];
    if (!slices.length) return place.replaceChildren();
    const range = rangeOf(metric.unit, slices.flatMap(({ figures }) => Object.values(figures)));
    place.replaceChildren(...slices.map((slice) => make("section", { className: "evaluate-metric", "aria-label": `Slice ${slice.name}`, data: { flagged: slice.flagged.length ? "yes" : "no" } },
      make("div", { className: "evaluate-metric-head" }, make("h4", {}, slice.name), make("span", { className: "evaluate-quiet" }, `n = ${slice.n.toLocaleString("en")}`),
        button("Its rows", () => goTo(by.value, slice.name), { look: "quiet", "aria-label": `Rows of ${slice.name}` })),
      ...slice.flagged.map((each) => make("p", { className: "evaluate-flag" }, make("i", { "aria-hidden": "true" }, "⚑ "), each)),
      dots({ ...slice, title: `${metric.title}, ${slice.name}`, unit: metric.unit, against: shown.scores.against, contestants: shown.contestants, colours: shown.colours, range }))));
  };

  look();
  return make("section", { "aria-label": "Slices" }, make("div", { className: "evaluate-bar" }, labelled("Part the rows by", by)), words, place);
};
