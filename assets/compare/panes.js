/* What a pane is: who answers in it, in words and as the studio is asked. */

import { BASE, TUNED } from "./keeping.js";

export const COLOURS = ["#7c7f87", "#1d9a7a", "#3b82d6", "#d9700f", "#a855c7", "#d33f49"];
const MIXES = { linear: "linear", ties: "TIES", dare_linear: "DARE", dare_ties: "DARE with TIES" };

export const isBase = (pane) => pane.part === "base" && !pane.mixed.length;
const stepOf = (part) => part.replace("checkpoint-", "");
const shortOf = (name) => name.replace(/^\d{4}-\d\d-\d\d-/, "");

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const plainTitle = (pane, run) => {
  if (pane.mixed.length) return "Mix";
  if (isBase(pane)) return "Base";
  const whose = pane.run === run ? "Tuned" : shortOf(pane.run);
  return pane.part === "result" ? whose : `${whose}, step ${stepOf(pane.part)}`;
};

/* What stands over a pane. Two that would have the same name are numbered. */
export const titles = (panes, run) => {
  const found = {}, many = {};
  const named = panes.map((pane) => {
    const more = [pane.shots ? counted(pane.shots.rows.length, "example") : "", pane.system.trim() ? "own system prompt" : ""].filter(Boolean);
    return [pane.id, [plainTitle(pane, run), ...more].join(" + ")];
  });
  for (const [, title] of named) many[title] = (many[title] ?? 0) + 1;
  const seen = {};
  for (const [id, title] of named) {
    seen[title] = (seen[title] ?? 0) + 1;
    found[id] = many[title] > 1 ? `${title} ${seen[title]}` : title;
  }
  return found;
};

/* What it is, in a line. `runs` are the studio's lines by name. */
export const whatOf = (pane, runs) => {
  if (pane.mixed.length) {
    const parts = pane.mixed.map(({ run, part, weight }) => `${weight} × ${shortOf(run)}${part === "result" ? "" : ` (step ${stepOf(part)})`}`);
    return `${parts.join(" + ")}, ${MIXES[pane.how]}${pane.how === "linear" ? "" : `, density ${pane.density}`}`;
  }
  const run = runs.get(pane.run);
  if (isBase(pane)) return run ? run.base_name : "the base model";
  return `${pane.run}${run ? ` · ${run.method}` : " · no longer there"}`;
};

/* How it departs from the plain base and tuned model, for the line that says what is fair. */
export const departures = (pane) => [
  pane.shots ? `${counted(pane.shots.rows.length, "training row")} as examples` : "",
  pane.system.trim() ? "a system prompt of its own" : "",
  !isBase(pane) && pane.strength !== 1 ? `strength ${pane.strength}` : "",
].filter(Boolean);

export const voiceOf = (pane) => (pane.mixed.length
  ? { mixed: pane.mixed, how: pane.how, density: pane.density, strength: pane.strength }
  : { run: pane.run, part: pane.part, strength: pane.strength });

/* The turn with which the conversation begins that turn `number` belongs to. */
const beginOf = (turns, number) => {
  let begin = number;
  while (begin > 0 && !turns[begin].fresh) begin -= 1;
  return begin;
};

/* The conversation as this pane has led it, up to the question of turn `number`. */
export const conversation = (room, pane, number) => {
  const begin = beginOf(room.turns, number);
  const before = room.turns[begin].before ?? [];
  const said = before.find(({ role }) => role === "system")?.content ?? "";
  const system = pane.system.trim() || room.system.trim() || said;
  const messages = system ? [{ role: "system", content: system }] : [];
  messages.push(...(pane.shots?.messages ?? []), ...before.filter(({ role }) => role !== "system"));
  for (const turn of room.turns.slice(begin, number)) {
    const answer = turn.answers[pane.id];
    if (answer) messages.push({ role: "user", content: turn.prompt }, { role: "assistant", content: answer.text });
  }
  messages.push({ role: "user", content: room.turns[number].prompt });
  return messages;
};

/* All that was said, a line for each conversation and pane, as JSON lines in OpenAI's message form. */
export const asLines = (room, name, settings, runs) => {
  const named = titles(room.panes, name), lines = [];
  const end = (number) => number + 1 === room.turns.length || room.turns[number + 1].fresh;
  room.turns.forEach((_, number) => {
    if (!end(number)) return;
    for (const pane of room.panes) {
      let last = number;
      while (last >= beginOf(room.turns, number) && !room.turns[last].answers[pane.id]) last -= 1;
      const turn = room.turns[last], answer = turn?.answers[pane.id];
      if (!answer || last < beginOf(room.turns, number)) continue;
      const messages = [...conversation(room, pane, last), { role: "assistant", content: answer.text }];
      const reference = turn.reference ? { reference: turn.reference } : {};
      const ended = answer.measure?.ended ?? null;
      lines.push({ messages, pane: named[pane.id], what: whatOf(pane, runs), voice: voiceOf(pane), settings, ended, ...reference });
    }
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
};

export const isFirstTwo = (pane) => pane.id === BASE || pane.id === TUNED;
