/* The film strip under the loss curve: what the model in training answered to each prompt at each look. It is scrubbed
   by its slider, by arrow keys, by pointing at the chart, or played. Everything is set with textContent. */
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  const RUNS = new URL("../runs/", SCRIPT && SCRIPT.src ? SCRIPT.src : new URL("studio/assets/live_film.js", document.baseURI).href).href;
  const FRAME = 700; // ms of a frame while it plays
  const WORDS = /\s+|[^\s\p{L}\p{N}]|[\p{L}\p{N}]+/gu;
  const LOOKS = { changed: ": changed", right: ": as the reference", none: ": not asked" };
  const LONGEST = 400; // words of an answer that are compared

  const make = (tag, name, text = "") => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.textContent = text;
    return element;
  };

  const button = (name, text, label, act) => {
    const element = make("button", name, text);
    element.type = "button";
    element.setAttribute("aria-label", label);
    element.addEventListener("click", act);
    return element;
  };

  const stepText = (step) => (step ? `step ${step.toLocaleString("en")}` : "before the first step");

  /* The words of `after`, each with whether it stands in `before` too, in that order (longest common subsequence). */
  const compared = (before, after) => {
    const [old, now] = [before, after].map((text) => text.match(WORDS) || []);
    if (old.length > LONGEST || now.length > LONGEST) return [[after, false]];
    const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
    for (let i = old.length - 1; i >= 0; i--) {
      for (let j = now.length - 1; j >= 0; j--) table[i][j] = old[i] === now[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
    const found = [];
    let [i, j] = [0, 0];
    while (j < now.length) {
      if (i < old.length && old[i] === now[j]) { found.push([now[j++], false]); i++; }
      else if (i < old.length && table[i + 1][j] >= table[i][j + 1]) i++;
      else found.push([now[j++], true]);
    }
    return found;
  };

  class Film {
    constructor(section) {
      this.section = section;
      this.box = section.querySelector(".live-film");
      this.run = section.dataset.run;
      this.looked = null;
      this.at = -1;
      this.follows = true; // the newest frame, until a person scrubs
      this.frames = [];
      this.prompts = [];
      this.playing = 0;
      this.ended = new AbortController();
      section.addEventListener("live:step", ({ detail }) => this.pointed(detail.step), { signal: this.ended.signal });
      this.build();
    }

    build() {
      const head = make("div", "film-head");
      this.play = button("film-play", "Play", "Play the film strip", () => this.toggle());
      this.slider = make("input", "film-slider");
      Object.assign(this.slider, { type: "range", min: 0, step: 1 });
      this.slider.setAttribute("aria-label", "Look");
      this.slider.addEventListener("input", () => this.scrub(Number(this.slider.value)));
      this.told = make("output", "film-step");
      const back = button("film-back", "◀", "One look back", () => this.scrub(this.at - 1));
      const on = button("film-on", "▶", "One look on", () => this.scrub(this.at + 1));
      const pin = button("film-pin", "Pin a prompt …", "Pin a prompt for the next run", () => this.pin());
      head.append(make("h4", "", "What it answered on the way"), this.play, back, this.slider, on, this.told, pin);
      this.needle = make("p", "film-needle");
      this.rows = make("div", "film-rows");
      this.box.replaceChildren(head, this.needle, this.rows);
    }

    /* News of the run: fetch the strip where there was another look, or where the run was drawn anew. */
    async news(looked) {
      if (looked === this.looked) return;
      this.looked = looked;
      const response = await fetch(`${RUNS}${encodeURIComponent(this.run)}/film`, { cache: "no-store" });
      if (!response.ok) return;
      const { prompts, frames, needle } = await response.json();
      const step = this.frames[this.at]?.[0];
      this.prompts = prompts.filter(({ id }) => frames.some(([, texts]) => id in texts));
      this.frames = frames;
      this.box.hidden = !this.prompts.length && !needle;
      this.needle.hidden = !needle;
      this.needle.textContent = needle ? needle.words : "";
      this.needle.dataset.begun = Boolean(needle && needle.still);
      this.slider.max = Math.max(0, frames.length - 1);
      this.draw();
      const kept = frames.findIndex(([each]) => each === step);
      this.show(this.follows || kept < 0 ? frames.length - 1 : kept, false);
    }

    draw() {
      const head = this.box.querySelector(".film-head");
      for (const part of head.querySelectorAll(":is(.film-play, .film-back, .film-slider, .film-on, .film-step)")) part.hidden = !this.frames.length;
      this.rows.replaceChildren(...this.prompts.map((prompt) => this.row(prompt)));
    }

    row({ id, prompt, reference, kind }) {
      const row = make("article", "film-row");
      const strip = make("div", "film-strip");
      strip.setAttribute("aria-hidden", "true");
      let before = null;
      this.frames.forEach(([step, texts], place) => {
        const cell = make("i");
        const text = texts[id];
        if (text === undefined) cell.dataset.look = "none";
        else if (reference && text.trim() === reference.trim()) cell.dataset.look = "right";
        else if (before !== null && text !== before) cell.dataset.look = "changed";
        if (text !== undefined) before = text;
        cell.title = `${stepText(step)}${LOOKS[cell.dataset.look] || ""}`;
        cell.addEventListener("click", () => this.scrub(place));
        strip.append(cell);
      });
      const asked = make("p", "film-asked", prompt);
      asked.title = kind === "pinned" ? "Pinned prompt" : "Held-out row";
      const parts = [asked, make("p", "film-said"), strip];
      if (reference) {
        const wanted = make("p", "film-reference", reference);
        wanted.prepend(make("b", "", "Reference: "));
        parts.splice(2, 0, wanted);
      }
      row.dataset.id = id;
      row.append(...parts);
      return row;
    }

    /* A person chose a frame. */
    scrub(place) {
      this.stop();
      this.follows = place >= this.frames.length - 1;
      this.show(place, true);
    }

    /* The chart was pointed at: the last look up to that step. */
    pointed(step) {
      if (!this.frames.length || this.playing) return;
      const later = this.frames.findIndex(([each]) => each > step);
      const place = Math.max(0, (later < 0 ? this.frames.length : later) - 1);
      this.follows = false;
      this.show(place, true);
    }

    show(place, marks) {
      if (!this.frames.length) return;
      this.at = Math.min(Math.max(0, place), this.frames.length - 1);
      const [step, texts] = this.frames[this.at];
      this.slider.value = this.at;
      this.told.textContent = stepText(step);
      this.slider.setAttribute("aria-valuetext", stepText(step));
      for (const row of this.rows.children) this.showRow(row, texts);
      if (marks) this.section.dispatchEvent(new CustomEvent("film:step", { detail: { step } }));
    }

    showRow(row, texts) {
      const { id } = row.dataset;
      row.querySelectorAll(".film-strip i").forEach((cell, place) => cell.classList.toggle("now", place === this.at));
      const said = row.querySelector(".film-said");
      const text = texts[id];
      if (text === undefined) {
        said.replaceChildren(make("em", "", "Not asked at this look: it would have taken more than its share of the time."));
        return;
      }
      const before = this.frames.slice(0, this.at).map(([, each]) => each[id]).filter((each) => each !== undefined).pop();
      if (!text) said.replaceChildren(make("em", "", "It said nothing."));
      else said.replaceChildren(...(before === undefined ? [document.createTextNode(text)] : this.marked(compared(before, text))));
    }

    marked(words) {
      const found = [];
      for (const [word, isNew] of words) {
        const last = found.at(-1);
        if (last && last.isNew === isNew) last.text += word;
        else found.push({ text: word, isNew });
      }
      return found.map(({ text, isNew }) => (isNew ? make("mark", "", text) : document.createTextNode(text)));
    }

    toggle() {
      if (this.playing) { this.stop(); return; }
      let place = this.at >= this.frames.length - 1 ? 0 : this.at + 1;
      this.play.textContent = "Pause";
      const next = () => {
        this.show(place, true);
        place += 1;
        if (place >= this.frames.length) this.stop();
      };
      this.playing = setInterval(next, FRAME);
      next();
    }

    stop() {
      clearInterval(this.playing);
      this.playing = 0;
      this.play.textContent = "Play";
    }

    /* The field for it stands with what else can be done with the run. */
    pin() {
      const fold = document.querySelector("#run-pin");
      if (!fold) return;
      fold.open = true;
      fold.scrollIntoView({ block: "center" });
      fold.querySelector("input")?.focus();
    }

    close() {
      this.stop();
      this.ended.abort();
    }
  }

  const films = new Map();

  document.addEventListener("live:news", ({ target, detail }) => {
    for (const [section, film] of films) {
      if (section.isConnected && section.dataset.run === film.run) continue;
      film.close();
      films.delete(section);
    }
    if (!films.has(target)) films.set(target, new Film(target));
    const film = films.get(target);
    if (detail.anew) film.looked = null;
    film.news(detail.looked).catch((error) => {
      film.looked = null;
      console.info("Atelier, film strip:", error.message);
    });
  });
})();
