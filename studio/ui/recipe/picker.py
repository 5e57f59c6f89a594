"""The choice of a method: one card each, under the heading of its family, all of them one set of radio buttons."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio.home import ASSETS
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.methods.method import TuningMethod

FAMILIES = {
    "Low-rank adapters": "small additions to the weight matrices; the base stays as it is",
    "Whole weights": "the base's own weights move",
    "Soft prompts": "made-up words in front of each text; the base stays as it is",
    "Small adapters": "tiny changes in chosen places; the base stays as it is",
}
"""What the methods of a family have in common, in the order of the page."""


def build(chosen: str) -> gr.HTML:
    """Draw the cards. The component's value is the chosen method's name; a person's pick fires `input`."""
    return gr.HTML(
        chosen,
        html_template=cards_html(),
        js_on_load=(ASSETS / "picker.js").read_text("utf-8"),
        apply_default_css=False,
        label="Method",
        elem_id="method",
    )


def cards_html() -> str:
    """Every method of the registry, family by family."""
    families = "".join(_family(family) for family in families_used())
    return f'<div role="radiogroup" aria-label="Method"><h3 class="step">How should it learn?</h3>{families}</div>'


def families_used() -> list[str]:
    """The families that have methods, in the order of the page."""
    used = {method.family for method in METHODS}
    return [family for family in FAMILIES if family in used]


def _family(family: str) -> str:
    cards = "".join(_card(method) for method in METHODS if method.family == family)
    head = f"<summary><b>{escape(family)}</b> <span>{escape(FAMILIES[family])}</span></summary>"
    return f'<details class="family" open>{head}<div class="methods">{cards}</div></details>'


def _card(method: type[TuningMethod]) -> str:
    return (
        f'<label><input type="radio" class="methods-radio" name="tuning-method" value="{escape(name_of(method))}">'
        f"<b>{escape(method.title)}</b><span>{escape(method.good_at)}</span></label>"
    )
