/* The live view of a run: finds `.live[data-run]` on the page, draws its curve once (live_chart.js) and extends it with
   what is new.
   All text that comes from a run is set with textContent, so it can never become markup. */
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  const HERE = SCRIPT && SCRIPT.src ? SCRIPT.src : new URL("studio/assets/live.js", document.baseURI).href;
  const RUNS = new URL("../runs/", HERE).href;
  const NOTIFY = "atelier-notify"; // kept in this browser: whether to tell when a run is over

  const EACH = 1000; // ms between looks at a run in progress
  const SELDOM = 15000; // ms between looks at a run that is over, or from a page that nobody sees
  const OVER = new Set(["finished", "stopped", "paused", "cancelled", "failed", "lost"]);
  const PHASES = {
    "": "The trainer is starting.",
    loading: "Loading the base model.",
    preparing: "Preparing the rows.",
    training: "Training.",
    scoring: "Measuring the held-out rows.",
    saving: "Saving what was learned.",
  };
  const ENDING = {
    stop: "Stopping after this step. What was learned is kept.",
    pause: "Pausing after this step. A checkpoint is kept to go on from.",
    cancel: "Cancelling. What was learned is thrown away.",
  };
  const { Chart, fetchPlotly } = window.atelier;

  /* words */

  const setText = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const exactly = (seconds) => {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  };

  const briefly = (seconds) => {
    if (seconds < 60) return `${seconds < 20 ? Math.round(seconds) : 5 * Math.round(seconds / 5)} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 90) return `${minutes} min`;
    return minutes < 6000 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} days`;
  };

  const about = (seconds) => (seconds < 5 ? "a few seconds" : `about ${briefly(seconds)}`);

  /* "3 to 6 min": the bounds of an estimate, where they differ as they are said. */
  const between = (low, high) => {
    const [from, to] = [briefly(low), briefly(high)];
    if (from === to) return "";
    const [number, unit, ...more] = from.split(" ");
    return `${!more.length && to.endsWith(` ${unit}`) ? number : from} to ${to}`;
  };

  const numberText = (value) => {
    if (typeof value !== "number") return value || "–";
    if (value === 0) return "0";
    if (Math.abs(value) < 1e-3) return value.toExponential(2);
    return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(4);
  };

  const count = (value) => value.toLocaleString("en");

  const statusLine = ({ status, seen, clock, ended, wish, silent }) => {
    if (status === "waiting") return "In the queue. It begins by itself as soon as the trainer is free.";
    if (silent) return `Nothing was heard of it for ${briefly(silent)}, which is much longer than usual. It may be stuck: see the log of the run below, wait, or end it.`;
    if (status === "running") return PHASES[seen.progress.phase] || PHASES[""];
    if (status === "stopping") return ENDING[wish] || ENDING.stop;
    if (status === "finished") return ended || `Done after ${exactly(clock.elapsed)}. The tuned model is ready.`;
    if (status === "stopped") return ended || "Taken off the queue before it began.";
    if (status === "paused") return ended || "Paused before it began.";
    if (status === "cancelled") return ended || "Cancelled. Its recipe, rows and log are kept.";
    if (status === "failed") return ended || "It failed without a reason. The run's log has the details.";
    return "The trainer's process ended without a word. It may have been killed or run out of memory: see output.log in the run's folder, then press Resume, or train again where it kept no checkpoint.";
  };

  window.atelier.look = () => views.forEach((view) => view.wake());

  /* the title of the page: how far the run is, for whoever looks at other tabs meanwhile */

  const title = {
    own: null,
    shown: null,
    show(...parts) {
      if (document.title !== this.shown) this.own = document.title;
      this.shown = [...parts.filter(Boolean), this.own].join(" · ");
      document.title = this.shown;
    },
    restore() {
      if (this.shown !== null && document.title === this.shown) document.title = this.own;
      this.shown = null;
    },
  };

  /* a word when a run is over, where the person asked for it and the browser allows it */

  const notice = {
    wanted: false,
    load() {
      try { this.wanted = localStorage.getItem(NOTIFY) === "yes"; } catch { /* a browser that keeps nothing */ }
    },
    keep(wanted) {
      this.wanted = wanted;
      try { localStorage.setItem(NOTIFY, wanted ? "yes" : "no"); } catch { /* it lasts as long as the page */ }
    },
    on() {
      return this.wanted && Notification.permission === "granted";
    },
    async toggle() {
      const on = this.on();
      this.keep(!on && (await Notification.requestPermission()) === "granted");
    },
    show(button) {
      if (!("Notification" in window)) return;
      const blocked = Notification.permission === "denied";
      button.disabled = blocked;
      button.setAttribute("aria-pressed", this.on());
      setText(button, blocked ? "This browser blocks notifications" : "Tell me when it is over");
    },
    tell(name, words) {
      if (!("Notification" in window) || !this.on()) return;
      try {
        new Notification(`${name} · Atelier`, { body: words, tag: name });
      } catch { /* a phone lets no page do this */ }
    },
  };

  /* one live view: asks for news and shows them */

  class LiveView {
    constructor(section) {
      this.section = section;
      this.name = section.dataset.run;
      this.chart = new Chart(section);
      this.chart.onOthers = (wanted) => this.showOthers(wanted);
      const button = section.querySelector(".live-notify");
      const press = () => notice.toggle().then(() => notice.show(button));
      button.addEventListener("click", press, { signal: this.chart.ended.signal });
      notice.show(button);
      this.closed = false;
      this.failures = 0;
      this.wake = () => {};
      this.forget();
      this.run();
    }

    forget() {
      this.state = null;
    }

    async run() {
      while (!this.closed) {
        const wait = await this.look();
        if (!this.closed) await new Promise((done) => { this.wake = done; setTimeout(done, wait); });
      }
    }

    /* One look at the run. Gives the milliseconds to the next. */
    async look() {
      try {
        const answer = await this.ask();
        if (this.closed) return 0;
        this.failures = 0;
        if (answer.redraw) {
          this.forget();
          return EACH / 2;
        }
        if (answer.error) return this.gone(answer.error);
        await this.take(answer);
        return OVER.has(this.state.status) || document.hidden ? SELDOM : EACH;
      } catch (error) {
        if (!this.closed) this.lost(error);
        return Math.min(EACH * 2 ** this.failures++, SELDOM);
      }
    }

    async ask() {
      const at = RUNS + encodeURIComponent(this.name);
      const since = this.state && new URLSearchParams({ cursor: this.state.cursor, seen: JSON.stringify(this.state.seen) });
      const response = await fetch(since ? `${at}/news?${since}` : `${at}/figure`, { cache: "no-store" });
      if (!response.ok && response.status !== 404) throw new Error(`the studio answered ${response.status}`);
      return response.json();
    }

    async take(answer) {
      const anew = "figure" in answer;
      const before = this.state?.status;
      const { silent, wish, watching, ...kept } = (!anew && this.state) || {};
      this.state = { ...kept, ...answer, figure: undefined, points: undefined, story: undefined };
      if (answer.clock) this.state.heard = Date.now();
      this.show();
      this.tell(answer.story || [], anew);
      if (before && !OVER.has(before) && OVER.has(answer.status)) notice.tell(this.name, statusLine(this.state));
      if (anew || "seen" in answer) {
        const looked = this.state.seen.progress.looked_at; // what stands below the chart hears of it: `live:news`
        this.section.dispatchEvent(new CustomEvent("live:news", { bubbles: true, detail: { anew, looked } }));
      }
      if (!anew) return answer.points && this.chart.extend(answer.points);
      this.offerOthers(answer.others);
      await this.chart.show(answer.figure, answer.forebears);
      return this.showOthers(this.chart.wishes.others && answer.others > 0);
    }

    offerOthers(count) {
      const label = this.find(".live-others");
      label.hidden = !count;
      setText(label.querySelector("span"), count === 1 ? "Another branch" : `Other branches (${count})`);
    }

    async showOthers(wanted) {
      if (!wanted) return this.chart.beside.length ? this.chart.showBeside([]) : undefined;
      const response = await fetch(`${RUNS}${encodeURIComponent(this.name)}/others`, { cache: "no-store" });
      return response.ok ? this.chart.showBeside((await response.json()).curves) : undefined;
    }

    find(selector) {
      return this.section.querySelector(selector);
    }

    show() {
      const { status, silent, watching } = this.state;
      const chip = this.find(".live-chip");
      this.section.classList.remove("live-cut-off");
      chip.dataset.status = silent ? "stalled" : status;
      setText(chip, `${status[0].toUpperCase()}${status.slice(1)}${silent ? ", stalled" : ""}`);
      setText(this.find(".live-line"), statusLine(this.state));
      setText(this.find(".live-wait"), OVER.has(status) ? "There is no curve: it ended before the first step." : "The curve begins with the first step.");
      this.find(".live-watching").hidden = !watching || OVER.has(status);
      this.find(".live-notify").hidden = OVER.has(status) || !("Notification" in window);
      this.showBar();
      this.showPhase();
      this.showNumbers();
      this.showClock();
      this.showTitle();
    }

    showBar() {
      const { status, seen: { progress: { step, steps } } } = this.state;
      const bar = this.find(".live-bar");
      bar.dataset.status = status;
      bar.classList.toggle("live-busy", status === "running" && !step);
      fill(bar, step, steps, steps ? `step ${step} of ${steps}` : "not begun");
    }

    showPhase() {
      const { status, seen: { progress: { phase, done, of } } } = this.state;
      const box = this.find(".live-phase");
      box.hidden = OVER.has(status) || status === "waiting" || !of;
      if (box.hidden) return;
      const what = (PHASES[phase] || "").replace(/\.$/, "");
      setText(box.querySelector("span"), `${what}: ${count(Math.min(done, of))} of ${count(of)}`);
      fill(box.querySelector(".live-bar"), done, of, `${done} of ${of}`);
    }

    showNumbers() {
      const { step, steps, epochs, ...values } = this.state.seen.progress;
      const epoch = steps ? (epochs * step) / steps : 0;
      this.figure("step", steps ? `${count(step)} of ${count(steps)}` : "–");
      this.figure("epoch", steps ? `${epoch.toFixed(epochs < 10 ? 2 : 1)} of ${Number(epochs.toPrecision(3))}` : "–");
      for (const key of ["loss", "held_out_loss", "learning_rate", "tokens_per_second"]) this.figure(key, numberText(values[key]));
    }

    /* Seconds to go as they are now, with their bounds; null where nothing is known. */
    left() {
      const { status, silent, clock: { left, low, high }, heard, seen: { progress } } = this.state;
      if (OVER.has(status) || silent || left === undefined || progress.step >= progress.steps) return null;
      const since = (Date.now() - heard) / 1000;
      const [now, from, to] = [left, low, high].map((seconds) => Math.max(0, seconds - since));
      return { now, spread: now < 5 ? "" : between(from, to) };
    }

    showClock() {
      const { status, clock: { elapsed, how }, heard, seen: { progress } } = this.state;
      const over = OVER.has(status);
      const left = this.left();
      setText(this.find("[data-figure=elapsed] dt"), over ? "Time taken" : "Time so far");
      this.figure("elapsed", progress.began ? exactly(elapsed + (over ? 0 : (Date.now() - heard) / 1000)) : "–");
      this.figure("left", left ? about(left.now) : "–");
      const cell = this.find("[data-figure=left]");
      cell.hidden = over;
      cell.title = left ? how : "";
      setText(cell.querySelector("small") || cell.appendChild(document.createElement("small")), left ? left.spread : "");
    }

    showTitle() {
      const { status, seen: { progress: { phase, step, steps } } } = this.state;
      if (status !== "running" && status !== "stopping") return title.restore();
      if (!step || !steps) return title.show((PHASES[phase] || PHASES[""]).replace(/\.$/, ""));
      const left = this.left();
      return title.show(`${percent(step, steps)} %`, left && briefly(left.now));
    }

    figure(key, text) {
      setText(this.find(`[data-figure=${key}] dd`), text);
    }

    tell(story, anew) {
      const list = this.find(".live-story ol");
      if (anew) list.replaceChildren();
      for (const entry of story) {
        const item = storyItem(entry);
        const before = list.lastElementChild;
        const again = entry.kind === "saved" && before?.className === item.className;
        if (again) before.replaceWith(item); // one line for checkpoints in a row: the newest, and how many
        else list.append(item);
        item.dataset.times = again ? Number(before.dataset.times) + 1 : 1;
        if (again) item.querySelector("span").append(`; ${count(item.dataset.times - 1)} before it`);
      }
      this.find(".live-story").hidden = list.childElementCount === 0;
    }

    gone(message) {
      this.forget();
      title.restore();
      this.section.classList.add("live-cut-off");
      setText(this.find(".live-line"), message);
      return SELDOM;
    }

    lost(error) {
      console.info("Atelier, live view:", error.message);
      title.restore();
      this.section.classList.add("live-cut-off");
      setText(this.find(".live-line"), "Connection lost, trying again. A run goes on without this page.");
    }

    close() {
      this.closed = true;
      this.chart.close();
      title.restore();
      this.wake();
    }
  }

  const percent = (done, of) => (of ? Math.min(100, Math.floor((100 * done) / of)) : 0);

  const fill = (bar, done, of, words) => {
    bar.setAttribute("aria-valuenow", percent(done, of));
    bar.setAttribute("aria-valuetext", words);
    bar.firstElementChild.style.width = `${percent(done, of)}%`;
  };

  const storyItem = ({ kind, at, step, text, why }) => {
    const item = document.createElement("li");
    item.className = `live-${kind}`;
    const parts = [["time", exactly(at)], ["strong", kind === "warning" ? `Warning: ${text}` : text], ["span", why || ""]];
    for (const [tag, words] of parts) {
      const part = document.createElement(tag);
      part.textContent = words;
      if (words) item.append(part);
    }
    if (step) item.firstElementChild.title = `step ${count(step)}`;
    return item;
  };

  /* the page: views come and go with the frames in it */

  const views = new Map();

  const lookForFrames = () => {
    for (const [section, view] of views) {
      if (section.isConnected && section.dataset.run === view.name) continue;
      view.close();
      views.delete(section);
    }
    for (const section of document.querySelectorAll(".live[data-run]")) {
      if (!views.has(section)) views.set(section, new LiveView(section));
    }
  };

  let lookPlanned = false;

  const planLook = () => {
    if (lookPlanned) return;
    lookPlanned = true;
    setTimeout(() => { lookPlanned = false; lookForFrames(); }, 50);
  };

  const begin = () => {
    notice.load();
    lookForFrames();
    new MutationObserver(planLook).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-run"] });
    new MutationObserver(() => views.forEach((view) => view.chart.recolour())).observe(document.body, { attributeFilter: ["class"] });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) views.forEach((view) => view.wake()); });
    (window.requestIdleCallback || setTimeout)(() => fetchPlotly().catch(() => {}));
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
