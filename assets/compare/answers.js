/* One answer as it is seen: its tokens, how sure the model was of each, and where it differs from another pane's. */

import { make, percent, seen } from "./make.js";

const MOST_TOLD = 6; // other tokens that the tip names

/* Stretches of `text`: [from, to, number of the token or -1], whole and in order. */
const tokens = (text, pieces) => {
  const found = [];
  let at = 0;
  pieces.forEach(([piece], number) => {
    if (piece) found.push([at, at + piece.length, number]);
    at += piece.length;
  });
  return pieces.map(([piece]) => piece).join("") === text ? found : [[0, text.length, -1]];
};

const token = (text, number, piece) => {
  const made = make("span", { className: "compare-token", data: { token: number } }, text);
  made.style.setProperty("--doubt", (1 - piece[1]).toFixed(3));
  return made;
};

/* More was said: the new tokens come to what is drawn. */
export const grow = (node, pieces, from) => {
  const made = document.createDocumentFragment();
  for (let at = from; at < pieces.length; at += 1) if (pieces[at][0]) made.append(token(pieces[at][0], at, pieces[at]));
  node.append(made);
};

/* Draw the whole answer. `marks` are the stretches [from, to] that another pane's answer does not have, `parting` is
   the number of the token at which they part ways (-1: none). */
export const drawAnswer = (node, { text, pieces }, marks = [], parting = -1) => {
  const made = document.createDocumentFragment();
  let mark = 0;
  for (const [from, to, number] of tokens(text, pieces)) {
    for (let at = from; at < to;) {
      while (mark < marks.length && marks[mark][1] <= at) mark += 1;
      const [start, end] = marks[mark] ?? [Infinity, Infinity];
      const differs = start <= at;
      const until = Math.min(to, differs ? end : start);
      const span = number < 0 ? make("span", {}, text.slice(at, until)) : token(text.slice(at, until), number, pieces[number]);
      span.classList.toggle("compare-differs", differs);
      span.classList.toggle("compare-parts", number === parting && parting >= 0);
      made.append(span);
      at = until;
    }
  }
  node.replaceChildren(made);
};

/* Where a text differs: the stretches of `side` ("first" or "other") in a difference's words. */
export const marksOf = (words, side) => {
  const marks = [];
  let at = 0;
  for (const [where, text] of words) {
    if (where !== "both" && where !== side) continue;
    if (where === side) marks.push([at, at + text.length]);
    at += text.length;
  }
  return marks;
};

/* Where the models part ways, in a sentence. */
const partingText = ({ panes, parting }, titleOf) => {
  const [first, other] = panes.map(titleOf);
  const given = (chance, model) => (!chance ? "" : `${model} gives it ${chance.under && chance.p >= 0.001 ? "at most " : ""}${percent(chance.p)}`);
  const goes = (model, own, rest, text) => {
    const said = [own ? percent(own.p) : "", rest].filter(Boolean).join("; ");
    return `${model} goes on with ${seen(text)}${said ? ` (${said})` : ""}`;
  };
  const [[ownFirst, firstOfOther], [otherOfFirst, ownOther]] = parting.p;
  const where = parting.after === 0 ? "from the first token" : `at token ${parting.after + 1}, after ${seen(parting.shared.slice(-40))}`;
  return `${first} and ${other} part ways ${where}: ${goes(first, ownFirst, given(otherOfFirst, other), parting.tokens[0])}, ` +
    `${goes(other, ownOther, given(firstOfOther, first), parting.tokens[1])}.`;
};

/* How the other panes differ from the first, a line each; those with the same reason for having no such place share one. */
export const differenceLines = (found, titleOf) => {
  const same = ({ words }) => words.every(([side]) => side === "both");
  const alike = found.filter(same), differing = found.filter((each) => !same(each));
  const reasons = [...new Set(differing.filter(({ parting }) => !parting).map(({ why_none }) => why_none))];
  const named = (some) => [titleOf(some[0].panes[0]), ...some.map(({ panes }) => titleOf(panes[1]))].join(", ").replace(/, ([^,]*)$/, " and $1");
  return [
    ...differing.filter(({ parting }) => parting).map((each) => partingText(each, titleOf)),
    ...reasons.map((why) => `${named(differing.filter(({ why_none }) => why_none === why))}: ${why}`),
    ...(alike.length ? [`${named(alike)} say the same.`] : []),
  ];
};

/* The tip over a token: its probability and what else was likely. `pieceAt(span)` finds the token's piece. */
export const tipOver = (frame, pieceAt) => {
  const tip = make("div", { className: "compare-tip", role: "status", hidden: true });
  frame.append(tip);
  const hide = () => { tip.hidden = true; };
  const show = (span) => {
    const piece = pieceAt(span);
    if (!piece) return hide();
    const [text, p, others = []] = piece;
    const line = (label, share, own) => make("li", { className: own ? "compare-own" : null },
      make("span", {}, seen(label)), make("i", { style: { width: `${Math.max(1, 100 * share)}%` }, "aria-hidden": "true" }), make("b", {}, percent(share)));
    tip.replaceChildren(make("p", {}, "What could have come here"), make("ul", {}, line(text, p, true), ...others.slice(0, MOST_TOLD).map(([other, share]) => line(other, share, false))));
    tip.hidden = false;
    const at = span.getClientRects()[0] ?? span.getBoundingClientRect(), box = frame.getBoundingClientRect();
    const left = Math.min(Math.max(0, at.left - box.left), box.width - tip.offsetWidth);
    const above = at.top - tip.offsetHeight - 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${(above > 0 ? above : at.bottom + 6) - box.top}px`;
  };
  const of = (event) => event.target.closest?.(".compare-token");
  frame.addEventListener("pointerover", (event) => (of(event) ? show(of(event)) : tip.contains(event.target) || hide()));
  frame.addEventListener("pointerleave", hide);
  frame.addEventListener("focusout", hide);
  frame.addEventListener("keydown", (event) => {
    const answer = event.target.closest?.(".compare-said");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!answer || !step) return;
    const spans = [...answer.querySelectorAll(".compare-token")];
    if (!spans.length) return;
    const before = spans.findIndex((span) => span.classList.contains("compare-at"));
    const now = spans[Math.min(spans.length - 1, Math.max(0, before + step))];
    spans[before]?.classList.remove("compare-at");
    now.classList.add("compare-at");
    event.preventDefault();
    show(now);
  });
};
