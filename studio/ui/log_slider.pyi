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

class LogSlider(gr.HTML):
    """A range input over log(value) beside a number to type. `value` is the number itself, not its logarithm."""

    def __init__(self, value: float, *, low: float, high: float, info: str, **options: Any) -> None:
        super().__init__(
            value,
            html_template=TEMPLATE,
            js_on_load=(ASSETS / "log_slider.js").read_text("utf-8"),
            low=low,
            high=high,
            info=info,
            container=True,
            **options,
        )

    def preprocess(self, payload: Any) -> float | None:
        """The number in the box, or None where it is empty."""
        try:
            return float(payload)
        except (TypeError, ValueError):
            return None

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "number"}
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block

    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
