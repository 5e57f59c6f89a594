"""The Run tab: one run watched live, stopped, and its log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.run.directory import Run, find_run
from studio.ui.live import live_html
from studio.ui.studio import Studio

LOG_LINES = 400


@dataclass(frozen=True)
class RunTab:
    """The tab's components that the page fills."""

    choice: gr.Dropdown
    live: gr.HTML
    stop: gr.Button


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
    live = gr.HTML(live_html(None), elem_id="live")
    with gr.Accordion("Log of the run", open=False) as log_frame:
        log = gr.Code(label=f"The last {LOG_LINES} lines that its process printed", interactive=False, lines=8)
        refresh = gr.Button("Read again", size="sm")
    choice.input(lambda name: name, choice, selected)
    selected.change(live_html, selected, live, show_progress="hidden")
    stop.click(partial(ask_to_stop, studio), selected, stop)
    for event in (log_frame.expand, refresh.click):
        event(partial(log_tail, studio), selected, log)
    return RunTab(choice, live, stop)


def run_choices(runs: list[tuple[Run, str]]) -> list[tuple[str, str]]:
    """What the run chooser offers: (label, name)."""
    return [(f"{run.name} · {status}", run.name) for run, status in runs]


def ask_to_stop(studio: Studio, name: str | None) -> Any:
    """End the selected run at its next step."""
    if name:
        find_run(studio.home, name).ask_to_stop()
        gr.Info("It ends at the next step. What was learned is kept.")
    return gr.update(interactive=False, value="Stopping …")


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
