// The method's cards: the component's value is the name of the one that is checked.
const radios = [...element.querySelectorAll("input[type=radio]")];
const families = [...element.querySelectorAll("details")];
const narrow = matchMedia("(max-width: 640px)").matches;

function show(name) {
  for (const radio of radios) radio.checked = radio.value === name;
  for (const family of families) {
    const chosen = Boolean(family.querySelector("input:checked"));
    family.toggleAttribute("data-chosen", chosen);
    if (chosen) family.open = true;
  }
}

if (narrow) for (const family of families) family.open = false;
show(props.value);
element.addEventListener("change", (event) => {
  if (!event.target.matches("input[type=radio]")) return;
  show(event.target.value);
  props.value = event.target.value;
  trigger("input");
});
watch("value", () => show(props.value));
