// A button that names controls (data-reveal, ids or tabs, one after the other) leads to them: folds are opened, the last
// one gets the focus.
const WAIT = 100; // ms between looks
const PATIENCE = 40; // looks

const wait = () => new Promise((done) => setTimeout(done, WAIT));

async function found(selector) {
  for (let look = 0; look < PATIENCE; look += 1) {
    const there = document.querySelector(selector);
    if (there && there.getClientRects().length) return there;
    await wait();
  }
  return null;
}

async function reveal(places) {
  let at = null;
  for (const place of places) {
    if (place.startsWith("tab:")) {
      const tabs = [...document.querySelectorAll("#tabs > .tab-wrapper button[role=tab]")];
      tabs.find((tab) => tab.textContent.trim() === place.slice(4))?.click();
      continue;
    }
    at = await found(`#${CSS.escape(place)}`);
    const fold = at?.querySelector(":scope > .label-wrap");
    if (fold && !fold.classList.contains("open")) fold.click();
  }
  if (!at) return;
  at.scrollIntoView({ block: "center", behavior: "smooth" });
  at.querySelector("input:checked, input, textarea, select")?.focus({ preventScroll: true });
  at.classList.add("revealed");
  setTimeout(() => at.classList.remove("revealed"), 2000);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-reveal]");
  if (button?.dataset.reveal) reveal(button.dataset.reveal.split("|"));
});
