// `low` and `high` are set before this script. Twenty positions a decade: two digits tell any two of them apart.
const PER_DECADE = 20;
const [number, range] = element.querySelectorAll("input");
range.max = Math.round(PER_DECADE * Math.log10(high / low));
const rounded = (value) => Number(Number(value).toPrecision(2));

function show(value) {
  range.value = PER_DECADE * Math.log10(value / low);
  range.setAttribute("aria-valuetext", String(value));
  number.value = value;
}

function set(value) {
  show(value);
  props.value = value;
  trigger("change");
}

show(props.value);
range.addEventListener("input", () => set(rounded(low * 10 ** (range.value / PER_DECADE))));
number.addEventListener("change", () => set(Number(number.value)));
watch("value", () => show(props.value));
