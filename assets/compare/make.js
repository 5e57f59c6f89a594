/* Making elements. Text is set with textContent or as a text node, so it can never become markup. */

export const make = (tag, options = {}, ...children) => {
  const { data = {}, on = {}, style = {}, ...rest } = options;
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(rest)) {
    if (value === null || value === undefined || value === false) continue;
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(style)) made.style.setProperty(key, value);
  for (const [event, handler] of Object.entries(on)) made.addEventListener(event, handler);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};

export const button = (text, press, options = {}) => {
  const { look = "", ...rest } = options;
  const className = `data-button${look ? ` data-button-${look}` : ""}`;
  return make("button", { type: "button", className, on: { click: press }, ...rest }, text);
};

export const labelled = (text, field, options = {}) =>
  make("label", { className: "compare-field", ...options }, make("span", {}, text), field);

export const percent = (p) => {
  if (p > 0.9995 && p < 1) return "> 99.9 %";
  if (p < 0.001) return "< 0.1 %";
  return `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`;
};

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu; // controls, marks of direction, halves of characters
const code = (letter) => `⟨U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/* A token as it can be seen: its spaces and line ends are part of it, and nothing in it turns what stands behind it. */
export const seen = (token) =>
  (token === "" ? "the end" : `“${token.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replace(UNSEEN, code)}”`);

export const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // no permission, or a page that is not served by https
    const field = make("textarea", { value: text, className: "compare-hidden" });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
};
