// A redraw keeps open what a person opened and keeps what was typed, as long as it is the same run's.
const opened = new Set();
const runShown = () => element.querySelector("[data-of]")?.dataset.of || "";
let shownOf = runShown();

element.addEventListener("toggle", ({ target }) => {
  if (target.open) opened.add(target.id);
  else opened.delete(target.id);
}, true);

watch("value", () => {
  const now = runShown();
  if (now !== shownOf) {
    shownOf = now;
    opened.clear();
    for (const field of element.querySelectorAll("input")) field.value = field.defaultValue;
    for (const list of element.querySelectorAll("select")) {
      list.selectedIndex = Math.max(0, [...list.options].findIndex((option) => option.defaultSelected));
    }
  }
  for (const fold of element.querySelectorAll("details")) fold.open = opened.has(fold.id);
});
