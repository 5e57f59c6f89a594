// Real buttons inside a piece of HTML: a press tells the studio which one it was, with the text of the field it names;
// of a group of fields all of them by name, as JSON.
let pressed = null;
let told = false;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-press]");
  if (!button || button.disabled) return;
  const field = button.dataset.field && element.querySelector(`#${CSS.escape(button.dataset.field)}`);
  pressed = button.dataset.press;
  trigger("click", { pressed, text: field ? written(field) : "" });
});

function written(field) {
  if (field.tagName !== "FIELDSET") return field.value;
  return JSON.stringify(Object.fromEntries([...field.elements].map(({ name, value }) => [name, value])));
}

// A redraw keeps what was typed into a field, though the field may be another row's by now; and it can turn the button
// that has the focus into another one, which a second press would set off. Focus goes to the line that tells what was
// done instead, and stays there when a later redraw puts another line in its place.
watch("value", () => {
  for (const field of element.querySelectorAll("textarea")) field.value = field.defaultValue;
  const at = document.activeElement;
  const nowhere = at === document.body;
  const lost = nowhere || (element.contains(at) && at.dataset.press !== pressed);
  const line = element.querySelector("[data-told]");
  told = Boolean(line) && ((pressed !== null && lost) || (told && nowhere));
  if (!told) return;
  line.focus({ preventScroll: true });
  pressed = null;
});
