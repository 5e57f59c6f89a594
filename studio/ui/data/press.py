"""Buttons inside a piece of HTML: as many as the data asks for, and as good for a keyboard as gradio's own."""

from __future__ import annotations

from html import escape

import gradio as gr

from studio.home import ASSETS


def pressable(value: str, elem_id: str) -> gr.HTML:
    """HTML whose buttons (see `button`) fire its click event; `pressed` says which one it was."""
    return gr.HTML(
        value,
        elem_id=elem_id,
        js_on_load=(ASSETS / "press.js").read_text("utf-8"),
        apply_default_css=False,
    )


def button(
    press: str, text: str, *, says: str = "", field: str = "", look: str = "", off: bool = False, leads_to: str = ""
) -> str:
    """A button as HTML.

    Args:
        press: what `pressed` gives when it is pressed, such as "undo:3".
        text: what stands on it.
        says: what a screen reader says in place of `text`, where that alone does not tell one button from another.
        field: the id of a text field whose text comes with the press.
        look: "main" for the one that is meant to be pressed, "quiet" for one that is seldom needed.
        off: whether it cannot be pressed.
        leads_to: where the page goes then, for assets/reveal.js.
    """
    more = f' aria-label="{escape(says)}"' if says else ""
    more += f' data-field="{escape(field)}"' if field else ""
    more += f' data-reveal="{escape(leads_to)}"' if leads_to else ""
    more += " disabled" if off else ""
    style = f"data-button data-button-{look}" if look else "data-button"
    return f'<button type="button" class="{style}" data-press="{escape(press)}"{more}>{escape(text)}</button>'


def pressed(event: gr.EventData) -> tuple[str, str]:
    """What was pressed, and the text of its field. Empty texts where a page sent anything else."""
    sent = event._data if isinstance(event._data, dict) else {}
    press, text = sent.get("pressed"), sent.get("text")
    return (press if isinstance(press, str) else "", text if isinstance(text, str) else "")
