/* The compare room: panes whose models answer the same question at once, and what tells their answers apart.
   All text of models, files and people is set as text, so it can never become markup. */

import { addingPanel } from "./adding.js";
import { differenceLines, drawAnswer, grow, marksOf, tipOver } from "./answers.js";
import { STUDIO, ask, get, send } from "./asking.js";
import { keepingFocus } from "./focus.js";
import { keep, keepNow, newPane, newRoom, restored } from "./keeping.js";
import { button, copied, labelled, make } from "./make.js";
import { COLOURS, asLines, conversation, departures, isBase, isFirstTwo, titles, voiceOf, whatOf } from "./panes.js";
import { settingsForm, settingsOf } from "./settings.js";

const MOST_PANES = 6;
const SLOW = 1500; // ms without a word
const LOADING = "Getting the models ready. The first question takes longer, for they are loaded; the next ones do not …";
const NOTHING_YET = "No run has a result yet. Press Train, wait until it has finished, and compare here.";
const READING = {
  "sequence-classification": "Your prompt is the text; the answer is its class, with how sure the model is of each.",
  "masked-language-modeling": "Write [MASK] where a word is to be guessed; the five likeliest are named for each.",
};
const ENDED = { end: "ended by itself", length: "cut at the longest answer", stopped: "stopped" };

