"""The rows of the set: a page at a time, filtered and searched, each to open, edit, drop and bring back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from studio.data.findings import Finding
from studio.data.mends.every import Drop
from studio.data.part import DataPart
from studio.data.wording import counted, quoted
from studio.ui.data.cards import heading
from studio.ui.data.noticed import Noticed, noticed
from studio.ui.data.pages import PAGE, PARTS, View, fitting, labels_of, shown
from studio.ui.data.press import pressable, pressed
from studio.ui.data.row_edits import brought_back, dropped, edited
from studio.ui.data.row_html import row_html, table_html
from studio.ui.data.section import Section
from studio.ui.refusal import refusal
from studio.ui.studio import Studio
from studio.ui.words import note

WAIT = note("note", "The rows are being read.")
ANY = ""
LOOK = 0.7  # seconds between looks at whether more is known of the rows
FOCUS = """() => {
  const row = document.querySelector("#row-open [data-told]");
  if (row) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest", behavior: "smooth" }); }
}"""
TO_ROWS = """() => {
  const rows = document.querySelector("#rows");
  rows?.scrollIntoView({ block: "start", behavior: "smooth" });
  rows?.querySelector("[data-told]")?.focus({ preventScroll: true });
}"""

Updates = list[Any]


def build(studio: Studio, data: gr.State, model: gr.State, max_length: Component, wanted: gr.State) -> Section:
    """Draw the section and connect it.

    `max_length` holds the longest row of the recipe, in tokens; the report sets `wanted` to (kind of a finding, count
    of presses) when its rows are asked for.
    """
    view = gr.State(View())
    kind, part_of, label, text, number = _controls()
    table, row = pressable("", "rows"), pressable("", "row-open")
    timer, stamp, shown_at = gr.Timer(LOOK, active=False), gr.State(""), gr.State(0)
    of, drawn = [data, model, max_length, view], [view, table, row]

    def now(part: DataPart, model: str, longest: float, kind: str) -> Noticed:
        return noticed(studio, part, model, longest, thorough=False, kind=kind)

    def on(handler: Callable[..., Updates]) -> Callable[..., Updates]:
        return lambda part, model, longest, view, *rest: handler(now(part, model, longest, view.finding), view, *rest)

    def on_table(part: DataPart, model: str, longest: float, before: View, event: gr.EventData) -> Updates:
        return turn_page(now(part, model, longest, before.finding), before, pressed(event)[0])

    def on_row(part: DataPart, model: str, longest: float, before: View, event: gr.EventData) -> Updates:
        return change_row(now(part, model, longest, before.finding), before, *pressed(event))

    def on_chosen(part: DataPart, model: str, longest: float, view: View, kind: str, *rest: str) -> Updates:
        return choose(now(part, model, longest, kind), view, kind, *rest)

    def on_wanted(part: DataPart, model: str, longest: float, asked: tuple[str, int]) -> Updates:
        return want(now(part, model, longest, asked[0]), asked)

    quiet: dict[str, Any] = {"show_progress": "hidden"}
    changes = [kind.input, part_of.input, label.input, text.submit, text.blur]
    gr.on(changes, on_chosen, [*of, kind, part_of, label, text], drawn, **quiet)
    number.submit(on(go_to), [*of, number], drawn, **quiet).then(None, js=FOCUS)
    table.click(on_table, of, drawn, **quiet).then(None, js=FOCUS)
    row.click(on_row, of, [data, *drawn], **quiet)
    wanted.change(on_wanted, [*of[:3], wanted], [kind, *drawn], **quiet).then(None, js=TO_ROWS)
    everything = [stamp, timer, kind, label, *drawn]
    gr.on([data.change, shown_at.change, timer.tick], on(again), [*of, stamp], everything, **quiet)
    return Section([shown_at], show)


def _controls() -> tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown, gr.Textbox, gr.Textbox]:
    with gr.Row():
        kind = gr.Dropdown(
            [("all rows", ANY)], value=ANY, label="Rows to look at", elem_id="rows-finding", min_width=190
        )
        parts = [("all", ANY), *((name, name) for name in PARTS)]
        part = gr.Dropdown(parts, value=ANY, label="Part", elem_id="rows-part", min_width=130)
        label = gr.Dropdown(
            [("all", ANY)], value=ANY, label="Label", elem_id="rows-label", min_width=130, visible=False
        )
        text = gr.Textbox(label="Search", placeholder="Words in the row", elem_id="rows-search", min_width=150)
        number = gr.Textbox(label="Go to row", placeholder="Number", elem_id="rows-number", min_width=110)
    return kind, part, label, text, number


def show(part: DataPart, model: str) -> Updates:
    """A new stamp: the section then draws itself anew, with what was looked at kept."""
    return [time.time_ns()]


def again(now: Noticed, view: View, stamp: str) -> Updates:
    """All of the section, what was looked at kept where it is still there. What was drawn stays where nothing came."""
    timer = gr.Timer(active=now.waiting)
    if now.known is None:
        if now.waiting and stamp:
            return [gr.skip(), timer, *[gr.skip()] * 5]  # the rows before a mend stay in view until it is applied
        return [now.stamp, timer, gr.skip(), gr.skip(), *draw(now, View())]
    if now.stamp == stamp:
        return [gr.skip(), timer, *[gr.skip()] * 5]
    kinds, labels = _kinds(now.findings), labels_of(now.known)
    view = replace(
        view,
        finding=view.finding if view.finding in {kind for _, kind in kinds} else ANY,
        label=view.label if view.label in labels else ANY,
    )
    return [
        now.stamp,
        timer,
        gr.update(choices=[("all rows", ANY), *kinds], value=view.finding),
        gr.update(choices=[("all", ANY), *((name, name) for name in labels)], value=view.label, visible=bool(labels)),
        *draw(now, view),
    ]


def choose(now: Noticed, view: View, finding: str, part: str, label: str, text: str) -> Updates:
    """The rows that fit what was chosen, from their first page on."""
    chosen = View(finding=finding or ANY, part=part or ANY, label=label or ANY, text=text or "", opened=view.opened)
    if replace(view, start=0) == chosen:
        return [gr.skip()] * 3
    return draw(now, chosen)


def want(now: Noticed, wanted: tuple[str, int]) -> Updates:
    """The rows of one finding, which the report's button asked for."""
    view = View(finding=wanted[0])
    choices = [("all rows", ANY), *_kinds(now.findings)]
    return [gr.update(choices=choices, value=view.finding), *draw(now, view)]


