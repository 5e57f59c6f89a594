/* The rows below a run's chart: those of a step that a person points at, and those that the run's losses tell of. Draws
   into the `.live-rows` of the live view; what is done with a row goes to the studio by `window.atelier.rowAct`.
   All text that comes from a row is set with textContent, so it can never become markup. */
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  const HERE = SCRIPT && SCRIPT.src ? SCRIPT.src : new URL("studio/assets/live_rows.js", document.baseURI).href;
  const RUNS = new URL("../runs/", HERE).href;
  const LISTS = [["spikes", "Spikes"], ["suspicious", "Most suspicious rows"], ["never", "Rows that never learn"], ["heart", "Rows learned by heart"]];
  const SELDOM = 20000; // ms between looks at the gap of a run in progress
  const ACTIVE = new Set(["running", "stopping"]);
  const LOOKS = 60; // for the Data room to be there
  const PAUSE = 150; // ms between them

  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const button = (text, press, says) => {
    const element = make("button", "rows-button", text);
    element.type = "button";
    if (says) element.setAttribute("aria-label", says);
    element.addEventListener("click", press);
    return element;
  };

  const number = (value) => (value === null || value === undefined ? "not a number" : Number(value).toPrecision(3));

  /* the way of a row's loss through the run, as a small curve */
  const SVG = "http://www.w3.org/2000/svg";
  const curve = (way) => {
    const known = way.filter(([, loss]) => loss !== null);
    if (known.length < 2) return null;
    const [first, last] = [known[0][0], known[known.length - 1][0]];
    const most = Math.max(...known.map(([, loss]) => loss), 1e-9);
    const at = known.map(([step, loss]) => `${(2 + (96 * (step - first)) / Math.max(1, last - first)).toFixed(1)},${(26 - (24 * loss) / most).toFixed(1)}`);
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "0 0 100 28");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `Its loss over its ${known.length} visits: ${known.map(([, loss]) => number(loss)).join(", ")}`);
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", at.join(" "));
    picture.append(line);
    return picture;
  };

  /* the Data room at one row: its inner tab, its field "Go to row" */
  const found = async (look) => {
    for (let left = LOOKS; left > 0; left -= 1) {
      const there = look();
      if (there) return there;
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    return null;
  };

  const seen = (selector) => {
    const there = document.querySelector(selector);
    return there && there.getClientRects().length ? there : null;
  };

  const openInDataRoom = async (row) => {
    const tab = await found(() => seen("#data-views") && [...document.querySelectorAll("#data-views button[role=tab]")].find((each) => each.textContent.trim() === "Rows"));
    tab?.click();
    const rows = await found(() => seen("#rows table") && seen("#rows-number :is(input, textarea)"));
    if (!rows) return;
    rows.value = String(row);
    rows.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, PAUSE));
    rows.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true, cancelable: true }));
  };

  class Rows {
    constructor(box, run) {
      this.box = box;
      this.run = run;
      this.muted = new Set();
      this.asked = 0;
      this.ended = new AbortController();
      this.draw();
      this.box.closest(".live").addEventListener("live:step", ({ detail }) => {
        if (detail.how === "click" && detail.run === this.run) this.step(detail.step);
      }, { signal: this.ended.signal });
      const chip = this.box.closest(".live").querySelector(".live-chip");
      this.watching = new MutationObserver(() => this.look());
      this.watching.observe(chip, { attributeFilter: ["data-status"] });
      this.timer = setInterval(() => { if (!document.hidden && ACTIVE.has(chip.dataset.status)) this.look(); }, SELDOM);
      this.look();
    }

    draw() {
      this.gap = make("p", "rows-gap");
      this.none = make("p", "rows-none");
      this.asks = make("div", "rows-asks");
      this.asks.setAttribute("role", "group");
      this.asks.setAttribute("aria-label", "Which rows");
      this.asks.hidden = true;
      const form = make("form", "rows-step");
      const label = make("label", "", "Rows of step ");
      this.field = make("input");
      Object.assign(this.field, { type: "number", min: 1, step: 1, inputMode: "numeric" });
      label.append(this.field);
      const show = make("button", "rows-button", "Show");
      form.append(label, show);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (this.field.value) this.step(Number(this.field.value));
      });
      this.lists = LISTS.map(([kind, text]) => {
        const one = button(text, () => this.list(kind));
        one.dataset.kind = kind;
        one.setAttribute("aria-pressed", "false");
        return one;
      });
      this.asks.append(form, ...this.lists);
      this.found = make("div", "rows-found");
      this.found.tabIndex = -1;
      this.found.setAttribute("aria-live", "polite");
      this.box.replaceChildren(make("h4", "", "Rows"), this.gap, this.none, this.asks, this.found);
      this.box.hidden = false;
    }

    async ask(what) {
      const response = await fetch(`${RUNS}${encodeURIComponent(this.run)}/${what}`, { cache: "no-store" });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error || `the studio answered ${response.status}`);
      return answer;
    }

    async look() {
      try {
        const { gap, open, none, first, last } = await this.ask("rows");
        this.gap.textContent = gap || "";
        this.gap.classList.toggle("rows-open", Boolean(open));
        this.none.textContent = none || "Click a point of the training loss, or choose: ";
        this.asks.hidden = Boolean(none);
        if (none) return;
        Object.assign(this.field, { min: first, max: last });
        this.field.placeholder = `${first} to ${last}`;
      } catch (error) {
        console.info("Atelier, rows:", error.message);
      }
    }

    step(step) {
      this.field.value = step;
      return this.show(`rows?step=${Math.round(step)}`, "");
    }

    list(kind) {
      return this.show(`blame?kind=${kind}`, kind);
    }

    async show(what, kind) {
      const asked = ++this.asked;
      for (const each of this.lists) each.setAttribute("aria-pressed", each.dataset.kind === kind);
      this.found.setAttribute("aria-busy", "true");
      let answer;
      try {
        answer = await this.ask(what);
      } catch (error) {
        answer = { none: `The rows could not be read: ${error.message}. Try again.` };
      }
      if (asked !== this.asked) return; // another question came meanwhile
      this.found.removeAttribute("aria-busy");
      this.tell(answer);
    }

    tell({ none, title, words, rows, mark, spikes, step }) {
      if (step) this.field.value = step;
      const parts = none ? [make("p", "", none)] : [make("h5", "", title), make("p", "rows-words", words || "")];
      if (spikes) parts.push(this.spikes(spikes));
      if (rows && rows.length) {
        const most = Math.max(mark || 0, ...rows.map(({ bar }) => bar || 0), 1e-9);
        const list = make("ol", "rows-list");
        list.append(...rows.map((row) => this.row(row, mark, most)));
        parts.push(list);
      }
      this.found.replaceChildren(...parts);
      this.found.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }

    spikes(spikes) {
      const list = make("ol", "rows-spikes");
      list.append(...spikes.map(({ step, loss, usual, row, source }) => {
        const item = make("li");
        const says = `loss ${number(loss)}, usual ${number(usual)}; most of it is row ${row.toLocaleString("en")}${source ? ` of ${source}` : ""}`;
        item.append(button(`Step ${step.toLocaleString("en")}`, () => this.step(step)), make("span", "", says));
        return item;
      }));
      return list;
    }

    row({ row, source, bar, way, prompt, completion, rejected }, mark, most) {
      const item = make("li");
      const name = `Row ${row.toLocaleString("en")}${source ? ` of ${source}` : ""}`;
      const head = make("div", "rows-head");
      head.append(make("strong", "", name), make("span", "rows-loss", mark === null ? `${number(bar)} spreads above the usual` : `loss ${number(bar)}`));
      const line = make("div", "rows-bar");
      const full = make("i");
      full.style.width = `${(100 * (bar === null ? most : bar)) / most}%`;
      line.append(full);
      if (mark !== null) {
        const usual = make("b");
        usual.style.left = `${(100 * mark) / most}%`;
        line.append(usual);
      }
      const small = curve(way || []);
      if (small) head.append(small);
      item.append(head, line);
      for (const [title, text] of [["Prompt", prompt], ["Answer", completion], ["Worse answer", rejected]]) {
        if (!text) continue;
        const said = make("p", "rows-text");
        said.append(make("b", "", prompt ? title : "Text"), make("span", "", text));
        item.append(said);
      }
      if (!source) item.append(this.acts(row, name));
      return item;
    }

    acts(row, name) {
      const box = make("div", "rows-acts");
      const mute = button("", () => {
        const was = this.muted.has(row);
        if (was) this.muted.delete(row); else this.muted.add(row);
        this.act(was ? "unmute" : "mute", row);
        say();
      });
      const say = () => {
        const out = this.muted.has(row);
        mute.textContent = out ? "Left out next time. Take it back" : "Leave it out next time";
        mute.setAttribute("aria-label", out ? `${name} is left out of the next run. Take it back` : `Leave ${name} out of the next run`);
        mute.classList.toggle("rows-muted", out);
      };
      say();
      const mend = button("Mend it in the Data room", () => {
        this.act("mend", row);
        openInDataRoom(row);
      }, `Mend ${name} in the Data room`);
      box.append(mute, mend);
      return box;
    }

    act(what, row) {
      window.atelier.rowAct?.(`${what}:${this.run}:${row}`);
    }

    close() {
      this.ended.abort();
      this.watching.disconnect();
      clearInterval(this.timer);
    }
  }

  /* the page: the frames come and go */

  const every = new Map();

  const lookForFrames = () => {
    for (const [section, rows] of every) {
      if (section.isConnected && section.dataset.run === rows.run) continue;
      rows.close();
      every.delete(section);
    }
    for (const section of document.querySelectorAll(".live[data-run]")) {
      const box = section.querySelector(".live-rows");
      if (box && !every.has(section)) every.set(section, new Rows(box, section.dataset.run));
    }
  };

  let planned = false;
  const planLook = () => {
    if (planned) return;
    planned = true;
    setTimeout(() => { planned = false; lookForFrames(); }, 50);
  };

  const begin = () => {
    lookForFrames();
    new MutationObserver(planLook).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-run"] });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
