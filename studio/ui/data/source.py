"""Your data: a sample, files, pasted text or a dataset of the Hub, and in one line what was chosen."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from typing import Any

import gradio as gr

from studio.data.part import DataPart
from studio.data.table import Table
from studio.data.wording import counted
from studio.errors import StudioError
from studio.ui.data import hub, paste
from studio.ui.data.glimpse import first_rows
from studio.ui.data.samples import sample_of, sample_paths, samples
from studio.ui.data.section import Section
from studio.ui.data.uploads import FILE_TYPES, kept
from studio.ui.studio import Studio
from studio.ui.words import note

UPLOAD = "Or upload files: CSV, JSON, Excel …"
NO_DATA = note("note", "No data yet. Choose a sample to try the studio, or bring rows of your own.")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", ":": "colon", " ": "blank"}


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the ways to choose rows, and connect them to the state of the data part."""
    sample = gr.Radio(
        samples(),
        value=sample_of(data.value),
        label="Try a bundled sample",
        info="Small tasks that the starter model can learn in about a minute.",
        elem_id="sample",
    )
    upload = gr.File(label=UPLOAD, file_count="multiple", file_types=FILE_TYPES, height=150, elem_id="upload")
    paste.build(studio, data)
    hub.build(studio, data)
    chosen = gr.HTML(NO_DATA, elem_id="data-chosen")
    sample.input(choose_sample, [sample, data], data)
    upload.upload(partial(take_upload, studio), [upload, data], [data, upload])
    section = Section([sample, chosen], partial(show, studio))
    data.change(section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def choose_sample(name: str, part: DataPart) -> DataPart:
    """The data part for a bundled sample."""
    train, held_out = sample_paths(name)
    return part.for_other_rows(train, held_out_path=held_out)


def take_upload(studio: Studio, files: list[str], part: DataPart) -> tuple[DataPart, Any]:
    """The data part for uploaded files, which are kept in the studio's home; the box is empty again for the next."""
    new = part.for_other_rows(kept(studio.home, files))
    return new, gr.update(value=None, label=f"{PurePath(new.path).name} is chosen. Drop others to replace it")


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """Which sample is chosen, and the line on what was."""
    return [sample_of(part), chosen_line(studio, part)]


def chosen_line(studio: Studio, part: DataPart) -> str:
    """Name, rows, format, encoding and delimiter of what was chosen, as HTML."""
    if not part.path:
        return NO_DATA
    try:
        known = studio.desk.known(part)
        rows = counted(known.rows, "row") if known is not None else "its rows are being counted"
    except StudioError:
        known, rows = None, "“What is wrong” says what it needs"
    try:
        table = known.table if known is not None else first_rows(studio, part)
    except StudioError:
        return note("warning", f"{PurePath(part.path).name}: not read. “What is wrong” says what it needs.")
    if table is None:
        return note("note", f"{part.path}: it is being fetched.")
    return note("note", in_words(table, rows, sample_of(part)))


def in_words(table: Table, rows: str, sample: str | None = None) -> str:
    """How a table was read, in one line."""
    facts = [rows, table.format.upper(), table.encoding]
    if table.delimiter:
        facts.append(f"cells parted by a {DELIMITERS.get(table.delimiter, table.delimiter)}")
    name = f"The sample {sample}" if sample else table.name
    return f"{name}: {', '.join(facts)}."
