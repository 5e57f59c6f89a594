"""Pasted text or a pasted table, kept as a file like any other."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from studio.data.part import DataPart
from studio.data.pasted import keep_text
from studio.errors import StudioError
from studio.ui.refusal import refusal
from studio.ui.studio import Studio

HELP = "Rows copied from a spreadsheet, CSV, JSON, JSONL, or plain text."


def build(studio: Studio, data: gr.State) -> None:
    """Draw the box, folded, and connect it."""
    with gr.Accordion("Or paste text or a table", open=False, elem_id="paste"):
        text = gr.Textbox(
            label="Rows",
            info=HELP,
            placeholder="prompt,completion\nWhat is the capital of France?,Paris",
            lines=5,
            max_lines=12,
            elem_id="pasted",
        )
        use = gr.Button("Use this text", size="sm", elem_id="use-pasted")
    use.click(partial(take_pasted, studio), [text, data], [data, text])


def take_pasted(studio: Studio, text: str | None, part: DataPart) -> tuple[DataPart, Any]:
    """The data part for pasted text, which is kept in the studio's home; the box is empty again."""
    try:
        return part.for_other_rows(str(keep_text(studio.home.uploads, text or ""))), ""
    except StudioError as error:
        raise refusal(error, "Nothing to use") from None
