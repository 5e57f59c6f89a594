/* What can be added as one more pane: the base once more, what a run or a checkpoint left, several adapters mixed. */

import { button, labelled, make } from "./make.js";

const HOWS = [
  ["linear", "linear: add them up"],
  ["ties", "TIES: keep the largest, settle the signs"],
  ["dare_linear", "DARE: drop some by chance, scale up the rest"],
  ["dare_ties", "DARE, then TIES"],
];
const HOW_WORDS = "Linear adds the adapters up by weight. TIES keeps each adapter's largest numbers and drops those whose sign loses the vote (Yadav et al. 2023). " +
  "DARE drops numbers by chance and scales up the rest (Yu et al. 2024). Density is the share that is kept.";
const FEW = 4;

/* `runs` on this base, `add(pane options)`, `shots(k)` fetches examples. */
export const addingPanel = ({ run, runs, writes, add, shots, close }) => {
  const options = (wanted = () => true) => runs.filter(wanted).map(({ name, method, checkpoints }) => {
    const group = make("optgroup", { label: `${name} · ${method}` });
    group.append(new Option(`${name}: result`, `${name}/result`));
    for (const checkpoint of checkpoints) group.append(new Option(`${name}: step ${checkpoint.replace("checkpoint-", "")}`, `${name}/${checkpoint}`));
    return group;
  });
  const parted = (value) => {
    const at = value.lastIndexOf("/");
    return { run: value.slice(0, at), part: value.slice(at + 1) };
  };

  const which = make("select", {}, ...options());
  const tuned = make("fieldset", {}, make("legend", {}, "A run or a checkpoint on this base"),
    labelled("Which", which), button("Add it", () => add(parted(which.value)), { look: "main" }));

  const count = make("input", { type: "number", min: 1, max: 32, value: FEW });
  const base = make("fieldset", {}, make("legend", {}, "The base with examples"),
    make("p", {}, "Training rows before the question. If the base answers well with a few of them, you may not need tuning."),
    labelled("How many", count),
    button("Add base with examples", async () => add({ run, part: "base", shots: await shots(Number(count.value)) }), { look: "main" }));

  const system = make("textarea", { rows: 2 });
  const prompted = make("fieldset", {}, make("legend", {}, "The base with a system prompt"),
    labelled("System prompt", system),
    button("Add base with it", () => (system.value.trim() ? add({ run, part: "base", system: system.value }) : system.focus()), { look: "main" }));

  const mixable = runs.filter(({ mixes, checkpoints }) => mixes && (checkpoints.length || runs.length > 1));
  const parts = make("div", { className: "compare-mixed" });
  const ingredient = (chosen, weight) => {
    const source = make("select", { "aria-label": "Adapter" }, ...options(({ mixes }) => mixes));
    if (chosen) source.value = chosen;
    const share = make("input", { type: "number", min: -2, max: 2, step: 0.05, value: weight, "aria-label": "Weight" });
    parts.append(make("div", {}, source, share));
  };
  const how = make("select", {}, ...HOWS.map(([value, label]) => new Option(label, value)));
  const density = make("input", { type: "number", min: 0.05, max: 1, step: 0.05, value: 0.5 });
  const thinned = labelled("Density", density, { hidden: true });
  how.addEventListener("change", () => { thinned.hidden = how.value === "linear"; });
  if (mixable.length) {
    const all = runs.filter(({ mixes }) => mixes).flatMap(({ name, checkpoints }) => [`${name}/result`, ...checkpoints.map((each) => `${name}/${each}`)]);
    const results = all.filter((each) => each.endsWith("/result"));
    const [first, second] = results.length > 1 ? results : all;
    ingredient(first, 0.5);
    ingredient(second, 0.5);
  }
  const mix = !mixable.length ? null : make("fieldset", {}, make("legend", {}, "Adapters mixed by weight"), parts,
    button("One more adapter", (event) => { ingredient("", 0.5); event.target.disabled = parts.children.length >= 4; }, { look: "quiet" }),
    labelled("How", how), thinned, make("small", {}, HOW_WORDS),
    button("Add the mix", () => {
      const mixed = [...parts.children].map((line) => ({ ...parted(line.children[0].value), weight: Number(line.children[1].value) }));
      add({ run, part: "result", mixed, how: how.value, density: Number(density.value) });
    }, { look: "main" }));

  return make("div", { className: "compare-adding", role: "group", "aria-label": "Add a pane" },
    make("div", { className: "compare-choices" }, tuned, writes ? base : null, writes ? prompted : null, mix),
    button("Close", close, { look: "quiet" }));
};
