/* The live view of a run: finds `.live[data-run]` on the page, draws its curve once and extends it with what is new.
   All text that comes from a run is set with textContent, so it can never become markup. */
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  const HERE = SCRIPT && SCRIPT.src ? SCRIPT.src : new URL("studio/assets/live.js", document.baseURI).href;
  const RUNS = new URL("../runs/", HERE).href;
  const PLOTLY = (SCRIPT && SCRIPT.dataset.plotly) || "studio/assets/plotly.min.js";

  const EACH = 1000; // ms between looks at a run in progress
  const SELDOM = 15000; // ms between looks at a run that is over, or from a page that nobody sees
  const MOST_EXTENDED = 4000; // points added before the curve is drawn anew, thinned
  const OVER = new Set(["finished", "stopped", "failed", "lost"]);
  const PHASES = {
    "": "The trainer is starting.",
    loading: "Loading the base model.",
    preparing: "Preparing the rows.",
    training: "Training.",
    saving: "Saving what was learned.",
  };
  const CONFIG = { displaylogo: false, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] };

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

  const about = (seconds) => {
    if (seconds < 5) return "a few seconds";
    if (seconds < 90) return `about ${seconds < 20 ? Math.round(seconds) : 5 * Math.round(seconds / 5)} s`;
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  const numberText = (value) => {
    if (typeof value !== "number") return value || "–";
    if (value === 0) return "0";
    if (Math.abs(value) < 1e-3) return value.toExponential(2);
    return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(4);
  };

  const count = (value) => value.toLocaleString("en");

  const statusLine = ({ status, seen, clock, ended }) => {
    if (status === "waiting") return "In the queue. It begins by itself as soon as the trainer is free.";
    if (status === "running") return PHASES[seen.progress.phase] || PHASES[""];
    if (status === "stopping") return "Stopping after this step. What was learned is kept.";
    if (status === "finished") return ended || `Done after ${exactly(clock.elapsed)}. The tuned model is ready.`;
    if (status === "stopped") return ended || "Taken off the queue before it began.";
    if (status === "failed") return ended || "It failed without a reason. The run's log has the details.";
    return "The trainer's process ended without a word. It may have been killed or run out of memory: see output.log in the run's folder, then press Resume, or train again where it kept no checkpoint.";
  };

  /* Plotly, fetched once and only where there is something to draw */

  let plotlyAsked = null;

  const fetchPlotly = () => {
    plotlyAsked ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(PLOTLY, document.baseURI).href;
      script.onload = () => done(window.Plotly);
      script.onerror = () => {
        plotlyAsked = null;
        failed(new Error("the chart's script could not be fetched"));
      };
      document.head.append(script);
    });
    return plotlyAsked;
  };

  window.atelier = { fetchPlotly, look: () => views.forEach((view) => view.wake()) }; // data.js draws with it too

  /* the title of the page: how far the run is, for whoever looks at other tabs meanwhile */

  const title = {
    own: null,
    shown: null,
    show(percent) {
      if (document.title !== this.shown) this.own = document.title;
      this.shown = `${percent} % · ${this.own}`;
      document.title = this.shown;
    },
    restore() {
      if (this.shown !== null && document.title === this.shown) document.title = this.own;
      this.shown = null;
    },
  };

  /* the curve */

  class Chart {
    constructor(box) {
      this.box = box;
      this.plot = box.querySelector(".live-plot");
      this.figure = null;
      this.drawn = false;
      this.extended = 0;
      this.resized = new ResizeObserver(() => this.fit());
      this.resized.observe(box);
    }

    async show(figure) {
      this.figure = figure;
      this.extended = 0;
      await this.draw();
    }

    async extend(points) {
      const traces = Object.keys(points).map(Number);
      if (!this.drawn) {
        for (const i of traces) for (const axis of ["x", "y"]) this.figure.data[i][axis].push(...points[i][axis]);
        return this.draw();
      }
      const along = (axis) => traces.map((i) => points[i][axis]);
      this.extended += points[traces[0]].x.length;
      await window.Plotly.extendTraces(this.plot, { x: along("x"), y: along("y") }, traces);
    }

    async draw() {
      const empty = this.figure.data.every((trace) => trace.x.length === 0);
      this.box.classList.toggle("drawn", !empty);
      if (empty) return;
      const plotly = await fetchPlotly();
      const touch = window.matchMedia("(pointer: coarse)").matches; // a finger on the chart scrolls the page
      const layout = { ...this.figure.layout, ...this.colours(), dragmode: touch ? false : "zoom", autosize: true };
      await plotly.react(this.plot, this.figure.data, layout, CONFIG);
      this.drawn = true;
    }

    colours() {
      const style = getComputedStyle(this.box);
      const font = { ...this.figure.layout.font, color: style.color, family: style.fontFamily };
      const behind = style.getPropertyValue("--live-behind").trim() || "#fff";
      return { font, plot_bgcolor: behind, hoverlabel: { bgcolor: behind, bordercolor: "rgba(128,128,128,.4)", font } };
    }

    recolour() {
      if (this.drawn) window.Plotly.relayout(this.plot, this.colours());
    }

    fit() {
      if (this.drawn && this.box.clientWidth > 0) window.Plotly.Plots.resize(this.plot);
    }

    close() {
      this.resized.disconnect();
      if (this.drawn) window.Plotly.purge(this.plot);
    }
  }

  /* one live view: asks for news and shows them */

  class LiveView {
    constructor(section) {
      this.section = section;
      this.name = section.dataset.run;
      this.chart = new Chart(section.querySelector(".live-chart"));
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
      this.state = { ...(anew ? {} : this.state), ...answer };
      if (answer.clock) this.state.heard = Date.now();
      this.show();
      this.tell(answer.story || [], anew);
      if (anew) await this.chart.show(answer.figure);
      else if (answer.points && Object.keys(answer.points).length) await this.chart.extend(answer.points);
      if (this.chart.extended > MOST_EXTENDED) this.forget();
    }

    find(selector) {
      return this.section.querySelector(selector);
    }

    show() {
      const { status } = this.state;
      this.section.classList.remove("live-cut-off");
      this.find(".live-chip").dataset.status = status;
      setText(this.find(".live-chip"), status[0].toUpperCase() + status.slice(1));
      setText(this.find(".live-line"), statusLine(this.state));
      setText(this.find(".live-wait"), OVER.has(status) ? "There is no curve: it ended before the first step." : "The curve begins with the first step.");
      this.showBar();
      this.showNumbers();
      this.showClock();
    }

    showBar() {
      const { status, seen: { progress: { step, steps } } } = this.state;
      const percent = steps ? Math.min(100, Math.floor((100 * step) / steps)) : 0;
      const bar = this.find(".live-bar");
      bar.dataset.status = status;
      bar.classList.toggle("live-busy", status === "running" && !step);
      bar.setAttribute("aria-valuenow", percent);
      bar.setAttribute("aria-valuetext", steps ? `step ${step} of ${steps}` : "not begun");
      bar.firstElementChild.style.width = `${percent}%`;
      if (status === "running" || status === "stopping") title.show(percent);
      else title.restore();
    }

    showNumbers() {
      const { step, steps, epochs, ...values } = this.state.seen.progress;
      const epoch = steps ? (epochs * step) / steps : 0;
      this.figure("step", steps ? `${count(step)} of ${count(steps)}` : "–");
      this.figure("epoch", steps ? `${epoch.toFixed(epochs < 10 ? 2 : 1)} of ${Number(epochs.toPrecision(3))}` : "–");
      for (const key of ["loss", "held_out_loss", "learning_rate", "tokens_per_second"]) this.figure(key, numberText(values[key]));
    }

    showClock() {
      const { status, clock: { elapsed, left, how }, heard, seen: { progress } } = this.state;
      const over = OVER.has(status);
      const since = over ? 0 : (Date.now() - heard) / 1000;
      setText(this.find("[data-figure=elapsed] dt"), over ? "Time taken" : "Time so far");
      this.figure("elapsed", progress.began ? exactly(elapsed + since) : "–");
      const training = !over && left !== undefined && progress.step < progress.steps;
      this.figure("left", training ? about(Math.max(0, left - since)) : "–");
      const cell = this.find("[data-figure=left]");
      cell.hidden = over;
      cell.title = training ? how : "";
    }

    figure(key, text) {
      setText(this.find(`[data-figure=${key}] dd`), text);
    }

    tell(story, anew) {
      const list = this.find(".live-story ol");
      if (anew) list.replaceChildren();
      list.append(...story.map(storyItem));
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

  const storyItem = ({ kind, at, text, why }) => {
    const item = document.createElement("li");
    item.className = `live-${kind}`;
    const parts = [["time", exactly(at)], ["strong", kind === "warning" ? `Warning: ${text}` : text], ["span", why || ""]];
    for (const [tag, words] of parts) {
      const part = document.createElement(tag);
      part.textContent = words;
      if (words) item.append(part);
    }
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
    lookForFrames();
    new MutationObserver(planLook).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-run"] });
    new MutationObserver(() => views.forEach((view) => view.chart.recolour())).observe(document.body, { attributeFilter: ["class"] });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) views.forEach((view) => view.wake()); });
    (window.requestIdleCallback || setTimeout)(() => fetchPlotly().catch(() => {}));
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
