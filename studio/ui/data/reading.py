"""How the file was read: what was detected, and the same to be said by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from studio.data.part import DataPart, Reading
from studio.data.table import Table
from studio.errors import StudioError
from studio.knob import knobs
from studio.ui.data.glimpse import first_rows
from studio.ui.data.section import Section
from studio.ui.draft import altered
from studio.ui.studio import Studio

KNOBS = {knob.name: knob for knob in knobs(Reading)}
ENCODINGS = ("utf-8", "windows-1252", "iso-8859-1", "utf-16", "gb18030", "shift_jis", "koi8-r", "mac-roman")
DELIMITERS = {"comma ,": ",", "semicolon ;": ";", "tab": "\t", "bar |": "|"}
QUOTES = {'double "': '"', "single '": "'", "none: quotes are text": "none"}


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the choices, folded, and connect them."""
    with gr.Accordion("How it was read", open=False, elem_id="reading"):
        fields = {
            "encoding": _choice("encoding", [("detected", ""), *ENCODINGS], custom=True),
            "delimiter": _choice("delimiter", [("detected", ""), *DELIMITERS.items()], custom=True),
            "quote": _choice("quote", [("detected", ""), *QUOTES.items()]),
            "sheet": _choice("sheet", [("the first with rows", "")]),
        }
    for name, field in fields.items():
        field.input(partial(read_otherwise, name), [field, data], data)
    section = Section(list(fields.values()), partial(show, studio))
    data.change(section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def _choice(name: str, choices: list[Any], custom: bool = False) -> gr.Dropdown:
    return gr.Dropdown(
        choices,
        value="",
        label=KNOBS[name].label,
        info=KNOBS[name].help,
        allow_custom_value=custom,
        elem_id=f"reading-{name}",
    )


def read_otherwise(name: str, value: str | None, part: DataPart) -> Any:
    """The data part with one thing of its reading said by hand; empty: detected again."""
    return altered(part, {f"reading.{name}": value or ""})


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """What is set, beside what was detected; a choice of sheets only where there are any."""
    try:
        table = first_rows(studio, part)
    except StudioError:
        table = None
    reading = part.reading
    return [
        gr.update(choices=[(_detected(table, "encoding"), ""), *ENCODINGS], value=reading.encoding),
        gr.update(
            choices=[(_detected(table, "delimiter"), ""), *DELIMITERS.items()],
            value=reading.delimiter,
            visible=table is None or table.delimiter is not None or bool(reading.delimiter),
        ),
        gr.update(value=reading.quote, visible=table is None or table.delimiter is not None or bool(reading.quote)),
        _sheets(table, reading),
    ]


def _detected(table: Table | None, name: str) -> str:
    """What stands for "leave it to the studio", with what it found."""
    found = getattr(table, name) if table is not None else None
    spoken = next((key for key, value in DELIMITERS.items() if value == found), found)
    return f"detected: {spoken}" if spoken else "detected"


def _sheets(table: Table | None, reading: Reading) -> Any:
    sheets = [*(table.choices.get("sheet", ()) if table is not None else ())]
    if reading.sheet and reading.sheet not in sheets:
        sheets.append(reading.sheet)
    choices = [("the first with rows", ""), *((sheet, sheet) for sheet in sheets)]
    return gr.update(choices=choices, value=reading.sheet, visible=bool(sheets))
