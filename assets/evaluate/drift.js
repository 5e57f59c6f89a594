/* Whether new rows are what the run was trained on: each comparison in words, with both distributions drawn. */

import { make } from "../../compare/assets/make.js";
import { svg, swatch } from "./plot.js";
import { what } from "./scores.js";

const KNOWN = "#7c7f87", NEW = "#3b82d6";
const VERDICTS = { moved: ["▲", "changed"], "not moved": ["=", "as in training"], "cannot tell": ["≈", "cannot tell"] };
const AGAIN = { yes: "Tune again.", no: "No need to tune again.", "cannot tell": "Cannot tell." };
const HEIGHT = 90, WIDTH = 100;

const said = (number) => number.toLocaleString("en", { maximumSignificantDigits: 3 });

/* Both distributions over the same bins, each as a share of its own rows, so that a small file is seen as well. */
const bars = (comparison) => {
  const { edges, names, known, new: fresh } = comparison.histogram;
  const share = (counts) => { const all = counts.reduce((sum, each) => sum + each, 0) || 1; return counts.map((count) => count / all); };
  const [there, here] = [share(known), share(fresh)], most = Math.max(...there, ...here, 1e-9), wide = WIDTH / Math.max(1, there.length);
  const bin = (at) => (names.length ? names[at] : `${said(edges[at])} to ${said(edges[at + 1])}`);
  const percent = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
  const bar = (part, at, offset, colour) => {
    const height = (part / most) * HEIGHT;
    return svg("rect", { x: at * wide + offset, y: HEIGHT - height, width: wide * 0.42, height, fill: colour });
  };
  const columns = there.map((part, at) => svg("g", {}, svg("title", {}, `${bin(at)}: trained on ${percent(part)}, new ${percent(here[at])}`),
    svg("rect", { x: at * wide, y: 0, width: wide, height: HEIGHT, fill: "transparent" }), bar(part, at, wide * 0.06, KNOWN), bar(here[at], at, wide * 0.52, NEW)));
  const chart = svg("svg", { class: "evaluate-histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${comparison.title}: ${comparison.words}` }, ...columns);
  const below = names.length
    ? make("ol", { className: "evaluate-words" }, ...names.map((name, at) => make("li", {}, name, make("small", {}, ` ${percent(there[at])} → ${percent(here[at])}`))))
    : make("p", { className: "evaluate-ends", "aria-hidden": "true" }, make("span", {}, said(edges[0] ?? 0)), make("span", {}, comparison.unit), make("span", {}, `${said(edges.at(-1) ?? 0)} and more`));
  return names.length ? below : make("div", {}, chart, below);
};

const comparisonNode = (comparison) => {
  const [sign, words] = VERDICTS[comparison.verdict] ?? ["", comparison.verdict];
  const { statistic } = comparison;
  const chance = statistic.chance === null ? "" : ` Rows shuffled together and parted by chance usually show ${said(statistic.chance)}, and at most ${said(statistic.chance_high)} in 99 of 100.`;
  return make("section", { className: "evaluate-metric", "aria-label": comparison.title },
    make("div", { className: "evaluate-metric-head" }, make("h4", {}, comparison.title),
      make("span", { className: "evaluate-verdict", data: { verdict: comparison.verdict } }, make("i", { "aria-hidden": "true" }, sign), words),
      what(comparison.title, `${statistic.name}: ${said(statistic.value)} (${statistic.source}).${chance}`)),
    make("p", {}, comparison.words), bars(comparison));
};

export const driftNode = (shown) => {
  const { drift } = shown;
  const [first, ...more] = drift.advice;
  return [
    make("header", { className: "evaluate-head" },
      make("h3", { tabIndex: -1 }, first ?? AGAIN[drift.again]),
      ...more.map((line) => make("p", {}, line)),
      make("p", { className: "evaluate-quiet" }, `${drift.new_rows.toLocaleString("en")} new rows${shown.title ? ` (${shown.title})` : ""} beside what ${drift.run} was trained on; ${drift.known_rows.toLocaleString("en")} known rows were read for the loss. Intervals are 95 %.`),
      ...drift.notes.map((note) => make("p", { className: "evaluate-note" }, note)),
      make("p", { className: "evaluate-key-colours" }, swatch(KNOWN), "trained on", swatch(NEW), "new")),
    ...drift.comparisons.map(comparisonNode),
  ];
};
