/* Who works with the keyboard keeps the place: what is drawn anew gets the focus of what it takes the place of. */

const nameOf = (node) => node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent ?? node.textContent;

const alike = (frame, node) => {
  const name = nameOf(node);
  return [...frame.querySelectorAll(node.tagName)].filter((other) => nameOf(other) === name);
};

const usable = (node) => Boolean(node) && node.getClientRects().length > 0 && !node.disabled;

/* Makes of something that draws in `frame` one that leaves the focus where it was. Where the same is no longer there,
   `instead()` gets it, unless the focus came by mouse or touch: then a phone would open its keyboard. */
export const keepingFocus = (frame, instead) => (draw) => () => {
  const before = document.activeElement;
  if (!frame.contains(before)) return draw();
  const place = alike(frame, before).indexOf(before), byKeys = before.matches(":focus-visible");
  draw();
  const now = document.activeElement;
  if (frame.contains(now) && usable(now)) return;
  const found = alike(frame, before), same = found[place] ?? found[0];
  const next = usable(same) ? same : byKeys ? instead() : null;
  next?.focus({ preventScroll: true });
};
