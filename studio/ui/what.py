"""The answer to "What is this?" beside a control: a few plain sentences and, where it helps, a small drawing.

All answers of a room are one component, and its script puts each below its field: components of their own for a hundred
fields would make the page slow to open, because gradio looks through all of them at each change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import escape

import gradio as gr

from studio.home import ASSETS
from studio.knob import Knob

PICTURES = ASSETS / "pictures"


def build(asked: Mapping[str, Knob]) -> gr.HTML:
    """The answers to what is asked of the fields with these ids. Drawn within the gradio row that holds the fields."""
    answers = "".join(
        f'<template data-for="{escape(field)}">{what_html(knob)}</template>' for field, knob in asked.items()
    )
    return gr.HTML(answers, js_on_load=(ASSETS / "what.js").read_text("utf-8"), elem_classes="answers", container=False)


def what_html(knob: Knob) -> str:
    """A line that unfolds when it is pressed, by mouse or by keyboard."""
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(knob.what))
    sentences = "".join(f"<p>{line}</p>" for line in words.split("\n") if line.strip())
    drawn = f'<div class="what-picture">{picture(knob.picture)}</div>' if knob.picture else ""
    return (
        f'<details class="what"><summary>What is this?<span class="unseen"> {escape(knob.label)}</span></summary>'
        f'<div class="what-answer">{drawn}<div>{sentences}</div></div></details>'
    )


@cache
def picture(name: str) -> str:
    """A drawing of assets/pictures as SVG to be put into the page. Empty while there is none of that name."""
    path = PICTURES / f"{name}.svg"
    return path.read_text("utf-8") if path.is_file() else ""
