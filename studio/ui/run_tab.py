"""The Run tab: one run watched live, stopped, gone on with, and its log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.run.directory import Run, Status, find_run
from studio.run.resume import may_resume, resume
from studio.run.wish import Wish
from studio.ui.live import live_html
from studio.ui.refusal import refusal
from studio.ui.studio import Studio

LOG_LINES = 400
LOOK_NOW = "() => window.atelier.look()"  # the live view of a run that is over looks seldom


@dataclass(frozen=True)
class RunTab:
    """The tab's components that the page fills."""

    choice: gr.Dropdown
    live: gr.HTML
    stop: gr.Button
    resume: gr.Button


def build(studio: Studio, selected: gr.State) -> RunTab:
    """Draw the tab and connect it to the state that holds the selected run's name."""
    with gr.Row(equal_height=True):
        choice = gr.Dropdown(
            [],
            label="Run",
            info="Every run of this studio, newest first. They are kept on disk.",
            scale=4,
            elem_id="run",
        )
        stop = gr.Button("Stop and keep the result", scale=1, min_width=160, interactive=False, elem_id="stop")
        again = gr.Button("Resume", scale=1, min_width=110, interactive=False, elem_id="resume")
    live = gr.HTML(live_html(None), elem_id="live")
    with gr.Accordion("Log of the run", open=False) as log_frame:
        log = gr.Code(label=f"The last {LOG_LINES} lines that its process printed", interactive=False, lines=8)
        refresh = gr.Button("Read again", size="sm")
    choice.input(lambda name: name, choice, selected)
    selected.change(live_html, selected, live, show_progress="hidden")
    stop.click(partial(ask_to_stop, studio), selected, stop)
    again.click(partial(go_on, studio), selected, again).then(None, js=LOOK_NOW)
    for event in (log_frame.expand, refresh.click):
        event(partial(log_tail, studio), selected, log)
    return RunTab(choice, live, stop, again)


def run_choices(runs: list[tuple[Run, str]]) -> list[tuple[str, str]]:
    """What the run chooser offers: (label, name)."""
    return [(f"{run.name} · {status}", run.name) for run, status in runs]


def ask_to_stop(studio: Studio, name: str | None) -> Any:
    """End the selected run at its next step."""
    if name:
        find_run(studio.home, name).ask(Wish.STOP)
        gr.Info("It ends at the next step. What was learned is kept.")
    return gr.update(interactive=False, value="Stopping …")


def go_on(studio: Studio, name: str | None) -> Any:
    """Put the selected run back into the queue, from its newest checkpoint."""
    if name:
        try:
            step = resume(find_run(studio.home, name))
        except StudioError as error:
            raise refusal(error, "Not resumed") from None
        studio.queue.poke()
        gr.Info(f"It goes on from step {step:,}.")
    return gr.update(interactive=False)


def buttons(runs: list[tuple[Run, str]], selected: str | None) -> tuple[Any, Any]:
    """Stop and Resume as they are to be for the selected run."""
    found = next(((run, status) for run, status in runs if run.name == selected), None)
    stoppable = found is not None and found[1] in {Status.WAITING, Status.RUNNING}
    return (
        gr.update(interactive=stoppable, value="Stop and keep the result"),
        gr.update(interactive=found is not None and may_resume(found[0], Status(found[1]))),
    )


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
