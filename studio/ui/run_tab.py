"""The Run tab: one run watched live, what can be done with it, the queue, and its log."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import ASSETS
from studio.recipe.looks import MOST_PROMPTS, LooksPart
from studio.run.directory import Run, Status, find_run
from studio.ui.data.press import pressed
from studio.ui.draft import Draft, Updates
from studio.ui.live import live_html
from studio.ui.refusal import refusal
from studio.ui.row_acts import SCRIPT, act_on_row
from studio.ui.run_acts import acts_html
from studio.ui.run_press import fields_of, helped, press
from studio.ui.studio import Studio

LOG_LINES = 400
LOOK_NOW = "() => window.atelier.look()"  # the live view of a run that is over looks seldom
TAKE = "take:"
PIN = "pin:"


@dataclass(frozen=True)
class RunTab:
    """The tab's components that the page fills."""

    choice: gr.Dropdown
    live: gr.HTML
    acts: gr.HTML


def build(studio: Studio, draft: Draft, selected: gr.State, tabs: gr.Tabs) -> RunTab:
    """Draw the tab and connect it to the state that holds the selected run's name, and to the next run's recipe."""
    choice = gr.Dropdown(
        [], label="Run", info="Every run of this studio, newest first. They are kept on disk.", elem_id="run"
    )
    acts = gr.HTML("", elem_id="acts", js_on_load=_script(), apply_default_css=False)
    live = gr.HTML(live_html(None), elem_id="live")
    of_row = gr.HTML("", elem_id="row-acts", js_on_load=SCRIPT, apply_default_css=False)
    with gr.Accordion("Log of the run", open=False) as log_frame:
        log = gr.Code(label=f"The last {LOG_LINES} lines that its process printed", interactive=False, lines=8)
        refresh = gr.Button("Read again", size="sm")
    wanted, pinned = gr.State(("", 0)), gr.State("")

    def on_press(name: str | None, before: tuple[str, int], event: gr.EventData) -> list[Any]:
        what, text = pressed(event)
        if what == PIN:
            return [gr.skip(), gr.skip(), gr.skip(), prompt_in(text)]
        return [*act(studio, name, before, what, text), gr.skip()]

    def on_row(part: DataPart, event: gr.EventData) -> list[Any]:
        return act_on_row(studio.home, part, pressed(event)[0])

    choice.input(lambda name: name, choice, selected)
    selected.change(live_html, selected, live, show_progress="hidden")
    acts.click(
        on_press,
        [selected, wanted],
        [selected, acts, wanted, pinned],
        show_progress="hidden",
        trigger_mode="once",
    ).then(None, js=LOOK_NOW)
    of_row.click(on_row, draft.data, [draft.data, tabs], show_progress="hidden")
    wanted.change(partial(use_recipe, studio, draft, tabs), wanted, [*draft.outputs, tabs], show_progress="hidden")
    pins = draft.looks.fields["prompts"]
    pinned.change(pin, [pinned, pins], [pinned, pins], show_progress="hidden")
    for event in (log_frame.expand, refresh.click):
        event(partial(log_tail, studio), selected, log)
    return RunTab(choice, live, acts)


def _script() -> str:
    """What makes the buttons work, and keeps open and filled in what a person works on while the rest is redrawn."""
    return "\n".join((ASSETS / name).read_text("utf-8") for name in ("press.js", "run_acts.js"))


def run_choices(runs: Sequence[tuple[Run, str]]) -> list[tuple[str, str]]:
    """What the run chooser offers: (label, name)."""
    return [(f"{run.name} · {status}", run.name) for run, status in runs]


def shown(studio: Studio, runs: Sequence[tuple[Run, Status]], selected: str | None) -> str:
    """What is offered for the selected run."""
    return acts_html(studio.home, runs, selected)


def act(studio: Studio, selected: str | None, wanted: tuple[str, int], what: str, text: str) -> list[Any]:
    """Do what was pressed, with what stands in its fields. A run that is made thereby is shown."""
    if what.startswith(TAKE):
        return [gr.skip(), gr.skip(), (what, wanted[1] + 1)]
    try:
        made = press(studio, what, text)
    except StudioError as error:
        raise refusal(error, "Not done") from None
    name = made.name if made else selected
    return [name if made else gr.skip(), shown(studio, studio.seen(), name), gr.skip()]


def use_recipe(studio: Studio, draft: Draft, tabs: gr.Tabs, wanted: tuple[str, int]) -> Updates:
    """Show the recipe of a run, with a change that helps, as that of the next one. Wanted is "take:RUN:place"."""
    name, _, place = wanted[0].removeprefix(TAKE).partition(":")
    try:
        recipe = helped(find_run(studio.home, name), place)
    except StudioError as error:
        raise refusal(error, "Not taken over") from None
    gr.Info(f"The recipe of {name} with this change is in the Recipe tab. Change what you like, then press Train.")
    return draft.show_settings(recipe) | draft.show_choices(recipe) | {tabs: gr.Tabs(selected="Recipe")}


def prompt_in(text: str) -> str:
    """The prompt that stands in the field of a press, as one line."""
    return " ".join(fields_of(text).get("prompt", "").split())


def pin(text: str, before: str | None) -> list[Any]:
    """The pinned prompts of the next run with one more."""
    if not text:  # nothing was typed, or this is the state going back to nothing, so that the same may be pinned again
        return [gr.skip(), gr.skip()]
    looks = LooksPart(prompts=before or "")
    if text in looks.pinned:
        gr.Info("This prompt is pinned already.")
        return ["", gr.skip()]
    if len(looks.pinned) >= MOST_PROMPTS:
        gr.Warning(f"{MOST_PROMPTS} prompts are pinned already. Take one out in the Recipe tab, under While it learns.")
        return ["", gr.skip()]
    gr.Info("Pinned: the next run answers it while it learns. See the Recipe tab, under While it learns.")
    return ["", "\n".join([*looks.pinned, text])]


def log_tail(studio: Studio, name: str | None) -> str:
    """The end of what the run's process printed."""
    if not name:
        return "No run is chosen."
    try:
        path = find_run(studio.home, name).log_path
        with path.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, LOG_LINES)) or "Nothing was printed yet."
    except (OSError, StudioError):
        return "Nothing was printed yet."
