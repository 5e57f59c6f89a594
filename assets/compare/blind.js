/* The blind vote: one prompt, two answers without names, a vote, and only then who was who.
   Until the vote this page knows neither: the studio's ballot does. All text is set as text (make.js), never as markup. */
import { ask, get, send, STUDIO } from "./asking.js";
import { restored } from "./keeping.js";
import { button, make } from "./make.js";

const KEY = "atelier-blind";
const EACH = 1000; // ms between looks whether the tab is seen
const CHOICES = [
  { choice: "1", text: "Answer 1 is better", keys: ["1"] },
  { choice: "tie", text: "Tie", says: "Tie: both are as good", keys: ["0", "t"] },
  { choice: "bad", text: "Both bad", says: "Both answers are bad", keys: ["b"] },
  { choice: "2", text: "Answer 2 is better", keys: ["2"] },
];
const ROLES = { system: "System prompt", user: "Prompt", assistant: "Earlier answer" };
const NO_RUN = "There is nothing to vote on yet. Train a run; when it is over, its base and what it learned answer here.";

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "{}");
  } catch {
    return {};
  }
};

export const open = (element, trigger) => {
  const frame = element.querySelector(".blind");
  const asker = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const state = { runs: [], run: "", pushed: "", phase: "ready", ballot: null, verdict: null, own: false, abort: null, ...kept() };
  if (state.phase === "asking") state.phase = "ready";
  const keep = () => {
    const { run, pushed, phase, ballot, own } = state, pair = picks.map(({ value }) => value);
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ run, pushed, phase, ballot, own, pair }));
    } catch { /* full: a reload begins with the next prompt */ }
  };

  /* the frame */

  const told = make("p", { className: "blind-told", role: "status" });
  const tell = (text, wrong = false) => {
    told.textContent = text;
    told.classList.toggle("blind-wrong", wrong);
  };
  const pick = (label, change) => make("select", { "aria-label": label, on: { change } });
  const runPick = pick("Run", () => choose(runPick.value));
  const picks = ["One voice", "The other voice"].map((label) => pick(label, () => changed()));
  const strengths = [0, 1].map((place) => make("input", {
    type: "number", min: 0, max: 1.5, step: 0.05, value: 1, "aria-label": `Strength of ${place ? "the other" : "one"} voice`, on: { change: () => changed() } }));
  const source = (label, own) => {
    const radio = make("input", { type: "radio", name: "blind-source", checked: state.own === own, on: { change: () => { state.own = own; draw(); } } });
    return { radio, label: make("label", { className: "blind-check" }, radio, label) };
  };
  const heldOut = source("Held-out rows ask, in a shuffled order", false), typed = source("I type the prompts", true);
  const prompt = make("textarea", { rows: 3, maxLength: 400000, "aria-label": "Prompt to both", placeholder: "Goes to both. Enter asks, Shift+Enter starts a new line.",
    on: { keydown: (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); next(); } } } });
  const system = make("textarea", { rows: 2, maxLength: 400000 });
  const number = (min, max, step, value) => make("input", { type: "number", min, max, step, value });
  const settings = { temperature: number(0, 2, 0.05, 0), top_p: number(0.01, 1, 0.01, 0.95), max_new_tokens: number(1, 8192, 1, 256), seed: number(0, 2 ** 31 - 1, 1, 42) };
  const field = (label, input) => make("label", { className: "blind-field" }, label, input);
  const how = make("details", { className: "blind-how" }, make("summary", {}, "How they answer"),
    make("div", {}, field("Temperature", settings.temperature), field("Top-p", settings.top_p), field("Longest answer, tokens", settings.max_new_tokens),
      field("Seed", settings.seed), field("Strength of one", strengths[0]), field("Strength of the other", strengths[1]), field("System prompt", system)));
  const nextButton = button("Ask both", () => next(), { look: "main", "aria-keyshortcuts": "Enter" });
  const stopButton = button("Stop", () => stop());
  const question = make("div", { className: "blind-question" });
  const answers = [1, 2].map((place) => {
    const name = make("span", { className: "blind-name" }), text = make("div", { className: "blind-text", tabIndex: 0, role: "region", "aria-label": `Answer ${place}` });
    return { name, text, card: make("article", { className: "blind-answer", "aria-label": `Answer ${place}` }, make("h4", {}, `Answer ${place}`, name), text) };
  });
  const pair = make("div", { className: "blind-pair" }, ...answers.map(({ card }) => card));
  const voteButtons = CHOICES.map(({ choice, text, says, keys }) => {
    const made = button(text, () => vote(choice), { "aria-keyshortcuts": keys.join(" "), ...(says ? { "aria-label": says } : {}) });
    made.append(make("kbd", { "aria-hidden": "true" }, keys.join(" ")));
    return made;
  });
  const votes = make("div", { className: "blind-votes", role: "group", tabIndex: -1, "aria-label": "Which answer is better?" }, ...voteButtons);
  const reference = make("p", { className: "blind-reference" });
  const undoButton = button("Take the last vote back", () => undo(), { look: "quiet", "aria-keyshortcuts": "u" });
  const standing = make("section", { className: "blind-verdict", "aria-label": "Verdict so far" });
  const empty = make("p", { className: "blind-empty" }, "Looking for runs …");
  const room = make("div", { className: "blind-room", hidden: true },
    make("div", { className: "blind-bar" }, runPick, make("span", {}, "between"), picks[0], make("span", {}, "and"), picks[1]),
    make("div", { className: "blind-bar", role: "radiogroup", "aria-label": "Where prompts come from" }, heldOut.label, typed.label), prompt, how,
    make("div", { className: "blind-bar" }, nextButton, stopButton, undoButton), told, question, pair, votes, reference, standing);
  frame.replaceChildren(empty, room);

  /* what is chosen */

  const run = () => state.runs.find(({ name }) => name === state.run);
  const titled = (part) => ({ base: "base", result: "tuned" })[part] ?? part.replace("checkpoint-", "step ");
  const voice = (place) => {
    const [name, part] = picks[place].value.split("/");
    const dial = part !== "base" && state.runs.find((each) => each.name === name)?.dial;
    return { run: name, part, ...(dial ? { strength: Number(strengths[place].value) } : {}) };
  };
  const between = () => ({ run: state.run, voices: [voice(0), voice(1)] });

  const choose = (name) => {
    const before = state.run;
    state.run = state.runs.some((each) => each.name === name) ? name : state.runs[0]?.name ?? "";
    const mine = run();
    runPick.replaceChildren(...state.runs.map((each) => new Option(`${each.name} · ${each.method}`, each.name, false, each.name === state.run)));
    if (!mine) return;
    const others = state.runs.filter((each) => each.base === mine.base && each.name !== mine.name);
    const parts = ["base", "result", ...mine.checkpoints].map((part) => [`${mine.name}/${part}`, titled(part)]);
    const offered = [...parts, ...others.map((each) => [`${each.name}/result`, each.name])];
    picks.forEach((select, place) => {
      const wanted = select.value || state.pair?.[place];
      const value = before === state.run && offered.some(([each]) => each === wanted) ? wanted : parts[place][0];
      select.replaceChildren(...offered.map(([each, label]) => new Option(label, each, false, each === value)));
    });
    if (before !== state.run && before) putAside();
    if (!mine.held_out) state.own = true;
    heldOut.radio.disabled = !mine.held_out;
  };

  const putAside = () => Object.assign(state, { phase: "ready", ballot: null });

  const changed = () => {
    putAside();
    tell("");
    draw();
    judge();
  };
  runPick.addEventListener("change", changed);

  /* drawing */

  const draw = () => {
    const { phase, ballot } = state;
    empty.hidden = Boolean(state.runs.length);
    empty.textContent = NO_RUN;
    room.hidden = !state.runs.length;
    heldOut.radio.checked = !state.own;
    typed.radio.checked = state.own;
    prompt.hidden = !state.own;
    for (const [place, input] of strengths.entries()) input.parentElement.hidden = voice(place).strength === undefined;
    nextButton.textContent = ballot ? "Next prompt" : "Ask both";
    nextButton.append(make("kbd", { "aria-hidden": "true" }, "Enter"));
    nextButton.hidden = phase === "asking" || phase === "open";
    stopButton.hidden = phase !== "asking";
    undoButton.disabled = !state.verdict?.last || phase === "asking";
    votes.hidden = phase !== "open";
    pair.hidden = phase !== "open" && phase !== "voted";
    pair.classList.toggle("blind-same", ballot?.same !== undefined);
    question.hidden = !ballot;
    question.replaceChildren(...(ballot?.messages ?? []).map(({ role, content }) => make("div", { className: "blind-message" }, make("b", {}, ROLES[role] ?? role), make("p", {}, content))));
    answers.forEach(({ name, text, card }, place) => {
      const said = ballot?.same ?? ballot?.answers?.[place] ?? "";
      text.textContent = said.trim() ? said : "(nothing)";
      text.classList.toggle("blind-nothing", !said.trim());
      name.textContent = phase === "voted" && ballot?.names ? ballot.names[place] : "";
      card.classList.toggle("blind-won", phase === "voted" && ballot?.choice === String(place + 1));
    });
    const shown = phase === "voted" && ballot?.reference;
    reference.hidden = !shown;
    reference.replaceChildren(...(shown ? [make("b", {}, "Reference answer"), " ", ballot.reference] : []));
    keep();
  };

  const drawVerdict = () => {
    const verdict = state.verdict;
    if (!verdict) return standing.replaceChildren();
    const { titles, wins, leader, interval, share } = verdict;
    const [low, high, middle] = leader === 1 ? [...interval, share] : [1 - interval[1], 1 - interval[0], 1 - share];
    const at = (part) => `${(100 * part).toFixed(1)}%`;
    const bar = make("div", { className: "blind-scale", role: "img", "aria-label": verdict.headline },
      make("span", {}, `${titles[0]} ${wins[0]}`),
      make("div", { className: "blind-track" }, make("i", { className: "blind-half" }),
        ...(verdict.state === "none" ? [] : [make("i", { className: "blind-range", style: { left: at(low), width: at(high - low) } }), make("i", { className: "blind-share", style: { left: at(middle) } })])),
      make("span", {}, `${wins[1]} ${titles[1]}`));
    const name = encodeURIComponent(state.run);
    const file = (text, what) => make("a", { className: "data-button", href: `${STUDIO}runs/${name}/${what}.jsonl`, download: "" }, text);
    const few = verdict.pairs < verdict.sensible ? `; ${verdict.sensible} or more are sensible to tune on` : "";
    const tune = button("Tune on these votes", () => trigger("submit", { pressed: `tune:${state.run}`, text: "" }), { disabled: !verdict.pairs });
    standing.replaceChildren(...[
      make("h4", {}, verdict.headline), bar, make("p", { className: `blind-sure blind-${verdict.state}` }, verdict.sure),
      verdict.apart ? make("p", { className: "blind-quiet" }, `Beside these: ${verdict.apart}.`) : null,
      verdict.votes ? make("div", { className: "blind-bar" }, tune, file("Preference pairs", "preferences"), file("All votes", "votes"),
        make("span", { className: "blind-quiet" }, `${count(verdict.pairs, "pair")} in this run's votes${few}.`)) : null,
    ].filter(Boolean));
  };

  /* a round */

  const next = async () => {
    if (state.phase === "asking" || state.phase === "open" || !run()) return;
    if (state.own && !prompt.value.trim()) {
      tell("Type a prompt first.", true);
      return prompt.focus();
    }
    const before = state.ballot;
    Object.assign(state, { phase: "asking", ballot: null, abort: new AbortController() });
    tell("Asking both …");
    draw();
    stopButton.focus();
    const values = Object.fromEntries(Object.entries(settings).map(([key, input]) => [key, Number(input.value)]));
    const asked = { asker, ...between(), prompt: state.own ? prompt.value : null, system: system.value, settings: values };
    const failed = ({ error }) => {
      Object.assign(state, { phase: before?.names ? "voted" : "ready", ballot: before?.names ? before : null });
      tell(error, true);
      draw();
      nextButton.focus();
    };
    await ask(asked, {
      prompt: ({ messages, row, left }) => {
        state.ballot = { messages, row, left };
        draw();
      },
      note: ({ note }) => tell(note),
      answering: ({ tokens }) => tell(`Both are answering … ${count(tokens, "token")} so far, both together.`),
      done: (done) => (done.stopped ? failed({ error: "Stopped. Nothing was counted." }) : answered(done)),
      failed,
    }, state.abort.signal, "blind/ask");
  };

  const answered = ({ ballot, answers: said, same, reference: known }) => {
    if (same !== undefined) {
      Object.assign(state, { phase: "voted", ballot: { ...state.ballot, same, reference: known } });
      tell("Both said the same. This counts as a tie.");
    } else {
      Object.assign(state, { phase: "open", ballot: { ...state.ballot, id: ballot, answers: said } });
      tell("Which answer is better? Press 1, 2, t for a tie, or b where both are bad.");
      if (state.own) prompt.value = "";
    }
    draw();
    if (same === undefined) votes.focus({ preventScroll: true }); // on neither answer: none is to stand out
    else {
      nextButton.focus({ preventScroll: true });
      judge();
    }
  };

  const stop = () => send("compare/stop", { asker });

  let voting = false;
  const vote = async (choice) => {
    if (state.phase !== "open" || voting) return;
    voting = true;
    const done = await send("blind/vote", { ballot: state.ballot.id, choice }).finally(() => { voting = false; });
    if (done.error) {
      if (done.gone) putAside();
      tell(done.error, true);
      draw();
      return nextButton.focus({ preventScroll: true });
    }
    Object.assign(state, { phase: "voted", ballot: { ...state.ballot, ...done } });
    const [one, other] = done.names;
    const said = { 1: `You chose ${one} over ${other}.`, 2: `You chose ${other} over ${one}.`, tie: `A tie: 1 was ${one}, 2 was ${other}.`, bad: `Both bad: 1 was ${one}, 2 was ${other}.` }[choice];
    tell(state.ballot.left === 0 ? `${said} All held-out rows were asked; they begin again.` : said);
    draw();
    nextButton.focus({ preventScroll: true });
    await judge();
  };

  const undo = async () => {
    const last = state.verdict?.last;
    if (!last || state.phase === "asking") return;
    const name = encodeURIComponent(state.run);
    const done = await fetch(`${STUDIO}blind/${name}/votes/${last}`, { method: "DELETE" }).then((response) => response.json()).catch(() => ({ error: "The studio does not answer. Try again." }));
    if (done.error) return tell(done.error, true);
    if (state.phase === "voted") putAside();
    tell("The last vote was taken back.");
    draw();
    await judge();
    if (state.phase !== "open") nextButton.focus({ preventScroll: true });
  };

  const warmed = new Set(); // pairs that were asked for before the first question to them
  const warm = () => {
    const { voices } = between(), pair = JSON.stringify(voices);
    if (!run() || state.phase === "asking" || warmed.has(pair)) return;
    warmed.add(pair);
    send("compare/warm", { asker: `${asker}-warm`, voices });
  };
  for (const event of ["focusin", "pointerenter"]) nextButton.addEventListener(event, warm);

  /* what stands, and which runs there are */

  const judge = async () => {
    if (!run()) return;
    const asked = between();
    const verdict = await send("blind/verdict", asked);
    if (asked.run !== state.run) return;
    state.verdict = verdict.error ? null : verdict;
    if (verdict.error) tell(verdict.error, true);
    drawVerdict();
    draw();
  };

  const look = async () => {
    const { runs, error } = await get("compare/voices");
    if (error) return tell(error, true);
    state.runs = runs;
    const pushed = restored().run;
    choose(pushed && pushed !== state.pushed ? pushed : state.run);
    state.pushed = pushed;
    draw();
    await judge();
  };

  const keys = (event) => {
    if (!element.isConnected) return document.removeEventListener("keydown", keys);
    const at = event.target;
    if (!frame.getClientRects().length || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (at.closest?.("input, textarea, select, [contenteditable]")) return;
    const choice = CHOICES.find((each) => each.keys.includes(event.key.toLowerCase()));
    if (choice && state.phase === "open") vote(choice.choice);
    else if (event.key === "Enter" && !at.closest?.("button, a, summary")) next();
    else if (event.key.toLowerCase() === "u") undo();
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", keys);

  let seen = false;
  const watch = () => {
    const now = frame.getClientRects().length > 0;
    if (now && !seen) look();
    seen = now;
    if (element.isConnected) setTimeout(watch, EACH);
  };
  draw();
  watch();
};
