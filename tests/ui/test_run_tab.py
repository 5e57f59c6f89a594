"""The Run tab: a press leads to the run that it made, a recipe goes to the Recipe tab, and the log is read."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from studio.run.submit import submit
from studio.ui import run_tab
from studio.ui.run_tab import act, log_tail


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


@pytest.fixture
def studio(home, run, monkeypatch):
    monkeypatch.setattr(gr, "Info", lambda words: None)
    return SimpleNamespace(home=home, queue=SimpleNamespace(poke=lambda: None), seen=lambda: [(run, run.status())])


def test_a_press_redraws_what_is_offered(studio, run) -> None:
    selected, html, wanted = act(studio, run.name, ("", 0), f"pause:{run.name}", "")
    assert "Resume" in html
    assert (selected, wanted) == (gr.skip(), gr.skip())


def test_a_run_that_was_made_is_selected(studio, run, monkeypatch) -> None:
    made = SimpleNamespace(name="2026-11-21-new-one")
    monkeypatch.setattr(run_tab, "press", lambda *_: made)
    assert act(studio, run.name, ("", 0), f"extend:{run.name}", "")[0] == made.name


def test_what_cannot_be_done_is_said(studio) -> None:
    with pytest.raises(gr.Error, match="no run"):
        act(studio, None, ("", 0), "stop:nobody", "")


def test_a_recipe_that_is_wanted_twice_is_taken_twice(studio, run) -> None:
    first = act(studio, run.name, ("", 0), f"take:{run.name}:0", "")[2]
    assert act(studio, run.name, first, f"take:{run.name}:0", "")[2] != first


def test_the_end_of_the_log(studio, run) -> None:
    assert log_tail(studio, None) == "No run is chosen."
    assert log_tail(studio, run.name) == "Nothing was printed yet."
    run.log_path.write_text("".join(f"line {n}\n" for n in range(1000)))
    assert log_tail(studio, run.name).startswith("line 600\n")
    assert log_tail(studio, "nobody") == "Nothing was printed yet."
