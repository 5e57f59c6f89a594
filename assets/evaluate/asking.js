/* What can be begun here: the base before any training, the scores of a run, new data read by a run. */

import { button, labelled, make } from "../../compare/assets/make.js";
import { rulesEditor } from "./rules.js";
import { get, upload } from "./studio.js";

const FEW = 5; // examples before a question
const short = (name) => name.replace("checkpoint-", "step ");

const checks = (legend, options, id) => {
  if (!options.length) return { node: null, chosen: () => [] };
  const boxes = options.map(([value, label]) => [value, make("input", { type: "checkbox", value }), label]);
  return {
    node: make("fieldset", { id }, make("legend", {}, legend), make("div", { className: "evaluate-checks" },
      ...boxes.map(([, box, label]) => make("label", { className: "compare-check" }, box, label)))),
    chosen: () => boxes.filter(([, box]) => box.checked).map(([value]) => value),
  };
};

/* `begin` is called with what is asked, and what it returns is awaited; the button cannot be pressed twice. */
const once = (text, begin, options = {}) => {
  const made = button(text, async () => {
    if (made.disabled) return;
    made.disabled = true;
    try {
      await begin();
    } finally {
      made.disabled = false;
    }
  }, { look: "main", ...options });
  return made;
};

export const scoresForm = ({ run, runs, most, begin, close }) => {
  const writes = run.writes;
  const siblings = runs.filter(({ base, task, name }) => base === run.base && task === run.task && name !== run.name);
  const limit = make("input", { type: "number", min: 1, max: run.held_out, step: 1, placeholder: run.held_out > most ? `${most} of ${run.held_out}, drawn evenly` : `all ${run.held_out}`, id: "evaluate-limit" });
  const examples = make("input", { type: "checkbox", checked: true });
  const checkpoints = checks("Checkpoints on the way", run.checkpoints.map((each) => [each, short(each)]));
  const others = checks("Other runs on this base", siblings.map(({ name, method }) => [name, `${name} · ${method}`]));
  const rules = rulesEditor();
  const url = make("input", { type: "url", placeholder: "https://…/v1", maxLength: 2000 });
  const model = make("input", { type: "text", maxLength: 200 });
  const key = make("input", { type: "text", value: "STUDIO_JUDGE_KEY", maxLength: 200 });
  const instructions = make("textarea", { rows: 3, maxLength: 20000, placeholder: "Empty: how close it is to the reference, in the studio's own wording." });
  const judge = make("details", { className: "evaluate-judge" }, make("summary", {}, "A judge: another model marks the answers (off)"),
    make("p", { className: "evaluate-note" }, "With a judge, prompts, references and answers leave this machine: they are sent to the address that you name. Leave it off for data that must not. It costs one request an answer, and a model's marks are opinions: look at the rows."),
    labelled("Address of an OpenAI-compatible endpoint", url), labelled("Model", model), labelled("Environment variable with the key", key),
    make("small", {}, "The key itself is never typed here or written down: set the variable before you start the studio."),
    labelled("What is a good answer", instructions));
  url.addEventListener("input", () => { judge.firstChild.textContent = `A judge: another model marks the answers (${url.value.trim() ? "on" : "off"})`; });
  const start = once("Begin", () => begin({
    run: run.name,
    limit: limit.value === "" ? null : Number(limit.value),
    shots: writes && examples.checked ? FEW : 0,
    checkpoints: checkpoints.chosen(),
    others: others.chosen(),
    rules: rules.rules(),
    judge: url.value.trim() ? { url: url.value.trim(), model: model.value.trim(), key_from: key.value.trim() || "STUDIO_JUDGE_KEY", instructions: instructions.value } : null,
  }));
  if (!run.held_out) start.disabled = true;
  return make("div", { className: "evaluate-panel", role: "group", "aria-label": "Score this run" },
    run.held_out ? null : make("p", { className: "evaluate-note" }, "This run kept no rows back, so there is nothing to score it on. Give the next run a held-out share in the Data tab; to look at this one, use Compare."),
    make("div", { className: "evaluate-columns" },
      make("div", {}, labelled("How many held-out rows", limit), make("small", {}, "More rows give narrower intervals and take longer. It can be cancelled and goes on later."),
        writes ? make("label", { className: "compare-check" }, examples, `Also the base with ${FEW} training rows as examples`) : null),
      checkpoints.node, others.node),
    make("details", { className: "evaluate-more" }, make("summary", {}, "Rules that an answer has to keep"),
      make("p", { className: "evaluate-quiet" }, "They can also be added later: answers that are there are looked at again at once."), rules.node),
    writes ? judge : null,
    make("div", { className: "evaluate-bar" }, start, button("Close", close, { look: "quiet" })));
};

/* `draft`: what the Data and Model tabs hold now; null while it is being asked for. */
export const baselineForm = ({ draft, ask, close }) => {
  const words = make("p", { className: "evaluate-quiet" });
  const start = once("Ask the base", ask);
  const show = (now) => {
    start.disabled = !now || Boolean(now.problem);
    words.textContent = !now ? "Looking at the data …" : now.problem || `${now.model} answers a sample of the held-out rows of ${now.data}.`;
    words.classList.toggle("evaluate-note", Boolean(now?.problem));
  };
  show(draft);
  const node = make("div", { className: "evaluate-panel", role: "group", "aria-label": "Ask the base first" },
    make("h3", {}, "Before any training: do you need this?"),
    make("p", {}, `The base answers a sample of the rows that are held out: once plain, once with ${FEW} of your rows as examples in the prompt. Under a minute on the starter. If that is good enough, you may not need to tune; if not, it is what your tuned model has to beat.`),
    words, make("div", { className: "evaluate-bar" }, start, close ? button("Close", close, { look: "quiet" }) : null));
  node.show = show;
  return node;
};

export const driftForm = ({ run, begin, tell, close }) => {
  const which = make("select", { id: "evaluate-file" }, new Option("…", ""));
  const file = make("input", { type: "file", "aria-label": "Upload a file", id: "evaluate-upload" });
  const start = once("Read it with this run", () => begin({ run: run.name, file: which.value }));
  const fill = async (chosen = "") => {
    const found = await get("evaluate/files");
    if (found.error) return tell(found.error, true);
    which.replaceChildren(...(found.files.length ? found.files : [{ id: "", name: "nothing uploaded yet" }]).map(({ id, name, about }) => new Option(about ? `${name} · ${about}` : name, id, false, id === chosen)));
    start.disabled = !found.files.length;
  };
  file.addEventListener("change", async () => {
    const [sent] = file.files;
    if (!sent) return;
    tell(`Uploading ${sent.name} …`);
    const done = await upload(`evaluate/files/${encodeURIComponent(sent.name)}`, sent);
    if (done.error) return tell(done.error, true);
    tell(`${sent.name} is there.`);
    await fill(done.id);
    start.focus();
  });
  fill();
  return make("div", { className: "evaluate-panel", role: "group", "aria-label": "New data" },
    make("h3", {}, "Is new data still what this run was trained on?"),
    make("p", {}, "Rows that came in since are compared with the training rows: how long they are, which words they use, and how well the model reads their answers. It says whether to tune again. The file needs the same columns as the training data, answers included."),
    make("div", { className: "evaluate-bar" }, labelled("File", which), labelled("or upload one", file)),
    make("div", { className: "evaluate-bar" }, start, button("Close", close, { look: "quiet" })));
};
