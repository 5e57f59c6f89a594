"""A slider that moves in equal ratios, which gradio's own does not."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio.home import ASSETS

TEMPLATE = """
<label class="log-slider">
  <span class="log-slider-head"><span class="log-slider-label">{label}</span>
  <input type="number" step="any" min="{low}" max="{high}" aria-label="{label}, typed"></span>
  <span class="log-slider-info">{info}</span>
  <input type="range" min="0" max="100" aria-label="{label}">
</label>
"""
BOUNDS = "const [low, high] = [{low}, {high}];\n"


def log_slider(value: float, *, low: float, high: float, label: str, info: str, elem_id: str) -> gr.HTML:
    """A range input over log(value) beside a number to type. Its value is the number itself, not its logarithm.

    Words and bounds are written into the template, because an update that comes before the tab was first opened
    carries the value alone.
    """
    return gr.HTML(
        value,
        html_template=TEMPLATE.format(low=low, high=high, label=escape(label), info=escape(info)),
        js_on_load=BOUNDS.format(low=low, high=high) + (ASSETS / "log_slider.js").read_text("utf-8"),
        container=True,
        label=label,
        elem_id=elem_id,
    )
