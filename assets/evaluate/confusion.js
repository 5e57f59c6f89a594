/* Which class the rows of each class were given, as a heat map: a table whose cells are shaded by their share of the line. */

import { labelled, make } from "../../compare/assets/make.js";

const OTHER = "anything else";

export const confusionTable = (shown) => {
  const { confusion } = shown.scores, names = shown.contestants.filter(({ name }) => confusion[name]);
  const usual = names.find(({ name }) => name === "tuned") ?? names[0];
  const place = make("div", { className: "evaluate-scroll", tabIndex: 0, role: "region", "aria-label": "Confusion matrix" });
  const whose = make("select", { on: { change: () => draw() } }, ...names.map(({ name, label }) => new Option(label, name, false, name === usual.name)));
  const draw = () => {
    const { labels, counts } = confusion[whose.value];
    const columns = counts[0]?.length > labels.length ? [...labels, OTHER] : labels;
    const line = (label, row) => {
      const all = row.reduce((sum, each) => sum + each, 0);
      return make("tr", {}, make("th", { scope: "row" }, label), ...row.map((count, column) => {
        const share = all ? count / all : 0;
        const right = columns[column] === label;
        return make("td", { className: `${right ? "evaluate-right" : ""}${share > 0.6 ? " evaluate-dark" : ""}`, style: { "--share": share.toFixed(3) }, title: `${count} of ${all} rows of “${label}” were answered “${columns[column]}”` }, String(count));
      }), make("td", { className: "evaluate-sum" }, String(all)));
    };
    place.replaceChildren(make("table", { className: "evaluate-confusion" },
      make("caption", {}, "Lines: the class of the reference. Columns: the class that was answered. A cell is the number of rows; the diagonal is right."),
      make("thead", {}, make("tr", {}, make("td"), ...columns.map((label) => make("th", { scope: "col" }, label)), make("th", { scope: "col" }, "rows"))),
      make("tbody", {}, ...labels.map((label, number) => line(label, counts[number] ?? [])))));
  };
  draw();
  return make("section", { className: "evaluate-metric", "aria-label": "Confusion matrix" },
    make("div", { className: "evaluate-metric-head" }, make("h4", {}, "Confusion matrix")), labelled("Whose answers", whose), place);
};
