"""The report: what is in the rows, what is wrong with them and how it is mended, first at a glance, then thoroughly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.data.dataset import Prepared
from studio.data.findings import Finding
from studio.data.mends.every import mend_for
from studio.data.part import DataPart
from studio.ui.data.cards import cards_html, figures_html, mends_html, verdict_html
from studio.ui.data.noticed import Noticed, noticed
from studio.ui.data.plots import plots_html
from studio.ui.data.press import button, pressable, pressed
from studio.ui.data.section import Section
from studio.ui.studio import Studio
from studio.ui.words import note, notes

NO_DATA = note("note", "No data yet. Choose a sample to try the studio, or bring rows of your own.")
READING = note("note", "The rows are being read. What is in them is told here in a moment.")
LOOK = 0.7  # seconds between looks at a study that is under way

Updates = list[Any]


def build(studio: Studio, data: gr.State, model: gr.State, max_length: Component, wanted: gr.State) -> Section:
    """Draw the section and connect it.

    `max_length` holds the longest row of the recipe, in tokens; `wanted` is set to (kind of a finding, count of
    presses) when its rows are asked for.
    """
    report = pressable(NO_DATA, "data-report")
    study = pressable("", "data-study")
    plots = gr.HTML("", elem_id="data-plots", apply_default_css=False)
    drawn, timer = gr.State(""), gr.Timer(LOOK, active=False)
    outputs = [report, study, plots, drawn, timer]
    changed: list[Any] = [data, model, max_length]

    def on_report(part: DataPart, model: str, longest: float, now: tuple[str, int], event: gr.EventData) -> Updates:
        return press(studio, part, model, longest, now, pressed(event)[0])

    def on_study(part: DataPart, event: gr.EventData) -> Updates:
        return press_study(studio, part, pressed(event)[0])

    report.click(on_report, [data, model, max_length, wanted], [data, wanted], show_progress="hidden")
    study.click(on_study, data, [study, timer], show_progress="hidden")
    gr.on(
        [*(each.change for each in changed), timer.tick],
        partial(look, studio),
        [data, model, max_length, drawn],
        outputs,
        show_progress="hidden",
        trigger_mode="always_last",
    )
    return Section(outputs, partial(show, studio))


def show(studio: Studio, part: DataPart, model: str) -> Updates:
    """That the rows are being looked at. The timer looks on, with the longest row that the page holds."""
    if not part.path:
        return [NO_DATA, "", "", "", gr.Timer(active=False)]
    return [gr.skip(), gr.skip(), gr.skip(), "", gr.Timer(active=True)]


def look(studio: Studio, part: DataPart, model: str, max_length: float | None, drawn: str) -> Updates:
    """Report, progress and plots as they are now. What was drawn when it was as now is left alone, and the timer goes
    on while there is something to wait for."""
    now = noticed(studio, part, model, max_length)
    timer = gr.Timer(active=now.waiting)
    if not part.path:
        return [NO_DATA, "", "", "", timer]
    if now.error:
        return [note("error", *now.error.problems), "", "", "", timer]
    if now.stamp == drawn:
        return [gr.skip(), progress_html(now), gr.skip(), gr.skip(), timer]
    if now.known is None:
        return [READING, "", "", now.stamp, timer]
    return [report_html(now.known, part, now), progress_html(now), plots_html(now), now.stamp, timer]


def press(
    studio: Studio, part: DataPart, model: str, max_length: float | None, wanted: tuple[str, int], what: str
) -> Updates:
    """The part mended or a mend undone; or the finding whose rows are asked for."""
    verb, _, which = what.partition(":")
    if verb == "rows":
        return [gr.skip(), (which, wanted[1] + 1)]
    if verb == "undo":
        return [undone(part, which), gr.skip()]
    if verb == "mend":
        now = noticed(studio, part, model, max_length, thorough=False, kind=which.partition(":")[2])
        return [mended(part, now.findings, which), gr.skip()]
    return [gr.skip(), gr.skip()]


def press_study(studio: Studio, part: DataPart, what: str) -> Updates:
    """The thorough look cancelled, or begun again."""
    if what != "cancel":
        return [gr.skip(), gr.Timer(active=True)]
    studio.desk.cancel(part)
    told = '<p data-told tabindex="-1" role="status">The thorough look was cancelled. What is above stays true.</p>'
    return [f'<div class="data-progress">{told}{button("again", "Look thoroughly")}</div>', gr.Timer(active=False)]


def mended(part: DataPart, findings: Sequence[Finding], which: str) -> DataPart:
    """The part with the mend of one finding, `PLACE:KIND`. A card that is no longer true changes nothing."""
    place, _, kind = which.partition(":")
    if not place.isdecimal() or int(place) >= len(findings) or findings[int(place)].kind != kind:
        return part
    mend = mend_for(findings[int(place)])
    if mend is None:
        return part
    return part.model_copy(update={"mends": (*part.mends, mend)})


def undone(part: DataPart, which: str) -> DataPart:
    """The part without one mend, without the last, or without all."""
    mends = list(part.mends)
    if which == "all":
        mends = []
    elif which == "last":
        mends = mends[:-1]
    elif which.isdecimal() and int(which) < len(mends):
        del mends[int(which)]
    return part.model_copy(update={"mends": tuple(mends)})


def report_html(known: Prepared, part: DataPart, now: Noticed) -> str:
    """Figures, verdict, what was mended, a card for each finding, and what is wrong with the held-out file."""
    study = now.study.study if now.study else None
    tokens = study.tokens if study else None
    table, other = known.table, known.held_out_report
    read = f"{table.name}: read as {table.format.upper()}, {table.encoding}. {known.mapping.reason}"
    parts = [figures_html(known, tokens), f'<p class="data-quiet">{escape(" ".join([read, *known.notes]))}</p>']
    parts += [verdict_html(known, now.findings), mends_html(part.mends), cards_html(now.findings, mend_for)]
    if study:
        parts.append(notes("note", [*study.notes, *study.template_notes]))
    if other:
        parts += [note(each.severity, f"Held-out file: {each.message}") for each in other.findings]
    return "".join(parts)


def progress_html(now: Noticed) -> str:
    """How far the thorough look is, with a way to end it; why it failed; nothing when it is done."""
    state = now.study
    if state is None or now.known is None or (state.over and not state.error):
        return ""
    if state.error:
        return note("error", state.error)
    share = f"{state.done:,} of {state.total:,}" if state.total else ""
    value = f' value="{state.done}" max="{state.total}"' if state.total else ""
    words = f"Looking thoroughly: {state.phase or 'beginning'} {share}".strip()
    return (
        f'<div class="data-progress"><p role="status">{escape(words)}</p>{button("cancel", "Cancel")}'
        f'<progress{value} aria-label="Thorough look"></progress></div>'
    )
