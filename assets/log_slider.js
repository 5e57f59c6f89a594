const [number, range] = element.querySelectorAll("input");
// `low` and `high` are set before this script.
const span = Math.log(high / low);
const rounded = (value) => Number(Number(value).toPrecision(2));

function show(value) {
  range.value = (1000 * Math.log(value / low)) / span;
  range.setAttribute("aria-valuetext", String(rounded(value)));
  number.value = rounded(value);
}

function set(value) {
  show(value);
  props.value = value;
  trigger("change");
}

show(props.value);
range.addEventListener("input", () => set(rounded(low * Math.exp((span * range.value) / 1000))));
number.addEventListener("change", () => set(Number(number.value)));
watch("value", () => show(props.value));
