/* The chart of a live view: holds the points of all panels, draws the chosen ones, smooths, extends and thins them.
   What a person chose (panels, smoothing, log axis, hidden lines, zoom) is kept in this browser. */
(() => {
  "use strict";

  const KEPT = "atelier-chart";
  const MOST = 1500; // points of a line, from which on it is thinned to
  const FEW = 1000;
  const MOST_MARKS = 40;
  const HEIGHTS = { loss: 290, other: 84, between: 44 }; // px
  const RED = "#d33f49";
  const GREY = "#8b8f98";
  const ORANGE = "#d9700f";
  const DASHES = ["dash", "dot", "dashdot", "longdash"];
  const CONFIG = { displaylogo: false, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] };

  /* Plotly, fetched once and only where there is something to draw */

  const SCRIPT = document.currentScript;
  const PLOTLY = (SCRIPT && SCRIPT.dataset.plotly) || "studio/assets/plotly.min.js";
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

  /* what a person chose */

  const USUAL = { smoothing: 0.8, log: false, panels: null, hidden: [], zoom: null, others: false };

  const chosen = () => {
    try {
      return { ...USUAL, ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
    } catch {
      return { ...USUAL };
    }
  };

  const choose = (changes) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...chosen(), ...changes }));
    } catch { /* a browser that keeps nothing: it lasts as long as the page */ }
    return { ...chosen(), ...changes };
  };

  /* numbers */

  /* An exponential moving mean that is not biased towards its start; `state` goes on with later points. */
  const smooth = (x, y, keep, state = { total: 0, weight: 0, at: null }) => y.map((value, i) => {
    if (value === null) return null;
    const stays = keep ** Math.max(1, state.at === null ? 1 : x[i] - state.at);
    state.total = stays * state.total + (1 - stays) * value;
    state.weight = stays * state.weight + (1 - stays);
    state.at = x[i];
    return state.total / state.weight;
  });

  /* Of each stretch its lowest, its highest and a gap stay; for what is smoothed its mean. */
  const thin = (trace) => {
    const { x, y } = trace;
    const stretches = trace.meta.shows === "smoothed" ? FEW : Math.floor((FEW - 2) / 3);
    const thinned = { x: [], y: [] };
    for (let at = 0; at < stretches; at++) {
      const [from, to] = [Math.floor((at * x.length) / stretches), Math.floor(((at + 1) * x.length) / stretches)];
      if (trace.meta.shows === "smoothed") {
        const known = y.slice(from, to).filter((value) => value !== null);
        thinned.x.push(x[to - 1]);
        thinned.y.push(known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null);
        continue;
      }
      for (const i of telling(y, from, to)) { thinned.x.push(x[i]); thinned.y.push(y[i]); }
    }
    Object.assign(trace, thinned);
  };

  const telling = (y, from, to) => {
    let [low, high, gap] = [-1, -1, -1];
    for (let i = from; i < to; i++) {
      if (y[i] === null) { if (gap < 0) gap = i; continue; }
      if (low < 0 || y[i] < y[low]) low = i;
      if (high < 0 || y[i] > y[high]) high = i;
    }
    const ends = from === 0 ? [0] : [];
    if (to === y.length) ends.push(to - 1);
    return [...new Set([low, high, gap, ...ends])].filter((i) => i >= 0).sort((a, b) => a - b);
  };

  /* Stretches of a line where what was measured was no number: [first, last]. */
  const gaps = ({ x, y }) => {
    const found = [];
    let open = null;
    y.forEach((value, i) => {
      if (value !== null) { open = null; return; }
      if (open) open[1] = x[i];
      else if (found.length < MOST_MARKS) found.push((open = [x[i], x[i]]));
    });
    return found;
  };

  /* the chart */

  class Chart {
    constructor(section) {
      this.run = section.dataset.run;
      this.box = section.querySelector(".live-chart");
      this.plot = section.querySelector(".live-plot");
      this.controls = section.querySelector(".live-controls");
      this.figure = null;
      this.beside = [];
      this.drawn = false;
      this.stale = false;
      this.wishes = chosen();
      this.onOthers = () => {};
      this.ended = new AbortController(); // the page keeps the controls for the next run's chart
      this.connect();
      this.marked = null; // the step of the film strip's frame
      section.addEventListener("film:step", ({ detail }) => this.mark(detail.step), { signal: this.ended.signal });
      this.resized = new ResizeObserver(() => this.fit());
      this.resized.observe(this.box);
    }

    /* Draw a whole figure, with the curves of the runs that this one branched from. */
    async show(figure, forebears) {
      this.figure = figure;
      this.forebears = forebears;
      this.smoothers = new Map();
      await this.draw();
    }

    /* Draw the curves of other branches too, or no longer. */
    async showBeside(curves) {
      this.beside = curves;
      if (this.figure) await this.draw();
    }

    async extend(points) {
      const news = Object.entries(points).map(([i, new_]) => [this.figure.data[i], new_]);
      const lacking = new Set(news.filter(([trace]) => !this.hasPoints(trace.meta.panel)).map(([trace]) => trace.meta.panel));
      const added = [];
      for (const [trace, { x, y }] of news) {
        this.add(trace, x, y, added);
        const smoothed = this.figure.data.find((other) => other.meta.shows === "smoothed" && other.meta.key === trace.meta.key);
        if (smoothed) this.add(smoothed, x, y, added);
      }
      const long = this.figure.data.filter((trace) => trace.x.length > MOST);
      long.forEach(thin);
      const broken = news.some(([, { y }]) => y.includes(null));
      if (!this.drawn || long.length || lacking.size || broken) return this.draw();
      if (!this.box.clientWidth) { this.stale = true; return undefined; }
      if (!added.length) return undefined;
      const along = (axis) => added.map((each) => each[axis]);
      return window.Plotly.extendTraces(this.plot, { x: along("x"), y: along("y") }, along("at"));
    }

    add(trace, x, y, added) {
      trace.x.push(...x);
      trace.y.push(...y);
      const at = this.places ? this.places.indexOf(trace) : -1;
      if (at >= 0) added.push({ x, y: trace.meta.shows === "smoothed" ? smooth(x, y, this.wishes.smoothing, this.smoothers.get(trace)) : y, at });
    }

    hasPoints(panel) {
      return this.figure.data.some((trace) => trace.meta.panel === panel && trace.x.length > 0);
    }

    panels() {
      const { panels } = this.figure;
      const known = panels.filter(({ key }) => this.hasPoints(key));
      const wanted = this.wishes.panels;
      return { known, shown: known.filter((panel) => (wanted ? wanted.includes(panel.key) : panel.shown)) };
    }

    async draw() {
      const { known, shown } = this.panels();
      this.box.classList.toggle("drawn", known.length > 0);
      this.controls.hidden = known.length === 0;
      if (!known.length) return;
      this.offer(known, shown);
      if (!this.box.clientWidth) { this.stale = true; return; }
      const plotly = await fetchPlotly();
      this.stale = false;
      const panels = shown.length ? shown : known.slice(0, 1);
      this.places = this.figure.data.filter((trace) => panels.some(({ key }) => key === trace.meta.panel));
      this.besides = panels.some(({ key }) => key === "loss") ? this.besideTraces() : [];
      const data = [...this.places.map((trace) => this.asDrawn(trace)), ...this.besides.map((trace) => this.asDrawn(trace))];
      await plotly.react(this.plot, data, this.layout(panels), CONFIG);
      if (!this.drawn) this.listen();
      this.drawn = true;
    }

    asDrawn(trace) {
      const state = { total: 0, weight: 0, at: null };
      this.smoothers.set(trace, state);
      const y = trace.meta.shows === "smoothed" ? smooth(trace.x, trace.y, this.wishes.smoothing, state) : trace.y.slice();
      return { ...trace, x: trace.x.slice(), y, visible: this.wishes.hidden.includes(trace.name) ? "legendonly" : true };
    }

    /* The losses of other runs, faintly: what this one went on from, and other branches where they were asked for. */
    besideTraces() {
      const curves = [...this.forebears, ...(this.wishes.others ? this.beside : [])].filter(({ loss }) => loss);
      return curves.flatMap(({ run, loss, eval_loss }, i) => {
        const line = { color: GREY, width: 1.5, dash: DASHES[i % DASHES.length] };
        const look = { type: "scatter", yaxis: "y", opacity: 0.75, hovertemplate: "%{y:.4g}" };
        const own = { ...look, ...loss, name: run, mode: "lines", line, legendgroup: run, meta: { shows: "smoothed" } };
        const held = { ...look, ...eval_loss, name: `${run}, held out`, mode: "lines+markers", line, legendgroup: run, showlegend: false, marker: { symbol: "diamond-open", size: 6, color: GREY }, meta: { shows: "values" } };
        return [own, held];
      });
    }

    layout(panels) {
      const { margin } = this.figure.layout;
      const tall = panels.map(({ key }) => HEIGHTS[key] || HEIGHTS.other);
      const whole = tall.reduce((sum, height) => sum + height, 0) + HEIGHTS.between * (panels.length - 1);
      const touch = window.matchMedia("(pointer: coarse)").matches; // a finger on the chart scrolls the page
      const layout = { ...this.figure.layout, ...this.colours(), dragmode: touch ? false : "zoom", autosize: true, height: whole + margin.t + margin.b, annotations: [], shapes: [] };
      let top = 1;
      panels.forEach(({ key, title }, i) => {
        const axis = this.axisOf(key);
        const name = `yaxis${axis.slice(1)}`;
        layout[name] = { ...layout[name], domain: [Math.max(0, top - tall[i] / whole), top] };
        layout.annotations.push({ xref: "paper", yref: "paper", x: 0, xanchor: "left", y: top, yanchor: "bottom", text: title, showarrow: false });
        layout.xaxis = { ...layout.xaxis, anchor: axis };
        layout.shapes.push(...this.gapMarks(key, axis));
        top -= (tall[i] + HEIGHTS.between) / whole;
      });
      layout.yaxis = { ...layout.yaxis, type: this.wishes.log ? "log" : "linear" };
      layout.shapes.push(...this.branchMarks(), ...this.filmMark());
      this.box.style.minHeight = this.plot.style.height = `${layout.height}px`;
      return this.zoomed(layout);
    }

    axisOf(panel) {
      return this.figure.data.find((trace) => trace.meta.panel === panel).yaxis;
    }

    gapMarks(panel, axis) {
      const seen = new Set();
      const found = this.figure.data.filter((trace) => trace.meta.panel === panel && trace.meta.shows === "values").flatMap(gaps);
      return found.filter((gap) => !seen.has(String(gap)) && seen.add(String(gap))).map(([first, last]) => ({
        type: "line", name: "not a number", xref: "x", yref: `${axis} domain`, x0: first, x1: first, y0: 0, y1: 1,
        line: { color: RED, width: 2, dash: "dot" }, layer: "above",
        label: { text: first === last ? "not a number" : `not a number, to step ${last.toLocaleString("en")}`, textangle: 0, textposition: "end", xanchor: "right", yanchor: "top", font: { color: RED, size: 11 } },
      }));
    }

    branchMarks() {
      const steps = [...new Set(this.forebears.map(({ step }) => step))];
      return steps.map((step, i) => ({
        type: "line", name: "branch", xref: "x", yref: "y domain", x0: step, x1: step, y0: 0, y1: 1,
        line: { color: GREY, width: 1, dash: "dash" },
        label: { text: "branched", textangle: 0, textposition: i % 2 ? "middle" : "start", xanchor: "left", yanchor: "bottom", font: { color: GREY, size: 11 } },
      }));
    }

    /* A line through all panels at the frame of the film strip that is looked at. */
    filmMark() {
      if (this.marked === null) return [];
      return [{ type: "line", name: "film", xref: "x", yref: "paper", x0: this.marked, x1: this.marked, y0: 0, y1: 1, line: { color: ORANGE, width: 1.5 }, opacity: 0.8 }];
    }

    mark(step) {
      if (step === this.marked) return;
      this.marked = step;
      if (!this.drawn || !this.box.clientWidth) return;
      const others = (this.plot.layout.shapes || []).filter(({ name }) => name !== "film");
      window.Plotly.relayout(this.plot, { shapes: [...others, ...this.filmMark()] });
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
      if (!this.box.clientWidth || !this.figure) return;
      if (this.stale) this.draw();
      else if (this.drawn) window.Plotly.Plots.resize(this.plot);
    }

    /* zoom and hidden lines: kept as plotly tells of them */

    listen() {
      this.plot.on("plotly_relayout", () => this.keepZoom());
      this.plot.on("plotly_restyle", ([changes]) => {
        if ("visible" in changes) this.keep({ hidden: this.plot.data.filter(({ visible }) => visible === "legendonly").map(({ name }) => name) });
      });
      for (const how of ["hover", "click"]) this.plot.on(`plotly_${how}`, ({ points }) => this.pointed(how, points));
    }

    /* Whatever stands below the chart hears at which step a person points: `live:step` {run, step, how}. */
    pointed(how, points) {
      const step = points.map(({ x }) => x).find(Number.isFinite);
      if (step === undefined) return;
      this.box.dispatchEvent(new CustomEvent("live:step", { bubbles: true, detail: { run: this.run, step, how } }));
    }

    keepZoom() {
      const ranges = {};
      for (const [name, axis] of Object.entries(this.plot.layout)) {
        if (/^[xy]axis\d*$/.test(name) && axis.autorange === false && axis.range) ranges[name] = axis.range;
      }
      const zoom = Object.keys(ranges).length ? { run: this.run, log: this.wishes.log, ranges } : null;
      if (JSON.stringify(zoom) !== JSON.stringify(this.wishes.zoom)) this.keep({ zoom });
    }

    zoomed(layout) {
      const { zoom, log } = this.wishes;
      if (!zoom || zoom.run !== this.run) return layout;
      for (const [name, range] of Object.entries(zoom.ranges || {})) {
        if (layout[name] && (name !== "yaxis" || zoom.log === log)) layout[name] = { ...layout[name], range, autorange: false };
      }
      return layout;
    }

    keep(changes) {
      this.wishes = { ...this.wishes, ...changes };
      choose(changes);
    }

    /* the controls above the chart */

    connect() {
      const find = (selector) => this.controls.querySelector(selector);
      const [slider, told, log, others] = [find(".live-smoothing input"), find(".live-smoothing output"), find(".live-log"), find(".live-others input")];
      slider.value = this.wishes.smoothing;
      told.textContent = Number(slider.value).toFixed(2);
      log.checked = this.wishes.log;
      others.checked = this.wishes.others;
      const on = (control, event, act) => control.addEventListener(event, act, { signal: this.ended.signal });
      on(slider, "input", () => {
        this.keep({ smoothing: Number(slider.value) });
        told.textContent = Number(slider.value).toFixed(2);
        this.smoothAnew();
      });
      on(log, "change", () => {
        this.keep({ log: log.checked });
        if (this.drawn) window.Plotly.relayout(this.plot, { "yaxis.type": log.checked ? "log" : "linear", "yaxis.autorange": true });
      });
      on(others, "change", () => {
        this.keep({ others: others.checked });
        this.onOthers(others.checked);
      });
    }

    smoothAnew() {
      if (!this.drawn || this.planned) return;
      this.planned = true;
      requestAnimationFrame(() => {
        this.planned = false;
        const every = [...this.places, ...this.besides];
        const at = every.flatMap((trace, i) => (trace.meta.shows === "smoothed" ? [i] : []));
        if (at.length) window.Plotly.restyle(this.plot, { y: at.map((i) => this.asDrawn(every[i]).y) }, at);
      });
    }

    /* A button for each panel that has something to show. */
    offer(known, shown) {
      const box = this.controls.querySelector(".live-panels");
      const text = JSON.stringify([known.map(({ key }) => key), shown.map(({ key }) => key)]);
      if (box.dataset.offered === text) return;
      box.dataset.offered = text;
      const focused = box.contains(document.activeElement) ? document.activeElement.dataset.panel : null;
      box.replaceChildren(...known.map(({ key, title }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.panel = key;
        button.textContent = title.split(":")[0];
        button.setAttribute("aria-pressed", shown.some((panel) => panel.key === key));
        button.addEventListener("click", () => this.toggle(key));
        return button;
      }));
      if (focused) box.querySelector(`[data-panel="${focused}"]`)?.focus();
    }

    toggle(key) {
      const now = this.panels().shown.map((panel) => panel.key);
      const kept = this.wishes.panels || this.figure.panels.filter(({ shown }) => shown).map((panel) => panel.key);
      this.keep({ panels: now.includes(key) ? kept.filter((each) => each !== key) : [...kept, key] });
      this.draw();
    }

    close() {
      this.ended.abort();
      this.resized.disconnect();
      if (this.drawn) window.Plotly.purge(this.plot);
    }
  }

  window.atelier = { ...window.atelier, fetchPlotly, Chart };
})();
