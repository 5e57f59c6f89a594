"""What the buttons of a run do, without a page."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import pytest

from studio.errors import StudioError
from studio.recipe.read import changed
from studio.run.directory import Status, find_run
from studio.run.events import Ended, EventWriter
from studio.run.order import waiting
from studio.run.owner import claim
from studio.run.submit import submit
from studio.run.wish import Wish
from studio.ui import run_press
from studio.ui.run_press import branch_changes, press


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe({"training.batch_size": 8}))


@pytest.fixture
def studio(home, monkeypatch):
    monkeypatch.setattr(gr, "Info", lambda words: None)
    pokes = []
    queue = SimpleNamespace(poke=lambda: pokes.append(1))
    return SimpleNamespace(home=home, queue=queue, pokes=pokes, desk=SimpleNamespace(prepare=lambda data: None))


@pytest.mark.parametrize(("verb", "wish"), [("stop", Wish.STOP), ("pause", Wish.PAUSE), ("cancel", Wish.CANCEL)])
def test_a_wish_is_written_and_the_queue_looks(studio, run, verb, wish) -> None:
    claim(run.owner_path)
    assert press(studio, f"{verb}:{run.name}", "") is None
    assert (run.wish(), run.status()) == (wish, Status.STOPPING)
    assert studio.pokes


def test_a_run_that_was_stopped_goes_on(studio, run) -> None:
    press(studio, f"pause:{run.name}", "")
    assert run.status() is Status.PAUSED
    press(studio, f"resume:{run.name}", "")
    assert run.status() is Status.WAITING
    with pytest.raises(StudioError, match="in the queue already"):
        press(studio, f"resume:{run.name}", "")


def test_moving_in_the_queue(studio, home, run, make_recipe) -> None:
    other = submit(home, make_recipe())
    press(studio, f"sooner:{other.name}", "")
    assert waiting(home) == [other, run]
    press(studio, f"later:{other.name}", "")
    assert waiting(home) == [run, other]


def test_trying_again_after_too_little_memory(studio, run) -> None:
    claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="failed", cause="memory"))
    made = press(studio, f"try:{run.name}:0", "")
    assert made is not None
    assert made.status() is Status.WAITING
    assert (made.recipe.training.batch_size, made.recipe.training.gradient_accumulation) == (4, 2)
    assert made.recipe == changed(run.recipe, {"training.batch_size": 4, "training.gradient_accumulation": 2}), (
        "nothing else is changed"
    )
    with pytest.raises(StudioError, match="already in progress"):
        press(studio, f"try:{run.name}:0", "")
    with pytest.raises(StudioError, match="changed meanwhile"):
        press(studio, f"try:{run.name}:9", "")


def test_a_branch_gets_what_the_fields_say(studio, run, monkeypatch) -> None:
    asked = []

    def branched(home, parent, step, changes):
        asked.append((parent, step, changes))
        return parent

    monkeypatch.setattr(run_press, "branch", branched)
    fields = {"step": "40", "learning_rate": "1e-3", "epochs": "2", "schedule": "linear", "more": "warmup=0.2"}
    assert press(studio, f"branch:{run.name}", json.dumps(fields)) == run
    wanted = {"training.learning_rate": 1e-3, "training.schedule": "linear", "training.warmup": 0.2}
    assert asked == [(run, 40, wanted)], "epochs are as before, and so are no change"
    with pytest.raises(StudioError, match="No checkpoint"):
        press(studio, f"branch:{run.name}", "{}")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"learning_rate": "fast"}, "no number"),
        ({"more": "warmup"}, "key=value"),
        ({"more": "warmup=[1, 2"}, "cannot be read"),
    ],
)
def test_fields_that_say_nothing_are_refused_in_words(run, fields, words) -> None:
    with pytest.raises(StudioError, match=words):
        branch_changes(run.recipe, fields)


@pytest.mark.parametrize("sent", ["", "{}", "[1]", "no JSON", '{"step": 3}'])
def test_what_a_page_should_not_send_changes_nothing(studio, run, sent) -> None:
    with pytest.raises(StudioError):
        press(studio, f"branch:{run.name}", sent)


@pytest.mark.parametrize("pressed", ["", "stop", "stop:no-such-run", "dance:no-such-run"])
def test_a_run_that_is_not_there_is_named(studio, pressed) -> None:
    with pytest.raises(StudioError):
        press(studio, pressed, "")


def test_an_unknown_verb_does_nothing(studio, home, run) -> None:
    assert press(studio, f"dance:{run.name}", "") is None
    assert find_run(home, run.name).status() is Status.WAITING
