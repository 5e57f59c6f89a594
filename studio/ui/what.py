"""The answer to "What is this?" beside a control: a few plain sentences and, where it helps, a small drawing."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from studio.home import ASSETS
from studio.knob import Knob

PICTURES = ASSETS / "pictures"


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
