"""A slider that moves in equal ratios, which gradio's own does not."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.home import ASSETS

TEMPLATE = """
<label class="log-slider">
  <span class="log-slider-head"><span class="log-slider-label">${label}</span>
  <input type="number" step="any" min="${low}" max="${high}" aria-label="${label}, typed"></span>
  <span class="log-slider-info">${info}</span>
  <input type="range" min="0" max="1000" aria-label="${label}">
</label>
"""


def log_slider(value: float, *, low: float, high: float, info: str, **options: Any) -> gr.HTML:
    """A range input over log(value) beside a number to type. Its value is the number itself, not its logarithm."""
    return gr.HTML(
        value,
        html_template=TEMPLATE,
        js_on_load=(ASSETS / "log_slider.js").read_text("utf-8"),
        low=low,
        high=high,
        info=info,
        container=True,
        **options,
    )
