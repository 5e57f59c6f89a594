"""What is done with a row that the Run tab shows: left out of the next run, taken back, or opened in the Data room."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import find_run
from studio.ui.data.row_edits import brought_back, dropped
from studio.ui.refusal import refusal

SCRIPT = """window.atelier = window.atelier || {};
window.atelier.rowAct = (press) => trigger("click", { pressed: press, text: "" });
"""


def act_on_row(home: Home, part: DataPart, press: str) -> list[Any]:
    """The data part of the next run and the tab to show, after "mute", "unmute" or "mend":RUN:ROW was pressed.

    Where the next run is to learn from other data, that of the run is taken over first: a row number says nothing of
    another file.
    """
    what, _, rest = press.partition(":")
    name, _, number = rest.rpartition(":")
    if what not in SAID or not number.isdecimal():
        return [gr.skip(), gr.skip()]
    try:
        trained = find_run(home, name).recipe.data
    except StudioError as error:
        raise refusal(error, "Not done") from None
    taken = part if part.path == trained.path else trained
    changed = CHANGES.get(what, _same)(taken, int(number))
    other = "" if taken is part else f" The data of {name} was taken over into the Data tab first."
    gr.Info(SAID[what].format(row=f"{int(number):,}") + other)
    return [gr.skip() if changed == part else changed, gr.Tabs(selected="Data") if what == "mend" else gr.skip()]


def _same(part: DataPart, row: int) -> DataPart:
    return part


CHANGES = {"mute": dropped, "unmute": brought_back}
SAID = {
    "mute": "Row {row} is left out of the next run: it stands among the mends in the Data tab.",
    "unmute": "Row {row} is learned from again in the next run.",
    "mend": "Row {row} is in the Data tab, under Rows.",
}
