/* Figures with their intervals as dots on a line, drawn as SVG in the theme's colours, each with its text. */

import { make } from "../../compare/assets/make.js";

const SVG = "http://www.w3.org/2000/svg";
const FIXED = { base: "#7c7f87", tuned: "#1d9a7a", "few-shot": "#d9700f" };
const FREE = ["#3b82d6", "#a855c7", "#d33f49", "#8a6d1d", "#0e8fa8", "#c2477f", "#5b6bd5", "#6b8e23"];
export const MARKS = { better: "▲", worse: "▼", "cannot tell": "≈" };

/* A colour for each contestant, by name: the same in all plots of an evaluation. */
export const coloursOf = (contestants) => {
  const free = contestants.map(({ name }) => name).filter((name) => !(name in FIXED));
  return Object.fromEntries(contestants.map(({ name }) => [name, FIXED[name] ?? FREE[free.indexOf(name) % FREE.length]]));
};

export const svg = (tag, options = {}, ...children) => {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(options)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const round = (value, step) => Number((Math.round(value / step) * step).toPrecision(12));

/* Where a plot of these figures begins and ends: shares from nothing to all, others at round numbers around them. */
export const rangeOf = (unit, figures) => {
  if (unit === "share") return { low: 0, high: 1, words: ["0 %", "50 %", "100 %"] };
  const ends = figures.flatMap(({ low, high, value }) => [low, high, value]).filter(Number.isFinite);
  if (!ends.length) return { low: 0, high: 1, words: [] };
  const least = Math.min(...ends), most = Math.max(...ends);
  const step = 10 ** Math.floor(Math.log10(Math.max(most - least, Math.abs(most) / 10, 1e-6)));
  const from = Math.max(0, Math.floor(least / step - 0.25) * step), to = Math.ceil(most / step + 0.25) * step;
  const low = least < 0 ? Math.floor(least / step - 0.25) * step : from;
  return { low: round(low, step), high: round(to, step), words: [round(low, step), round(to, step)].map((end) => end.toLocaleString("en", { maximumFractionDigits: 6 })) };
};

/* The ends of a figure's interval, with as many digits as the figure itself is said with. */
const intervalWords = (figure, unit) => {
  const decimals = Math.min(4, (figure.text.match(/[.](\d+)/)?.[1] ?? "").length);
  const said = (end) => (unit === "share" ? 100 * end : end).toFixed(decimals).replace("-", "−");
  return `95 % interval ${said(figure.low)} to ${said(figure.high)}${unit === "share" ? " %" : ""}`;
};

const at = (value, { low, high }) => `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low || 1)))).toFixed(2)}%`;

/* One figure as a dot on its interval; `beside` is the figure that it is compared with, drawn as a faint line. */
export const dot = (figure, range, colour, words, beside = null) => {
  const line = (x1, x2, y1, y2, options) => svg("line", { x1, x2, y1, y2, ...options });
  const from = at(figure.low, range), to = at(figure.high, range);
  return svg("svg", { class: "evaluate-track", role: "img", "aria-label": words, height: 18, width: "100%" },
    svg("title", {}, words),
    line("0%", "100%", 9, 9, { stroke: "currentColor", "stroke-opacity": 0.18 }),
    ...(beside ? [line(at(beside.value, range), at(beside.value, range), 0, 18, { stroke: "currentColor", "stroke-opacity": 0.45, "stroke-dasharray": "2 2" })] : []),
    line(from, to, 9, 9, { stroke: colour, "stroke-width": 4, "stroke-opacity": 0.45 }),
    line(from, from, 5, 13, { stroke: colour, "stroke-width": 1.5 }),
    line(to, to, 5, 13, { stroke: colour, "stroke-width": 1.5 }),
    svg("circle", { cx: at(figure.value, range), cy: 9, r: 5, fill: colour }));
};

export const swatch = (colour) => make("i", { className: "evaluate-swatch", "aria-hidden": "true", style: { "--colour": colour } });

/* A verdict with its sentence, told by sign and words and not by colour alone. */
export const verdict = ({ verdict: told, words }) => {
  const sign = told === "cannot tell" && !words.startsWith(told) ? "" : MARKS[told]; // neither more nor less is better
  return make("span", { className: "evaluate-verdict", data: { verdict: told } }, sign ? make("i", { "aria-hidden": "true" }, sign) : null, words);
};

/* All contestants of a metric (or of a slice), one under the other on one scale. */
export const dots = ({ title, unit, figures, differences, against, contestants, colours, range = null }) => {
  const here = contestants.filter(({ name }) => figures[name]);
  const scale = range ?? rangeOf(unit, here.map(({ name }) => figures[name]));
  const lines = here.map(({ name, label }) => {
    const figure = figures[name], difference = differences[name];
    const words = `${title}, ${label}: ${figure.text}, ${intervalWords(figure, unit)}`;
    return make("div", { className: "evaluate-dots-line" },
      make("span", { className: "evaluate-who" }, swatch(colours[name]), label),
      make("span", { className: "evaluate-plot" }, dot(figure, scale, colours[name], words, name === against ? null : figures[against])),
      make("b", { className: "evaluate-figure" }, figure.text),
      difference ? verdict(difference) : make("span", { className: "evaluate-quiet" }, name === against ? "what the others are held against" : ""));
  });
  const axis = make("div", { className: "evaluate-dots-line evaluate-axis", "aria-hidden": "true" }, make("span"),
    make("span", { className: "evaluate-plot" }, ...scale.words.map((words) => make("span", {}, words))));
  return make("div", { className: "evaluate-dots" }, ...lines, axis);
};
