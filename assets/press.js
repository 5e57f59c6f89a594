// Real buttons inside a piece of HTML: a press tells the studio which one it was, with the text of the field it names.
let pressed = null;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-press]");
  if (!button || button.disabled) return;
  const field = button.dataset.field && element.querySelector(`#${CSS.escape(button.dataset.field)}`);
  pressed = button.dataset.press;
  trigger("click", { pressed, text: field ? field.value : "" });
});

// A redraw keeps what was typed into a field, though the field may be another row's by now; and it can turn the button
// that has the focus into another one, which a second press would set off. Focus goes to the line that tells what was
// done instead.
watch("value", () => {
  for (const field of element.querySelectorAll("textarea")) field.value = field.defaultValue;
  const at = document.activeElement;
  const lost = at === document.body || (element.contains(at) && at.dataset.press !== pressed);
  if (pressed !== null && lost) element.querySelector("[data-told]")?.focus({ preventScroll: true });
  pressed = null;
});
