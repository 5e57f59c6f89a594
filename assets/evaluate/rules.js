/* Rules that an answer has to keep: as many as wanted, told wrong all at once by the studio. */

import { button, labelled, make } from "../../compare/assets/make.js";

const KINDS = [
  ["contains", "contains the text", "Text", "such as: Kind regards"],
  ["regex", "matches the regular expression", "Regular expression", "such as: ^\\d{4}-\\d{2}-\\d{2}$"],
  ["json-schema", "is JSON of this schema", "JSON schema", 'such as: {"type": "object", "required": ["name"]}'],
];
export const kindWords = (kind) => KINDS.find(([name]) => name === kind)?.[1] ?? kind;

/* What a rule says, in words. */
export const ruleWords = ({ kind, text, inverted }) => `The answer ${inverted ? "must not be one that" : "must be one that"} ${kindWords(kind)}: ${text.length > 120 ? `${text.slice(0, 120)} …` : text}`;

export const rulesEditor = (before = []) => {
  const lines = make("ol", { className: "evaluate-rules" });
  const add = (rule = {}) => {
    const kind = make("select", { "aria-label": "What is looked for" }, ...KINDS.map(([name, words]) => new Option(words, name, false, name === rule.kind)));
    const must = make("select", { "aria-label": "Must or must not" }, new Option("holds when the answer", "", false, !rule.inverted), new Option("is broken when the answer", "not", false, Boolean(rule.inverted)));
    const text = make("textarea", { rows: 1, value: rule.text ?? "", maxLength: 20000, spellcheck: false });
    const title = make("input", { type: "text", value: rule.title ?? "", maxLength: 200, placeholder: "its own words if empty" });
    const field = labelled("", text);
    const show = () => {
      const [, , label, hint] = KINDS.find(([name]) => name === kind.value);
      field.firstChild.textContent = label;
      text.placeholder = hint;
      text.rows = kind.value === "json-schema" ? 4 : 1;
    };
    kind.addEventListener("change", show);
    show();
    const remove = button("Remove", () => {
      const next = line.nextElementSibling ?? line.previousElementSibling;
      line.remove();
      (next?.querySelector("textarea") ?? more).focus();
    }, { look: "quiet", "aria-label": "Remove this rule" });
    const line = make("li", {}, make("div", { className: "evaluate-rule" }, must, kind, field, labelled("Name", title), remove));
    line.read = () => ({ kind: kind.value, text: text.value, title: title.value, inverted: must.value === "not" });
    lines.append(line);
    return text;
  };
  const more = button("Add a rule", () => add().focus());
  before.forEach(add);
  return {
    node: make("div", {}, lines, more),
    rules: () => [...lines.children].map((line) => line.read()),
    add,
  };
};
