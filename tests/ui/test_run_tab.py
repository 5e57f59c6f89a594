"""The Run tab's buttons: when a run can be stopped, and when it can be gone on with."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from studio.run.directory import Status
from studio.run.events import Ended, EventWriter
from studio.run.owner import claim
from studio.run.submit import submit
from studio.ui.run_tab import buttons, go_on


def pressable(run) -> tuple[bool, bool]:
    stop, resume = buttons([(run, run.status())], run.name)
    return stop["interactive"], resume["interactive"]


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


@pytest.fixture
def studio(home):
    pokes = []
    return SimpleNamespace(home=home, queue=SimpleNamespace(poke=lambda: pokes.append(1)), pokes=pokes)


@pytest.mark.parametrize("end", ["stopped", "failed", "finished"])
def test_buttons_over_the_life_of_a_run(end, run, studio, monkeypatch) -> None:
    monkeypatch.setattr(gr, "Info", lambda words: None)
    assert pressable(run) == (True, False)
    claim(run.owner_path)
    assert pressable(run) == (True, False)
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind=end))
    assert pressable(run) == (False, False), "nothing to go on from"
    (run.path / "checkpoints" / "checkpoint-3").mkdir(parents=True)
    assert pressable(run) == (False, end != "finished")
    if end == "finished":
        with pytest.raises(gr.Error, match="is finished"):
            go_on(studio, run.name)
        return
    go_on(studio, run.name)
    assert studio.pokes == [1]
    assert run.status() is Status.WAITING
    assert pressable(run) == (True, False)
    with pytest.raises(gr.Error, match="in the queue already"):
        go_on(studio, run.name)


def test_no_run_has_no_buttons() -> None:
    stop, resume = buttons([], None)
    assert (stop["interactive"], resume["interactive"]) == (False, False)
