/* The evaluations there are, each a line: what it is, how far it is, what it says. */

import { button, make } from "../../compare/assets/make.js";

const KINDS = { scores: "Scores", baseline: "Base before training", drift: "New data" };
const WAITING = { waiting: "waits its turn", stopping: "is being cancelled", running: "" };
const OVER = { cancelled: "cancelled", failed: "failed", lost: "broken off", stopped: "stopped", paused: "paused" };

export const kindOf = ({ kind }) => KINDS[kind] ?? kind;

const when = (seconds) => new Date(1000 * seconds).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

const left = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
};

/* How far an evaluation is, with its buttons; the same in the list and where it is opened. */
export const progressNode = (line, { cancel, resume, waits }) => {
  if (line.active) {
    const { what, done, of } = line.progress;
    const words = (line.status === "waiting" && waits()) || WAITING[line.status] || [`${what}${of ? ` ${done.toLocaleString("en")} of ${of.toLocaleString("en")}` : " …"}`, left(line.progress.left)].filter(Boolean).join(", ");
    const name = `${kindOf(line)}: ${words}`;
    const bar = make("progress", { max: 1, "aria-label": name });
    if (of && line.status === "running") bar.value = Math.min(1, done / of);
    else if (line.status === "waiting") bar.value = 0;
    return make("div", { className: "evaluate-progress" }, make("p", {}, words), bar,
      line.status === "stopping" ? null : button("Cancel", () => cancel(line), { look: "quiet", title: "What was answered is kept; it can go on later." }));
  }
  if (line.status === "finished") return null;
  return make("div", { className: "evaluate-progress" },
    make("p", {}, `${OVER[line.status] ?? line.status}${line.progress.of ? ` after ${line.progress.done.toLocaleString("en")} of ${line.progress.of.toLocaleString("en")}` : ""}. What was answered is kept.`),
    button("Go on", () => resume(line)));
};

const lineNode = (line, chosen, acts) => {
  const open = make("button", { type: "button", className: "evaluate-open", "aria-current": line.id === chosen ? "true" : null, on: { click: () => acts.open(line.id) } },
    make("span", {}, make("b", {}, kindOf(line)), ` ${when(line.began)}`),
    make("small", {}, [line.title, line.rows_are, line.kind === "drift" ? "" : line.contestants.map(({ label }) => label).join(", ")].filter(Boolean).join(" · ")),
    line.headline ? make("small", { className: "evaluate-says" }, line.headline) : null);
  return make("li", { data: { evaluation: line.id, status: line.status } }, open, progressNode(line, acts));
};

export const listNode = (title, lines, chosen, acts, empty) =>
  make("section", { "aria-label": title }, make("h3", {}, title),
    lines.length ? make("ul", {}, ...lines.map((line) => lineNode(line, chosen, acts))) : make("p", { className: "evaluate-quiet" }, empty));
