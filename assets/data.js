/* The plots of the data room: draws each `.data-plot[data-figure]` when it comes into sight, and again when it changes.
   Figures hold numbers and escaped names only. Plotly itself is fetched by live.js, once for both. */
(() => {
  "use strict";

  const CONFIG = { displayModeBar: false, responsive: false };
  const drawn = new WeakMap(); // plot → the figure's text that is drawn in it, and at which width

  const colours = (plot, layout) => {
    const style = getComputedStyle(plot);
    const font = { ...layout.font, color: style.color, family: style.fontFamily };
    const behind = style.getPropertyValue("--block-background-fill").trim() || "#fff";
    return { font, hoverlabel: { bgcolor: behind, bordercolor: "rgba(128,128,128,.4)", font } };
  };

  const draw = async (plot, again = false) => {
    const text = plot.dataset.figure;
    const width = plot.clientWidth;
    const before = drawn.get(plot);
    const same = before && before.text === text && before.width === width && plot.childElementCount;
    if (!text || width === 0 || (same && !again)) return;
    drawn.set(plot, { text, width });
    try {
      const plotly = await window.atelier.fetchPlotly();
      if (plot.dataset.figure !== text || !plot.isConnected) return;
      const figure = JSON.parse(text);
      if (!plot.childElementCount) plotly.purge(plot); // gradio's redraw emptied it behind plotly's back
      const layout = { ...figure.layout, ...colours(plot, figure.layout), width, autosize: false };
      await plotly.react(plot, figure.data, layout, CONFIG);
    } catch (error) {
      drawn.delete(plot);
      console.info("Atelier, plots:", error.message);
    }
  };

  const watched = new WeakSet();
  const seen = new ResizeObserver((entries) => entries.forEach(({ target }) => draw(target)));
  const every = () => document.querySelectorAll(".data-plot[data-figure]");

  let planned = false;
  const look = () => {
    if (planned) return;
    planned = true;
    setTimeout(() => {
      planned = false;
      for (const plot of every()) {
        if (watched.has(plot)) draw(plot);
        else { watched.add(plot); seen.observe(plot); }
      }
    }, 50);
  };

  const begin = () => {
    look();
    new MutationObserver((changes) => {
      const ours = ({ target }) => target.nodeType === 1 && target.closest(".js-plotly-plot > *");
      if (!changes.every(ours)) look();
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-figure"] });
    new MutationObserver(() => every().forEach((plot) => draw(plot, true))).observe(document.body, { attributeFilter: ["class"] });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
