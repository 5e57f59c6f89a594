"""The cleaned rows to take away, as JSONL or CSV, with a note of where they came from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import partial
from html import escape
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import gradio as gr

from studio.data.export import SUFFIXES, Suffix, export_file
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import Home
from studio.ui.data.section import Section
from studio.ui.data.work import Work
from studio.ui.downloads import exports
from studio.ui.studio import Studio
from studio.ui.words import note

KEPT = 3  # sets whose files are kept for their links; a click makes them again
WRITING = "Writing the rows…"


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section, folded, and connect it."""
    with gr.Accordion("Take the cleaned rows away", open=False, elem_id="export"):
        gr.HTML(
            "<p>All usable rows as they are now, mended; those left out are not in it. Your file stays as it is.</p>"
        )
        with gr.Row():
            buttons = {suffix: _button(suffix) for suffix in SUFFIXES}
        links = gr.HTML(elem_id="export-links")
    for suffix, button in buttons.items():
        button.click(partial(export, studio, suffix), data, links, show_progress="hidden")
    section = Section([links], lambda part, model: [""])
    data.change(section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def _button(suffix: Suffix) -> gr.Button:
    return gr.Button(f"As {suffix[1:].upper()}", size="sm", elem_id=f"export-{suffix[1:]}")


def export(studio: Studio, suffix: Suffix, part: DataPart) -> Iterator[Any]:
    """Write the rows, then offer them."""
    if not part.path:
        yield note("note", "There are no rows yet. Choose a sample or bring your own.")
        return
    yield note("note", WRITING)
    with Work(lambda tell, stopped: _written(studio, suffix, part)) as work:
        yield from (note("note", WRITING) for _ in work.progress())
        try:
            yield _links(work.result())
        except (StudioError, OSError) as error:
            yield note("error", *(error.problems if isinstance(error, StudioError) else [str(error)]))


def _written(studio: Studio, suffix: Suffix, part: DataPart) -> list[Path]:
    prepared = studio.desk.prepare(part)
    folder = exports(studio.home) / prepared.fingerprint[:16]
    folder.mkdir(parents=True, exist_ok=True)
    _make_room(studio.home, folder)
    path = folder / f"{_stem(prepared.name)}-cleaned{suffix}"
    return [path, export_file(prepared, part, path, studio.home.uploads)]


def _make_room(home: Home, wanted: Path) -> None:
    """Let go of the files of sets that were exported long ago."""
    others = sorted((each for each in exports(home).iterdir() if each != wanted), key=lambda each: each.stat().st_mtime)
    for folder in others[: -(KEPT - 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _stem(name: str) -> str:
    """A file's name without its suffixes, with nothing in it that a browser or a disk takes amiss."""
    return re.sub(r"[^\w-]+", "-", PurePath(name).name.partition(".")[0]).strip("-")[:60] or "rows"


def _links(paths: list[Path]) -> str:
    links = "".join(
        f'<a class="download" href="studio/exports/{quote(path.parent.name)}/{quote(path.name)}" download>'
        f"Download {escape(path.name)} <small>{_size(path)}</small></a> "
        for path in paths
    )
    return f'<p class="downloads">{links}</p>'


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
