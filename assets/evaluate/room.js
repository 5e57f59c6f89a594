/* The evaluate room: is tuning needed, what does a run score, which rows changed, has new data drifted.
   All text of models, files and people is set as text (make.js), so it can never become markup. */

import { get, send } from "./studio.js";
import { keepingFocus } from "../../compare/assets/focus.js";
import { button, labelled, make } from "../../compare/assets/make.js";
import { baselineForm, driftForm, scoresForm } from "./asking.js";
import { driftNode } from "./drift.js";
import { keep, restored } from "./keeping.js";
import { kindOf, listNode, progressNode } from "./list.js";
import { coloursOf } from "./plot.js";
import { newRowsView, rowsView } from "./rows.js";
import { rulesView } from "./rules_view.js";
import { headNode, scoresNode } from "./scores.js";
import { slicesView } from "./slices.js";

const QUICK = 1000, SLOW = 4000; // ms between looks while something is under way, and while nothing is
const VIEWS = [["scores", "Scores"], ["rows", "Rows"], ["slices", "Slices"], ["rules", "Rules"]];

export const open = (element, props, watch, trigger) => {
  const frame = element.querySelector(".evaluate");
  const state = restored();
  let known = { runs: [], evaluations: [], baselines: [], waits: "" };
  let asked = false; // whether the studio has answered once
  let panel = ""; // which form is open
  let shown = null; // the evaluation that is opened, wholly
  let drawn = null; // what of it stands on the page
  let drawnFor = null; // the run that the stage was drawn for
  let silent = false; // whether the studio did not answer when it was looked at last
  let drawnList = "", ticket = 0, baseline = null, waitsForBaseline = null;

  const save = () => keep(state);
  const run = () => known.runs.find(({ name }) => name === state.run);
  const lines = () => [...known.evaluations, ...known.baselines];
  const chosen = () => lines().find(({ id }) => id === state.chosen[state.run]);

  /* the frame */

  const told = make("p", { className: "evaluate-told", role: "status" });
  const tell = (text, wrong = false) => {
    told.textContent = text;
    told.classList.toggle("evaluate-wrong", wrong);
    told.setAttribute("role", wrong ? "alert" : "status");
  };
  const choice = make("select", { id: "evaluate-run", on: { change: () => hold(choice.value) } });
  const acts = {
    baseline: button("Ask the base first", () => toggle("baseline"), { "aria-expanded": "false" }),
    scores: button("Score this run", () => toggle("scores"), { "aria-expanded": "false", look: "main" }),
    drift: button("New data", () => toggle("drift"), { "aria-expanded": "false", title: "Is data that came in since still what this run was trained on?" }),
  };
  const report = make("a", { className: "data-button", target: "_blank", rel: "noopener", hidden: true }, "Report of this run");
  const forms = make("div", { hidden: true });
  const side = make("nav", { className: "evaluate-list", "aria-label": "Evaluations" });
  const stage = make("div", { className: "evaluate-stage" });
  frame.append(make("div", { className: "evaluate-bar evaluate-top" }, labelled("Tuned run", choice), acts.scores, acts.baseline, acts.drift, report),
    told, forms, make("div", { className: "evaluate-body" }, side, stage));
  forms.addEventListener("keydown", (event) => { if (event.key === "Escape" && panel) { acts[panel].focus(); toggle(panel); } });

  const staying = keepingFocus(frame, () => choice);

  /* drawing */

  const drawBar = staying(() => {
    const options = known.runs.map(({ name, base_name, method, status }) => new Option(`${name} · ${base_name} · ${method}${status === "finished" ? "" : ` · ${status}`}`, name, false, name === state.run));
    choice.replaceChildren(...(options.length ? options : [new Option(asked ? "none yet" : "…", "")]));
    choice.disabled = !options.length;
    acts.scores.disabled = !run();
    acts.drift.disabled = !run()?.writes;
    report.hidden = !run();
    if (run()) report.href = new URL(`studio/runs/${encodeURIComponent(state.run)}/report`, document.baseURI).href;
  });

  const drawList = () => {
    const now = JSON.stringify([known.evaluations, known.baselines, known.waits, state.chosen[state.run], state.run]);
    if (now === drawnList) return;
    drawnList = now;
    staying(() => {
      const doing = { open: choose, cancel: (line) => act(line, "cancel"), resume: (line) => act(line, "resume"), waits: () => known.waits };
      const current = state.chosen[state.run];
      side.replaceChildren(
        ...(run() ? [listNode("Of this run", known.evaluations, current, doing, "None yet. Press Score this run: base and tuned model answer the held-out rows.")] : []),
        listNode("Before any training", known.baselines, current, doing, "None yet. Press Ask the base first to see whether you need to tune at all."));
    })();
  };

  const drawStage = staying(() => {
    const line = chosen();
    drawnFor = asked ? state.run : null;
    drawn = line?.status === "finished" ? shown : null;
    if (!line) {
      const [title, words] = !asked ? ["", "Looking for runs …"] : run()
        ? ["This run has not been scored yet.", "Base and tuned model answer the rows that were held out of training, side by side, and each figure comes with its interval."]
        : ["No run has a result yet.", "Before you train, ask the base first: if it already does what you want, you may not need to. After a run, its scores are here."];
      const step = !asked ? null : run() ? button("Score this run", () => toggle("scores", true), { look: "main" }) : null;
      return stage.replaceChildren(make("div", { className: "evaluate-empty" }, title ? make("h3", {}, title) : null, make("p", {}, words), step));
    }
    if (line.status !== "finished") {
      return stage.replaceChildren(make("section", { className: "evaluate-under-way", "aria-label": kindOf(line) },
        make("h3", { tabIndex: -1 }, line.active ? `${kindOf(line)}: under way` : `${kindOf(line)}: not finished`),
        make("p", { className: "evaluate-quiet" }, [line.title, line.rows_are, line.contestants.map(({ label }) => label).join(", ")].filter(Boolean).join(" · ")),
        line.error ? make("p", { className: "evaluate-told evaluate-wrong" }, line.error) : null,
        progressNode(line, { cancel: () => act(line, "cancel"), resume: () => act(line, "resume"), waits: () => known.waits })));
    }
    if (shown?.id !== line.id) return stage.replaceChildren(make("p", { className: "evaluate-empty" }, "Reading …"));
    if (shown.kind === "drift") return stage.replaceChildren(...driftNode(shown));
    const tabs = VIEWS.map(([name, text]) => make("button", { type: "button", role: "tab", id: `evaluate-tab-${name}`, "aria-selected": String(state.view === name), "aria-controls": "evaluate-view", tabIndex: state.view === name ? 0 : -1, on: { click: () => goTo(name) } }, text));
    const bar = make("div", { className: "evaluate-tabs", role: "tablist", "aria-label": "What is shown", on: { keydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = VIEWS.findIndex(([name]) => name === state.view);
      goTo(VIEWS[(at + step + VIEWS.length) % VIEWS.length][0]);
      document.getElementById(`evaluate-tab-${state.view}`)?.focus();
    } } }, ...tabs);
    const view = make("div", { id: "evaluate-view", role: "tabpanel", "aria-labelledby": `evaluate-tab-${state.view}`, tabIndex: -1 }, ...[viewNode()].flat().filter(Boolean));
    stage.replaceChildren(headNode(shown, goTo), bar, view);
  });

  const viewNode = () => {
    if (state.view === "rows") {
      const within = state.within?.id === shown.id ? state.within : null;
      return rowsView({ shown, view: state.rows, save, tell, within, clearWithin: () => { state.within = null; goTo("rows"); } });
    }
    if (state.view === "slices") {
      return slicesView({ shown, view: state.slices, save, tell, goTo: (by, name) => { state.within = { id: shown.id, by, name }; Object.assign(state.rows, { page: 0, search: "", show: "all", order: null }); goTo("rows"); } });
    }
    if (state.view === "rules") return rulesView({ shown, tell, changed: () => fetchShown(true) });
    return scoresNode(shown, state.open, (family, isOpen) => {
      state.open = state.open.filter((each) => each !== family).concat(isOpen ? [family] : []);
      save();
    });
  };

  const goTo = (view) => {
    state.view = view;
    save();
    drawStage();
  };

  /* acting */

  const hold = (name) => {
    state.run = name;
    state.within = null;
    if (panel === "scores" || panel === "drift") close();
    tell("");
    save();
    look();
  };

  const choose = (id) => {
    if (state.chosen[state.run] !== id) Object.assign(state, { within: null, rows: { ...newRowsView(), marked: state.rows.marked } });
    state.chosen[state.run] = id;
    save();
    drawList();
    tell("");
    fetchShown().then(() => { if (matchMedia("(max-width: 860px)").matches) stage.scrollIntoView({ block: "start" }); });
  };

  const close = () => {
    if (panel) acts[panel].setAttribute("aria-expanded", "false");
    panel = "";
    forms.hidden = true;
    forms.replaceChildren();
    baseline = null;
  };

  const toggle = (which, stay = false) => {
    if (panel === which && !stay) return close();
    close();
    tell("");
    panel = which;
    acts[which].setAttribute("aria-expanded", "true");
    const shut = () => { close(); acts[which].focus(); };
    const form = which === "scores" ? scoresForm({ run: run(), runs: known.runs, most: props.most, begin: (what) => begin("evaluate/scores", what), close: shut })
      : which === "drift" ? driftForm({ run: run(), begin: (what) => begin("evaluate/drift", what), tell, close: shut })
        : (baseline = baselineForm({ draft: null, ask: askBase, close: shut }));
    forms.replaceChildren(form);
    forms.hidden = false;
    if (which === "baseline") trigger("select", {});
    form.querySelector("input:not([disabled]), select")?.focus({ preventScroll: true });
  };

  const begin = async (path, what) => {
    tell("Beginning …");
    const done = await send(path, what);
    if (done.error) return tell(done.error, true);
    close();
    begun(done);
  };

  const begun = async ({ id, again }) => {
    tell(again ? "This is under way already; here it is." : "");
    Object.assign(state, { view: "scores", within: null });
    state.chosen[state.run] = id;
    save();
    await look();
    stage.querySelector("h3")?.focus();
  };

  /* The base is asked with what the Data and Model tabs hold, which the page's own event knows. */
  const askBase = () => new Promise((done) => {
    tell("Beginning: the data is read …");
    waitsForBaseline = done;
    trigger("submit", {});
    setTimeout(() => { if (waitsForBaseline === done) { waitsForBaseline = null; done(); } }, 120000);
  });
  watch("draft", () => {
    if (!props.draft) return;
    const now = JSON.parse(props.draft);
    baseline?.show(now);
  });
  watch("begun", () => {
    if (!props.begun || !waitsForBaseline) return;
    const { id, error, again } = JSON.parse(props.begun);
    waitsForBaseline();
    waitsForBaseline = null;
    if (error) return tell(error, true);
    close();
    begun({ id, again });
  });

  const act = async (line, what) => {
    const done = await send(`evaluate/${encodeURIComponent(line.id)}/${what}`, {});
    if (done.error) tell(done.error, true);
    else tell(what === "cancel" ? "It ends at the next answer. What was answered is kept." : "");
    await look();
  };

  /* looking */

  const fetchShown = async (anew = false) => {
    const line = chosen(), mine = ++ticket;
    if (!line || line.status !== "finished") return drawStage();
    if (shown?.id === line.id && shown.stamp === line.stamp && !anew) return drawn === shown ? null : drawStage();
    if (shown?.id !== line.id) drawStage();
    const found = await get(`evaluate/${encodeURIComponent(line.id)}`);
    if (mine !== ticket) return;
    if (found.error) {
      shown = null;
      silent = Boolean(found.silent);
      if (silent) return tell(found.error, true);
      stage.replaceChildren(make("p", { className: "evaluate-told evaluate-wrong" }, found.error));
      return;
    }
    shown = { ...found, colours: coloursOf(found.contestants) };
    drawStage();
  };

  const progressOf = (line) => line && JSON.stringify([line.id, line.status, line.status === "finished" ? line.stamp : line.progress, line.error]);

  const look = async () => {
    const before = progressOf(chosen()), wanted = state.run;
    const found = await get(`evaluate?run=${encodeURIComponent(wanted)}`);
    if (wanted !== state.run) return;
    if (found.error) {
      tell(found.error, true);
      silent = true;
      return;
    }
    const again = silent;
    if (again) tell("");
    silent = false;
    const first = !asked;
    asked = true;
    const runsBefore = JSON.stringify(known.runs), wasThere = Boolean(run());
    known = found;
    if (state.run && !run()) {
      tell(wasThere || first ? `The run ${state.run} is no longer there, and its evaluations went with it.` : "");
      state.run = "";
      drawnList = "";
    }
    const pushed = String(props.value ?? "");
    const next = pushed !== state.pushed && known.runs.some(({ name }) => name === pushed) ? pushed : state.run || known.runs[0]?.name || "";
    state.pushed = pushed;
    if (next !== state.run) {
      state.run = next;
      save();
      drawBar();
      return look();
    }
    if (!chosen()) {
      const newest = known.evaluations[0] ?? (run() ? null : known.baselines[0]);
      if (newest) state.chosen[state.run] = newest.id;
      else delete state.chosen[state.run];
    }
    save();
    if (first || runsBefore !== JSON.stringify(known.runs)) drawBar();
    drawList();
    if (first && !run() && !known.baselines.length && !panel) toggle("baseline");
    if (first || again || drawnFor !== state.run || before !== progressOf(chosen())) await fetchShown();
  };

  const isSeen = () => frame.getClientRects().length > 0 && document.visibilityState === "visible";
  let timer = 0, looking = false;
  const loop = async () => {
    clearTimeout(timer);
    if (!element.isConnected) return;
    if (isSeen() && !looking) {
      looking = true;
      try { await look(); } finally { looking = false; }
    }
    if (isSeen()) timer = setTimeout(loop, lines().some(({ active }) => active) ? QUICK : SLOW);
  };
  new IntersectionObserver(loop).observe(frame);
  document.addEventListener("visibilitychange", loop);
  watch("value", loop);
  drawBar();
  drawStage();
};
