/* The scores of an evaluation: what they say in a sentence, then each metric with everybody's figure and interval. */

import { button, make } from "../../compare/assets/make.js";
import { confusionTable } from "./confusion.js";
import { dots } from "./plot.js";

const FAMILIES = {
  match: "Same as the reference",
  classes: "Classes",
  json: "JSON",
  number: "Numbers",
  words: "Words in common with the reference",
  loss: "How likely the reference is to the model",
  manner: "Manner: length, repetition, refusals",
  rules: "Your rules",
  judge: "The judge",
  own: "Your own metric",
};
const GOOD = { higher: "Higher is better.", lower: "Lower is better.", neither: "Neither high nor low is better by itself." };

export const what = (title, text) =>
  make("details", { className: "evaluate-what" },
    make("summary", {}, "What is this?", make("span", { className: "compare-hidden" }, ` ${title}`)),
    make("p", {}, text));

const metricNode = (metric, shown, main) =>
  make("section", { className: `evaluate-metric${main ? " evaluate-main" : ""}`, data: { metric: metric.name }, "aria-label": metric.title },
    make("div", { className: "evaluate-metric-head" }, make("h4", {}, metric.title), make("span", { className: "evaluate-quiet" }, GOOD[metric.better]), what(metric.title, metric.help)),
    dots({ ...metric, against: shown.scores.against, contestants: shown.contestants, colours: shown.colours }));

const list = (items) => make("ul", {}, ...items.map((each) => make("li", {}, each)));

/* `open`: names of families that are unfolded, kept between drawings. */
export const scoresNode = (shown, open, keep) => {
  const { scores } = shown;
  const main = scores.metrics.find(({ name }) => name === scores.main) ?? scores.metrics[0];
  const rest = scores.metrics.filter((each) => each !== main);
  const order = [...new Set([main?.family, ...Object.keys(FAMILIES), ...rest.map(({ family }) => family)])].filter(Boolean);
  const families = order.map((family) => [family, rest.filter((each) => each.family === family)]).filter(([family, found]) => found.length || (family === "classes" && confusions(scores)));
  return [
    main ? metricNode(main, shown, true) : make("p", { className: "evaluate-quiet" }, "No metric could be computed over these rows."),
    ...families.map(([family, found]) => {
      const title = FAMILIES[family] ?? family;
      const fold = make("details", { className: "evaluate-family", open: open.includes(family), on: { toggle: () => keep(family, fold.open) } },
        make("summary", {}, `${title}`, make("small", {}, found.map((each) => each.title).join(", "))),
        ...found.map((metric) => metricNode(metric, shown, false)),
        family === "classes" && confusions(scores) ? confusionTable(shown) : null);
      return fold;
    }),
    scores.why.length ? make("details", { className: "evaluate-family" }, make("summary", {}, "Why these metrics"), list(scores.why)) : null,
  ];
};

const confusions = (scores) => Object.keys(scores.confusion ?? {}).length > 0;

/* What stands over all views of an evaluation. */
export const headNode = (shown, goTo) => {
  const { scores, skipped, notes } = shown;
  const some = (rows) => `${rows.slice(0, 12).join(", ")}${rows.length > 12 ? " …" : ""}`;
  const n = `n = ${scores.n.toLocaleString("en")}${shown.rows_are ? `: ${shown.rows_are}` : ""}`;
  return make("header", { className: "evaluate-head" },
    make("h3", { tabIndex: -1 }, scores.headline),
    make("p", { className: "evaluate-quiet" }, `${n}. Lines are 95 % intervals; figures have no more digits than the rows can carry.`),
    skipped.length ? make("p", { className: "evaluate-quiet" }, `Left out of every figure, for their prompts are longer than a model holds: ${skipped.length === 1 ? "row" : "rows"} ${some(skipped)}.`) : null,
    ...notes.map((note) => make("p", { className: "evaluate-quiet" }, note)),
    shown.kind === "baseline" ? needNode(shown, goTo) : null);
};

const WELL = 0.8, BADLY = 0.5; // shares of the main metric

/* Whether tuning is needed, as far as the figures say: by the ends of their intervals, not by the figures alone. */
const needWords = ({ scores, contestants }) => {
  const main = scores.metrics.find(({ name }) => name === scores.main);
  const found = contestants.filter(({ name }) => main?.figures[name]).map((each) => ({ ...each, figure: main.figures[each.name] }));
  const open = "Look at the answers. If they are good enough for you, you may not need to tune; if not, these are the figures that a tuned model has to beat.";
  if (!found.length || main.unit !== "share" || main.better !== "higher") return open;
  const well = found.find(({ figure }) => figure.low >= WELL);
  if (well) return `${well.label} already does well: ${main.title} ${well.figure.text}. You may not need to tune${well.name === "few-shot" ? ": put the examples into the prompt" : ""}. Look at the answers first.`;
  if (found.every(({ figure }) => figure.high < BADLY)) return `${found.length > 1 ? "Neither does" : "It does not do"} this well yet, so there is something for tuning to teach. These are the figures that a tuned model has to beat.`;
  return open;
};

const needNode = (shown, goTo) =>
  make("p", { className: "evaluate-note" }, needWords(shown), " ", button("Look at its answers", () => goTo("rows"), { look: "quiet" }));
