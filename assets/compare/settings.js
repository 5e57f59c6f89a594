/* How all panes answer: a field for each option that the studio declares, and what each does. */

import { button, make } from "./make.js";

const WIDE = 100000; // a range wider than this is a number to type

export const settingsForm = (knobs, values, changed) => {
  const field = (knob) => {
    const { name, label, unit, help, low, high, step } = knob;
    const id = `settings-${name.replaceAll("_", "-")}`;
    const common = { min: low, max: high, step: step ?? "any", value: values[name] ?? knob.default };
    const number = make("input", { type: "number", id, "aria-describedby": `${id}-help`, ...common });
    const slider = high - low > WIDE ? null : make("input", { type: "range", "aria-label": label, "aria-describedby": `${id}-help`, ...common });
    const take = (from) => {
      const value = Math.min(high, Math.max(low, Number(from.value)));
      if (from.value === "" || Number.isNaN(value)) return;
      values[name] = Number.isInteger(knob.default) ? Math.round(value) : value;
      for (const each of [number, slider]) if (each && each !== from) each.value = values[name];
      changed();
    };
    number.addEventListener("input", () => take(number));
    number.addEventListener("change", () => { number.value = values[name] ?? knob.default; });
    slider?.addEventListener("input", () => take(slider));
    return make("div", { className: "compare-knob" },
      make("div", {}, make("label", { htmlFor: id }, unit ? `${label} (${unit})` : label), number),
      slider, make("small", { id: `${id}-help` }, help));
  };
  const fields = make("div", { className: "compare-knobs" }, ...knobs.map(field));
  const reset = button("As at first", () => {
    for (const { name } of knobs) delete values[name];
    changed();
    form.replaceWith(settingsForm(knobs, values, changed));
  }, { look: "quiet" });
  const form = make("div", { className: "compare-settings" }, fields, reset);
  return form;
};

export const settingsOf = (knobs, values) => Object.fromEntries(knobs.map(({ name, default: usual }) => [name, values[name] ?? usual]));
