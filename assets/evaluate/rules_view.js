/* The rules of an evaluation and how well they are kept; more can be added over the answers that are there. */

import { send } from "./studio.js";
import { button, make } from "../../compare/assets/make.js";
import { dots } from "./plot.js";
import { ruleWords, rulesEditor } from "./rules.js";

export const rulesView = ({ shown, tell, changed }) => {
  const kept = shown.scores.metrics.filter(({ family }) => family === "rules");
  const wrong = make("p", { className: "evaluate-told evaluate-wrong", role: "alert", hidden: true });
  const editor = rulesEditor(shown.added);
  if (!shown.added.length) editor.add();
  const apply = button("Score these rules", async () => {
    apply.disabled = true;
    const rules = editor.rules().filter(({ text }) => text.trim() || shown.added.length === 0);
    const done = await send(`evaluate/${encodeURIComponent(shown.id)}/rules`, { rules });
    apply.disabled = false;
    wrong.hidden = !done.error;
    wrong.textContent = done.error ?? "";
    if (done.error) return;
    tell(rules.length ? "Scored over the answers that are there." : "The added rules are gone.");
    changed();
  }, { look: "main" });
  return make("section", { "aria-label": "Rules" },
    make("p", { className: "evaluate-quiet" }, "A rule is your own check of an answer: a text it contains, a pattern it matches, a form of JSON it has. Rules that are added here are scored at once over the answers there are; nobody answers again."),
    ...kept.map((metric) => make("section", { className: "evaluate-metric", "aria-label": metric.title }, make("div", { className: "evaluate-metric-head" }, make("h4", {}, metric.title)),
      dots({ ...metric, against: shown.scores.against, contestants: shown.contestants, colours: shown.colours }))),
    shown.rules.length ? make("details", { className: "evaluate-more" }, make("summary", {}, "Rules asked from the beginning"), make("ul", {}, ...shown.rules.map((rule) => make("li", {}, ruleWords(rule))))) : null,
    make("h4", {}, "Your rules"), editor.node, wrong, make("div", { className: "evaluate-bar" }, apply));
};