def turn_page(now: Noticed, view: View, press: str) -> Updates:
    """Another page, or a row opened."""
    what, _, row = press.partition(":")
    if what == "open" and row.isdecimal():
        view = replace(view, opened=int(row))
    elif what in ("before", "after"):
        view = replace(view, start=max(0, view.start + (PAGE if what == "after" else -PAGE)))
    return draw(now, view)


def go_to(now: Noticed, view: View, typed: str) -> Updates:
    """The page that a row is on, the row opened. A row that does not fit what is looked at is shown among all rows."""
    if now.known is None or not typed.strip():
        return [gr.skip()] * 3
    digits = typed.replace(",", "").strip()
    number = int(digits) if digits.isascii() and digits.isdecimal() else -1
    every = fitting(now.known, now.part, View(), [])
    if number not in every:
        last = f": the rows go from {every.min():,} to {every.max():,}" if len(every) else ""
        raise refusal(f"There is no row {quoted(typed)}{last}.", "No such row")
    rows = fitting(now.known, now.part, view, now.findings)
    if number not in rows:
        view, rows = View(), every
    place = int(np.searchsorted(rows, number))
    return draw(now, replace(view, start=place // PAGE * PAGE, opened=number))


def change_row(now: Noticed, view: View, press: str, text: str) -> Updates:
    """The open row edited, dropped, brought back or closed."""
    what, _, field = press.partition(":")
    if what == "close" or now.known is None or view.opened is None:
        return [gr.skip(), *draw(now, replace(view, opened=None))]
    if what == "save":
        changed = edited(now.known, now.part, view.opened, field, text)
    elif what == "drop":
        changed = dropped(now.part, view.opened)
    else:
        changed = brought_back(now.part, view.opened)
    if changed == now.part:
        gr.Info("Nothing was changed.", duration=3)
        return [gr.skip()] * 4
    return [changed, *[gr.skip()] * 3]


def draw(now: Noticed, view: View) -> Updates:
    """The view, the table of a page of rows, and the row that is open."""
    if now.known is None:
        return [view, WAIT if now.waiting else "", ""]
    rows = fitting(now.known, now.part, view, now.findings)
    start = min(view.start, max(0, (len(rows) - 1) // PAGE * PAGE))
    page = shown(now.known, now.part, rows[start : start + PAGE])
    table = table_html(page, start, len(rows), view.opened, _in_words(view))
    return [replace(view, start=start), table, _opened(now, view.opened)]


def _opened(now: Noticed, row: int | None) -> str:
    if now.known is None or row is None or row not in fitting(now.known, now.part, View(), []):
        return ""
    by_hand = any(isinstance(mend, Drop) and row in mend.rows for mend in now.part.mends)
    return row_html(shown(now.known, now.part, np.array([row], np.int64))[0], by_hand)


def _kinds(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [
        (f"{heading(finding.kind)}: {counted(finding.count, 'row')}", finding.kind)
        for finding in findings
        if finding.rows
    ]


def _in_words(view: View) -> str:
    """What is looked at, as the end of a sentence about the rows; empty where that is all of them."""
    limits = [f"under “{heading(view.finding)}”"] if view.finding else []
    limits += [f"in the part “{view.part}”"] if view.part else []
    limits += [f"with the label {quoted(view.label)}"] if view.label else []
    limits += [f"with {quoted(view.text)} in them"] if view.text else []
    return ", ".join(limits)