export const open = (element, props, watch) => {
  const frame = element.querySelector(".compare");
  const state = restored();
  const asker = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const runs = new Map();
  const nodes = new Map(); // "turn/pane": what is drawn of an answer
  let busy = null; // the question in progress
  let dialled = null; // a pane whose dial was moved meanwhile
  let editing = -1;
  let asked = false; // whether the studio has said which runs there are

  /* what is in hand */

  const room = () => (state.rooms[state.run] ??= newRoom(state.run));
  const run = () => runs.get(state.run);
  const writes = () => run()?.writes ?? true;
  const siblings = () => [...runs.values()].filter(({ base, task }) => base === run()?.base && task === run()?.task);
  const titleOf = (id) => titles(room().panes, state.run)[id] ?? "a dropped pane";
  const settings = () => settingsOf(props.knobs, state.settings);
  const save = () => keep(state);

  /* the frame */

  const status = make("p", { id: "compare-status", className: "compare-status", role: "status" });
  const spoken = make("p", { className: "compare-hidden", role: "status" });
  const tell = (text, wrong = false) => {
    status.textContent = text;
    status.classList.toggle("compare-wrong", wrong);
    status.setAttribute("role", wrong ? "alert" : "status");
  };

  const choice = make("select", { id: "compare-run", on: { change: () => hold(choice.value) } });
  const addButton = button("Add a pane", () => toggleAdding(), { "aria-expanded": "false" });
  const check = (key, label, title) => {
    const box = make("input", { type: "checkbox", checked: state[key], on: { change: () => { state[key] = box.checked; save(); shade(); drawAnswers(); } } });
    return make("label", { className: "compare-check", title }, box, label);
  };
  const differencesBox = check("differences", "Differences", "Marks the words that another pane does not say, and says where the models part ways.");
  const sureBox = check("sure", "Confidence", "Shades each token by how unsure the model was of it. Point at a token, or walk with the arrow keys, to see what else was likely.");
  const addingBox = make("div", { hidden: true });
  const panesBox = make("div", { className: "compare-panes" });
  const fair = make("p", { id: "compare-fair", className: "compare-fair" });

  const prompt = make("textarea", {
    id: "prompt", rows: 2, "aria-label": "Prompt", placeholder: "Ask all panes at once. Enter sends, Shift+Enter starts a new line.",
    on: {
      input: () => { room().draft = prompt.value; fit(); save(); },
      keydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        sendPrompt();
      },
    },
  });
  const fit = () => {
    prompt.style.height = "auto";
    prompt.style.height = `${Math.min(prompt.scrollHeight + 2, 220)}px`;
  };
  const sendButton = button("Send", () => sendPrompt(), { id: "send", look: "main" });
  const stopButton = button("Stop", () => stop(), { id: "stop-answer", title: "Ends the answers at the next token (Esc)", hidden: true });
  const againButton = button("Regenerate", () => again(), { title: "Asks the last question again; with chance in it (temperature above 0), by another seed" });
  const copyButton = button("Copy all", () => copyAll());
  const exportButton = button("Export", () => download(), { title: "The conversation as JSON lines, one for each pane" });
  const clearButton = button("Clear", () => clear());
  const backButton = button("‹", () => toRow(-1), { "aria-label": "Previous held-out row" });
  const nextButton = button("Held-out row ›", () => toRow(1), { "aria-label": "Next held-out row" });
  const rowWords = make("span", { className: "compare-quiet" });
  const reference = make("p", { id: "reference", className: "compare-reference", hidden: true });
  const system = make("textarea", { id: "compare-system", rows: 2, on: { input: () => { room().system = system.value; drawFair(); save(); } } });
  const how = make("details", { className: "compare-how" }, make("summary", {}, "How they answer"),
    labelled("System prompt", system),
    make("small", {}, "Said to all panes before your prompt, if the chat template knows it. Empty is as they were trained; a pane's own takes its place."),
    settingsForm(props.knobs, state.settings, () => { drawFair(); save(); }));
  const composer = make("div", { className: "compare-composer", role: "group", "aria-label": "Your question" },
    status,
    make("div", { className: "compare-rows" }, backButton, nextButton, rowWords, reference),
    make("div", { className: "compare-ask" }, prompt, make("div", {}, sendButton, stopButton)),
    make("div", { className: "compare-acts" }, againButton, copyButton, exportButton, clearButton));

  frame.append(
    make("div", { className: "compare-bar" }, labelled("Tuned run", choice), addButton, differencesBox, sureBox),
    addingBox, panesBox, spoken, composer, fair, how);
  tipOver(frame, (span) => {
    const answer = span.closest(".compare-answer");
    return answer && room().turns[Number(answer.dataset.turn)]?.answers[answer.dataset.pane]?.pieces[Number(span.dataset.token)];
  });
  frame.addEventListener("keydown", (event) => { if (event.key === "Escape" && busy) stop(); });
  addingBox.addEventListener("keydown", (event) => { if (event.key === "Escape" && !busy) { toggleAdding(); addButton.focus(); } });

  /* drawing */

  const staying = keepingFocus(frame, () => (busy ? stopButton : prompt));

  const shade = () => {
    frame.classList.toggle("compare-unsure", state.sure);
    frame.classList.toggle("compare-differing", state.differences);
  };

  const draw = staying(() => {
    const known = run();
    choice.replaceChildren(...[...runs.values()].map(({ name, base_name, method, status: how }) =>
      new Option(`${name} · ${base_name} · ${method}${how === "finished" ? "" : ` · ${how}`}`, name, false, name === state.run)));
    choice.disabled = !runs.size;
    if (!runs.size) choice.append(new Option(asked ? "none yet" : "…", ""));
    const here = room();
    if (prompt.value !== (here.draft ?? "")) prompt.value = here.draft ?? "";
    system.value = here.system;
    how.hidden = !writes();
    sureBox.hidden = !writes();
    addButton.disabled = !known || here.panes.length >= MOST_PANES;
    addButton.title = here.panes.length >= MOST_PANES ? `At most ${MOST_PANES} panes answer at once.` : "";
    fit();
    shade();
    drawRow();
    drawPanes();
    drawFair();
    drawButtons();
  });

  const drawButtons = staying(() => {
    const { turns } = room();
    sendButton.hidden = Boolean(busy);
    stopButton.hidden = !busy;
    againButton.disabled = Boolean(busy) || !turns.length;
    for (const each of [copyButton, exportButton, clearButton]) each.disabled = !turns.length;
  });

  const drawPanes = staying(() => {
    nodes.clear();
    const { panes, turns } = room();
    panesBox.style.setProperty("--panes", panes.length);
    const shown = state.run ? panes.map((pane, column) => paneNode(pane, column)) : [];
    panesBox.replaceChildren(...shown, ...turns.map((_, number) => partingNode(number)));
    if (!state.run) {
      panesBox.append(make("p", { className: "compare-empty" }, asked ? NOTHING_YET : "Looking for runs …"));
    }
    drawAnswers();
  });

  const paneNode = (pane, column) => {
    const title = titleOf(pane.id), what = whatOf(pane, runs);
    const log = make("div", { className: "compare-log", role: "log", "aria-live": "off", "aria-label": `${title}: conversation` },
      ...room().turns.flatMap((turn, number) => [questionNode(turn, number, column), answerNode(pane, turn, number, column)]));
    if (!room().turns.length) {
      log.append(make("p", { className: "compare-answer compare-waits", style: { "--column": column + 1, "--row": 3 } }, "Answers appear here."));
    }
    return make("section", { id: isFirstTwo(pane) ? `pane-${pane.id}` : null, className: "compare-pane", data: { pane: pane.id }, role: "region", "aria-label": `${title}: ${what}`, style: { "--colour": COLOURS[column] } },
      headNode(pane, column, title, what), log);
  };

  const headNode = (pane, column, title, what) => {
    const options = optionsOf(pane, title).filter(Boolean);
    const more = options.length === 0 ? null : make("details", { className: "compare-more", open: pane.open ?? false, on: { toggle: () => { pane.open = more.open; save(); } } },
      make("summary", { "aria-label": `Options of ${title}` }, "Options"), ...options);
    return make("header", { className: "compare-head", style: { "--column": column + 1, "--colour": COLOURS[column] } },
      make("div", { className: "compare-name" }, make("h3", {}, title),
        room().panes.length > 1 ? button("✕", () => drop(pane), { look: "quiet", "aria-label": `Drop ${title}`, title: "Drop this pane" }) : null),
      make("small", {}, what), dialNode(pane, title), more);
  };

  const noDial = (pane) => (pane.mixed.length ? "" : runs.get(pane.run)?.no_dial ?? "");

  const dialNode = (pane, title) => {
    if (isBase(pane)) return null;
    const why = noDial(pane);
    if (why) return make("small", { className: "compare-quiet" }, `Strength: as trained only, for ${why}.`);
    const shown = make("output", {}, pane.strength.toFixed(2));
    const dial = make("input", {
      type: "range", min: 0, max: props.strongest, step: 0.05, value: pane.strength, "aria-label": `Strength of ${title}`,
      title: "How much of what was learned is heard: 0 is the base, 1 as trained. Double-click: back to 1.",
      on: {
        input: () => { shown.textContent = Number(dial.value).toFixed(2); },
        change: () => turn(pane, Number(dial.value)),
        dblclick: () => { dial.value = 1; shown.textContent = "1.00"; turn(pane, 1); },
      },
    });
    return make("label", { className: "compare-dial" }, make("span", {}, "Strength"), dial, shown);
  };

  const optionsOf = (pane, title) => {
    const own = make("textarea", { rows: 2, value: pane.system, on: { change: () => { pane.system = own.value; save(); setTimeout(() => { drawPanes(); drawFair(); }); } } });
    const count = make("input", { type: "number", min: 0, max: 32, value: pane.shots?.rows.length ?? 0, on: { change: () => setShots(pane, Number(count.value)) } });
    const shots = pane.shots ? make("small", {}, `${pane.shots.note} Rows ${pane.shots.rows.join(", ")}.`) : null;
    const speaking = writes() ? [labelled("System prompt of its own", own), labelled("Training rows as examples", count), shots] : [];
    const first = pane !== room().panes[0] && button("Compare the others with this one", () => toFront(pane), { look: "quiet", title: "Moves it to the front: differences are told against the first pane." });
    return [...speaking, first || null, takeNode(pane, title)];
  };

  const takeNode = (pane, title) => {
    const known = runs.get(pane.run);
    if (isBase(pane) || !known) return null;
    const plain = !pane.mixed.length && pane.part === "result";
    if (known.keeps !== "adapter" && !(plain && pane.strength === 1)) {
      return make("small", {}, "A whole model can be taken away as it was trained, not at a strength or a checkpoint.");
    }
    const words = known.keeps === "adapter" ? "Take this adapter away" : "Take this model away";
    if (plain && pane.strength === 1) {
      return make("a", { className: "data-button", href: `${STUDIO}runs/${encodeURIComponent(pane.run)}/result.zip`, download: "", "aria-label": `${words}: ${title}` }, words);
    }
    return button(pane.strength === 1 ? words : `${words} at strength ${pane.strength}`, (event) => take(event.currentTarget, pane, title), { "aria-label": `${words} as it is here: ${title}` });
  };

  const take = async (pressed, pane, title) => {
    pressed.disabled = true;
    tell(`Writing the adapter of ${title}; that takes as long as loading its base …`);
    const { path, error } = await send("compare/take", voiceOf(pane));
    pressed.disabled = false;
    if (error) return tell(error, true);
    tell(`${title} is in your downloads.`);
    make("a", { href: `${STUDIO}${path}`, download: "" }).click();
  };

  const questionNode = (turn, number, column) => {
    const row = { "--row": 2 + 3 * number };
    if (column) return make("div", { className: "compare-question compare-again", style: row }, make("p", { dir: "auto" }, turn.prompt));
    if (editing === number) return editNode(turn, number, row);
    const before = (turn.before ?? []).map(({ role, content }) => `${role}: ${content}`).join("\n");
    return make("div", { className: `compare-question${turn.fresh ? " compare-fresh" : ""}`, style: row },
      before ? make("details", {}, make("summary", {}, "What came before in this row"), make("p", { dir: "auto" }, before)) : null,
      make("p", { dir: "auto" }, turn.prompt),
      turn.reference ? make("p", { className: "compare-reference", dir: "auto" }, make("b", {}, `Reference (held-out row ${turn.row}): `), turn.reference) : null,
      make("span", { className: "compare-tools" },
        button("Edit", () => { editing = number; drawPanes(); frame.querySelector(".compare-edit textarea")?.focus(); }, { look: "quiet", "aria-label": `Edit question ${number + 1}` })));
  };

  const editNode = (turn, number, row) => {
    const close = () => {
      editing = -1;
      drawPanes();
      frame.querySelector(`[aria-label="Edit question ${number + 1}"]`)?.focus();
    };
    const field = make("textarea", { rows: 3, value: turn.prompt, "aria-label": `Question ${number + 1}`, on: {
      keydown: (event) => {
        if (event.key === "Escape") { event.stopPropagation(); close(); }
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); resend(number, field.value); }
      },
    } });
    const later = room().turns.length - number - 1;
    return make("div", { className: "compare-question compare-edit", style: row }, field,
      make("div", { className: "data-buttons" }, button("Send again", () => resend(number, field.value), { look: "main" }), button("Cancel", close, { look: "quiet" }),
        later ? make("small", {}, `What was said after it (${later} ${later > 1 ? "questions" : "question"}) goes.`) : null));
  };

  const answerNode = (pane, turn, number, column) => {
    const place = { "--column": column + 1, "--row": 3 + 3 * number, "--colour": COLOURS[column] };
    const title = titleOf(pane.id);
    const said = make("div", { className: "compare-said", dir: "auto", tabIndex: 0, role: "group", "aria-label": `${title}, answer ${number + 1}` });
    const foot = make("p", { className: "compare-figures" });
    const node = make("div", { className: "compare-answer", data: { turn: number, pane: pane.id }, style: place },
      make("span", { className: "compare-whose", "aria-hidden": "true" }, title), said, foot);
    nodes.set(`${number}/${pane.id}`, { node, said, foot });
    return node;
  };

  const partingNode = (number) => {
    const node = make("div", { className: "compare-parting", style: { "--row": 4 + 3 * number } });
    nodes.set(`${number}`, node);
    return node;
  };

  const drawAnswers = () => room().turns.forEach((_, number) => drawTurn(number));

  const drawTurn = (number) => {
    const { turns, panes } = room();
    const turn = turns[number], found = state.differences ? turn.differences ?? [] : [];
    for (const pane of panes) {
      const drawn = nodes.get(`${number}/${pane.id}`), answer = turn.answers[pane.id];
      if (!drawn) continue;
      drawFoot(drawn, turn, number, pane);
      if (!answer) continue;
      const as = (side) => found.find((each) => each.panes[side] === pane.id && (side || found.length === 1));
      const [first, other] = [as(0), as(1)];
      const its = other ?? first;
      drawAnswer(drawn.said, answer, its ? marksOf(its.words, other ? "other" : "first") : [], its?.parting?.after ?? -1);
    }
    const parting = nodes.get(`${number}`);
    const worth = found.filter(({ panes: two }) => two.every((id) => panes.some((pane) => pane.id === id)));
    parting?.replaceChildren(...(writes() ? differenceLines(worth, titleOf) : []).map((line) => make("p", { dir: "auto" }, line)));
  };

  const drawFoot = ({ node, foot }, turn, number, pane) => {
    const answer = turn.answers[pane.id];
    node.toggleAttribute("data-growing", Boolean(answer?.growing));
    node.setAttribute("aria-busy", String(Boolean(answer?.growing)));
    if (!answer) {
      foot.replaceChildren("It was not here for this question. ", button("Ask it too", () => catchUp(pane), { look: "quiet" }));
      return;
    }
    const copy = button("Copy", async (event) => { event.target.textContent = (await copied(answer.text)) ? "Copied" : "Not copied"; }, { look: "quiet", "aria-label": `Copy ${titleOf(pane.id)}, answer ${number + 1}` });
    foot.replaceChildren(answer.growing ? "…" : figures(answer), answer.growing ? "" : copy);
  };

  const figures = ({ measure, strength, stale }) => {
    const words = [];
    if (strength !== undefined && strength !== 1) words.push(`strength ${strength}`);
    if (measure) {
      const { first, seconds, tokens, ended } = measure;
      if (first !== null && tokens) {
        words.push(`first token ${first.toFixed(2)} s`);
        if (tokens > 1 && seconds > first) words.push(`${((tokens - 1) / (seconds - first)).toFixed(1)} tokens/s`);
        words.push(`${tokens} token${tokens === 1 ? "" : "s"}`);
      }
      if (writes() && ENDED[ended]) words.push(ENDED[ended]);
    } else if (stale) words.push("broke off");
    return words.join(" · ");
  };

  const drawFair = () => {
    if (!run()) { fair.textContent = ""; return; }
    const reading = READING[run().task];
    if (reading) { fair.textContent = reading; return; }
    const { temperature, top_p, max_new_tokens, seed } = settings();
    const sampling = temperature < 0.01 ? "always the likeliest token" : `temperature ${temperature}, top-p ${top_p}, seed ${seed}`;
    const departing = room().panes.map((pane) => [titleOf(pane.id), departures(pane)]).filter(([, found]) => found.length).map(([title, found]) => `${title}: ${found.join(", ")}.`);
    fair.textContent = [`All panes get the same template (the one of training), prompt, seed and sampling: ${sampling}; the same end tokens, and at most ${max_new_tokens} tokens.`, ...departing].join(" ");
  };

  const drawRow = () => {
    const { row, at } = room(), known = run();
    const some = Boolean(known?.held_out);
    backButton.hidden = at < 1;
    nextButton.disabled = !some;
    rowWords.textContent = row ? `${at % row.of + 1} of ${row.of}` : known && !some ? "This run has no held-out rows. Type a prompt of your own." : "";
    reference.hidden = !row?.completion || prompt.value !== row.prompt;
    reference.replaceChildren(make("b", {}, "Reference answer: "), row?.completion ?? "");
  };
  prompt.addEventListener("input", drawRow);

  /* acting */

  const hold = (name) => {
    if (busy) stop();
    const typed = state.run ? null : room().draft; // before there was a run
    state.run = name;
    if (typed?.trim()) room().draft ??= typed;
    editing = -1;
    addingBox.hidden = true;
    tell("");
    draw();
    save();
    if (room().draft === null) toRow(1, true);
  };

  const toRow = async (step, quietly = false) => {
    const here = room(), name = state.run;
    if (!run()?.held_out) return;
    const at = Math.max(0, here.at + step);
    const row = await get(`compare/rows?run=${encodeURIComponent(name)}&part=held_out&at=${at}`);
    if (row.error) { if (!quietly) tell(row.error, true); return; }
    Object.assign(here, { at, row, draft: row.prompt });
    save();
    if (name === state.run) { draw(); if (!quietly) prompt.focus(); }
  };

  const toggleAdding = () => {
    addingBox.hidden = !addingBox.hidden;
    addButton.setAttribute("aria-expanded", String(!addingBox.hidden));
    if (addingBox.hidden) return;
    addingBox.replaceChildren(addingPanel({
      run: state.run, runs: siblings(), writes: writes(), add: addPane, shots: (k) => shotsOf(k), close: () => { toggleAdding(); addButton.focus(); },
    }));
    addingBox.querySelector("select, input, button")?.focus();
  };

  const addPane = (more) => {
    const here = room();
    if (more.part === "base" && more.shots === null) return; // the examples could not be fetched, and why was said
    const pane = newPane(`p${++here.count}`, more.run, more.part, more);
    here.panes.push(pane);
    addingBox.hidden = true;
    addButton.setAttribute("aria-expanded", "false");
    addButton.focus();
    draw();
    save();
    if (here.turns.length && !busy) catchUp(pane);
  };

  const shotsOf = async (k) => {
    const found = await get(`compare/shots?run=${encodeURIComponent(state.run)}&k=${k}&asked=${encodeURIComponent((room().draft || room().turns.at(-1)?.prompt || "").slice(0, 2000))}`);
    if (!found.error) return found;
    tell(found.error, true);
    return null;
  };

  const setShots = async (pane, k) => {
    const shots = k > 0 ? await shotsOf(Math.min(32, Math.round(k))) : null;
    if (k > 0 && !shots) return;
    pane.shots = shots;
    save();
    drawPanes();
    drawFair();
  };

  const toFront = (pane) => {
    const here = room();
    here.panes = [pane, ...here.panes.filter((each) => each !== pane)];
    for (const turn of here.turns) turn.differences = [];
    draw();
    save();
    here.turns.forEach((_, number) => compareAgain(number));
  };

  const drop = (pane) => {
    const here = room();
    here.panes = here.panes.filter((each) => each !== pane);
    for (const turn of here.turns) {
      delete turn.answers[pane.id];
      turn.differences = (turn.differences ?? []).filter(({ panes }) => !panes.includes(pane.id));
    }
    draw();
    save();
    here.turns.forEach((_, number) => compareAgain(number));
  };

  const turn = (pane, strength) => {
    if (pane.strength === strength) return;
    pane.strength = strength;
    save();
    drawFair();
    frame.querySelector(`[data-pane="${pane.id}"] .compare-more`)?.replaceChildren(
      make("summary", { "aria-label": `Options of ${titleOf(pane.id)}` }, "Options"), ...optionsOf(pane, titleOf(pane.id)).filter(Boolean));
    const last = room().turns.length - 1;
    if (last < 0) return;
    if (busy) {
      dialled = pane;
      if (busy.dial === pane) stop();
    } else askPanes(last, [pane], { dial: pane });
  };

  const sendPrompt = () => {
    if (busy) return tell("Wait for the answers, or stop them; then send.");
    const here = room(), text = prompt.value;
    if (!run()) return tell(asked ? NOTHING_YET : "Looking for runs; send again in a moment.", true);
    if (!text.trim()) { tell("The prompt is empty. Write one, or take a held-out row.", true); return prompt.focus(); }
    const row = here.row?.prompt === text ? here.row : null;
    here.turns.push({ prompt: text, fresh: Boolean(row) || !writes(), before: row?.before ?? [], row: row?.row ?? null, reference: row?.completion ?? "", answers: {}, differences: [] });
    here.draft = "";
    prompt.value = "";
    draw();
    askPanes(here.turns.length - 1, here.panes, { undo: () => takeBack(here, text) });
  };

  /* The question could not be asked: it goes back into the box, unless something else was typed there meanwhile. */
  const takeBack = (here, text) => {
    here.turns.pop();
    here.draft = here.draft?.trim() ? `${text}\n${here.draft}` : text;
  };

  const resend = (number, text) => {
    if (busy) return tell("Wait for the answers, or stop them; then send.");
    if (!text.trim()) return tell("The prompt is empty. Write one, or cancel.", true);
    const here = room(), before = [...here.turns];
    const old = here.turns[number];
    const changed = text !== old.prompt;
    here.turns = [...here.turns.slice(0, number), { ...old, prompt: text, reference: changed ? "" : old.reference, answers: {}, differences: [] }];
    editing = -1;
    draw();
    askPanes(number, here.panes, { undo: () => { here.turns = before; } });
  };

  const again = () => {
    const here = room(), number = here.turns.length - 1;
    if (busy || number < 0) return;
    const old = here.turns[number];
    here.turns[number] = { ...old, answers: {}, differences: [], again: (old.again ?? 0) + 1 };
    draw();
    askPanes(number, here.panes, { undo: () => { here.turns[number] = old; } });
  };

  /* Ask a pane that came later every question that it has not answered, in their order. */
  const catchUp = async (pane) => {
    const { turns } = room();
    for (let number = 0; number < turns.length; number += 1) {
      if (turns[number].answers[pane.id]) continue;
      if (!(await askPanes(number, [pane], {}))) return;
    }
  };

  const stop = () => {
    if (!busy) return;
    tell("Stopping …");
    send("compare/stop", { asker });
  };

  const clear = () => {
    if (busy) busy.cancel.abort();
    const here = room();
    Object.assign(here, { turns: [] });
    editing = -1;
    tell("");
    draw();
    save();
    prompt.focus();
  };

  const copyAll = async () => {
    const here = room();
    const text = here.turns.map((each) => [`You: ${each.prompt}`, ...here.panes.filter(({ id }) => each.answers[id]).map(({ id }) => `${titleOf(id)}: ${each.answers[id].text}`)].join("\n\n")).join("\n\n---\n\n");
    tell((await copied(text)) ? "The conversation is copied." : "This browser does not let the page copy. Use Export.");
  };

  const download = () => {
    const lines = asLines(room(), state.run, settings(), runs);
    const address = URL.createObjectURL(new Blob([lines], { type: "application/x-ndjson" }));
    make("a", { href: address, download: `${state.run}-conversation.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  /* Ask some panes the question of a turn. What they had answered comes back where it cannot be asked. True: answered. */
  const askPanes = async (number, panes, { undo = () => {}, dial = null } = {}) => {
    const here = room(), turn = here.turns[number], name = state.run;
    const before = { ...turn.answers }, found = turn.differences;
    const { seed, ...others } = settings();
    const question = {
      asker,
      panes: Object.fromEntries(panes.map((pane) => [pane.id, { voice: voiceOf(pane), messages: conversation(here, pane, number) }])),
      settings: { ...others, seed: (seed + (turn.again ?? 0)) % 2 ** 31 },
    };
    const cancel = new AbortController();
    busy = { dial, cancel, following: true };
    for (const pane of panes) turn.answers[pane.id] = { text: "", pieces: [], growing: true, strength: isBase(pane) ? 1 : pane.strength };
    turn.differences = [];
    tell("Asking …");
    const shown = () => state.run === name && room().turns[number] === turn;
    if (shown()) { drawTurn(number); drawButtons(); follow(number, panes); }
    let lastNote = "", answered = false, begun = false;
    const slow = setTimeout(() => { if (!lastNote && !begun) tell(LOADING); }, SLOW);
    await ask(question, {
      note: ({ note }) => { lastNote = note; tell(note); },
      said: ({ pieces, anew = [] }) => {
        if (!begun) tell("Answering …");
        begun = true;
        for (const pane of anew) { turn.answers[pane].pieces = []; if (shown()) nodes.get(`${number}/${pane}`)?.said.replaceChildren(); }
        for (const [pane, more] of Object.entries(pieces)) {
          const answer = turn.answers[pane];
          if (!answer) continue;
          const from = answer.pieces.length;
          answer.pieces.push(...more);
          answer.text = answer.pieces.map(([text]) => text).join("");
          const drawn = shown() && nodes.get(`${number}/${pane}`);
          if (drawn) grow(drawn.said, answer.pieces, from);
        }
        if (shown()) follow(number, panes);
      },
      done: ({ texts, measures, differences }) => {
        answered = Object.keys(texts).length > 0;
        for (const [pane, text] of Object.entries(texts)) {
          if (turn.answers[pane]) Object.assign(turn.answers[pane], { text, measure: measures[pane] ?? null, growing: false, stale: !measures[pane] });
        }
        turn.differences = differences;
        tell(/\.\.\.|…/.test(lastNote) ? "" : lastNote);
        if (!answered) { turn.answers = before; undo(); }
        else spoken.textContent = `${panes.map((pane) => titleOf(pane.id)).join(" and ")} answered.`;
      },
      failed: ({ error }) => {
        if (cancel.signal.aborted) return;
        tell(error ?? "The question could not be asked. Send it again.", true);
        if (begun) for (const answer of panes.map(({ id }) => turn.answers[id]).filter(Boolean)) Object.assign(answer, { growing: false, stale: true });
        else { turn.answers = before; turn.differences = found; undo(); }
      },
    }, cancel.signal);
    clearTimeout(slow);
    busy = null;
    keepNow(state);
    if (state.run === name) draw();
    if (answered) compareAgain(number, here);
    const next = dialled;
    dialled = null;
    if (next && state.run === name && here.panes.includes(next) && here.turns.length) askPanes(here.turns.length - 1, [next], { dial: next });
    return answered;
  };

  /* What grows stays in sight above the prompt, unless the reader has moved the page. */
  const follow = (number, panes) => {
    if (!busy?.following) return;
    const low = Math.max(...panes.map(({ id }) => nodes.get(`${number}/${id}`)?.node.getBoundingClientRect().bottom ?? 0));
    const limit = Math.min(innerHeight, composer.getBoundingClientRect().top) - 8;
    if (low > limit) scrollBy(0, low - limit);
  };
  const letGo = () => { if (busy) busy.following = false; };
  addEventListener("wheel", letGo, { passive: true });
  addEventListener("touchmove", letGo, { passive: true });

  /* Where not all panes were asked together, their answers are compared once more. */
  const compareAgain = async (number, here = room()) => {
    const turn = here.turns[number];
    const there = here.panes.filter(({ id }) => turn?.answers[id] && !turn.answers[id].growing);
    if (there.length < 2 || turn.differences?.length === there.length - 1) return;
    const answers = Object.fromEntries(there.map((pane) => {
      const { text, pieces, measure } = turn.answers[pane.id];
      return [pane.id, { asked: conversation(here, pane, number), text, pieces, ended: measure?.ended ?? "stopped" }];
    }));
    const found = await send("compare/differences", { answers });
    if (found.error) return;
    turn.differences = found.differences;
    save();
    if (here === room() && here.turns[number] === turn && nodes.has(`${number}`)) drawTurn(number);
  };

  /* which runs there are, and which one the page has in hand */

  const look = async () => {
    const found = await get("compare/voices");
    asked = true;
    if (found.error) return tell(found.error, true);
    runs.clear();
    for (const each of found.runs) runs.set(each.name, each);
    if (state.run && !runs.has(state.run)) state.run = "";
    const pushed = String(props.value ?? "");
    const wanted = pushed !== state.pushed && runs.has(pushed) ? pushed : state.run || [...runs.keys()][0] || "";
    state.pushed = pushed;
    if (wanted && wanted !== state.run) hold(wanted);
    else { draw(); if (state.run && room().draft === null) toRow(1, true); }
  };

  /* What is about to be asked comes into memory while the prompt is written. */
  const warmed = new Set();
  const warmUp = () => {
    if (!run() || warmed.has(state.run) || busy) return;
    warmed.add(state.run);
    send("compare/warm", { asker: `${asker}-warm`, voices: room().panes.map(voiceOf) });
  };
  composer.addEventListener("focusin", warmUp);
  composer.addEventListener("pointerenter", warmUp);

  const isSeen = () => frame.getClientRects().length > 0;
  let due = true;
  const lookWhenSeen = () => {
    if (!due || !isSeen()) return;
    due = false;
    look().then(() => { if (runs.size) send("compare/warm", {}); });
  };
  new IntersectionObserver(lookWhenSeen).observe(frame);
  watch("value", () => { due = true; lookWhenSeen(); });
  addEventListener("pagehide", () => keepNow(state));
  draw();
};
