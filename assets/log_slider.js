const [number, range] = element.querySelectorAll("input");
const span = Math.log(props.high / props.low);
const rounded = (value) => Number(Number(value).toPrecision(2));

function show(value) {
  range.value = (1000 * Math.log(value / props.low)) / span;
  range.setAttribute("aria-valuetext", String(rounded(value)));
  number.value = rounded(value);
}

function set(value) {
  show(value);
  props.value = value;
  trigger("change");
}

show(props.value);
range.addEventListener("input", () => set(rounded(props.low * Math.exp((span * range.value) / 1000))));
number.addEventListener("change", () => set(Number(number.value)));
watch("value", () => show(props.value));
