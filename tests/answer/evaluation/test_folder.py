"""What an evaluation's folder says of it, and how it is made, gone on with and removed."""

from __future__ import annotations

import json
import os

import pytest

from studio.answer.evaluation.events import Began, Worked
from studio.answer.evaluation.folder import (
    Evaluation,
    baselines,
    evaluations_of,
    every_evaluation,
    find_evaluation,
    make_evaluation,
    remove,
)
from studio.answer.evaluation.request import Contestant, Request
from studio.answer.voice import Voice
from studio.data.example import Example, Examples
from studio.errors import StudioError
from studio.run import owner
from studio.run.directory import Status
from studio.run.events import Ended, EventWriter
from tests.prepared_runs import prepare_run

REQUEST = Request(contestants=(Contestant(name="base", voice=Voice.of_model("starter")),))
ROWS = Examples.of([Example(3, "a?", "b", label="x", group="g")])


def write(evaluation: Evaluation, *events) -> None:
    with EventWriter(evaluation.events_path) as file:
        for event in events:
            file.write(event)


def dead_owner(evaluation: Evaluation) -> None:
    claimed = owner.claim(evaluation.owner_path)
    evaluation.owner_path.write_text(claimed.model_copy(update={"started": 1.0, "ticks": 1}).model_dump_json())


@pytest.fixture
def evaluation(home) -> Evaluation:
    return make_evaluation(home.baselines, REQUEST, ROWS)


def test_it_is_whole_at_once_and_found_by_its_name(home, evaluation):
    run = prepare_run(home, "amber-fox")
    of_run = make_evaluation(run.path / "evaluations", REQUEST, ROWS, ROWS)
    (home.baselines / ".new-1-ff").mkdir()
    assert (evaluations_of(run), baselines(home)) == ([of_run], [evaluation])
    assert every_evaluation(home) == [of_run, evaluation], "newest first"
    assert find_evaluation(home, evaluation.id) == evaluation
    assert (of_run.run, evaluation.run) == (run, None)
    assert evaluation.request == REQUEST
    assert evaluation.asked() == ROWS
    assert (len(evaluation.shown()), len(of_run.shown())) == (0, 1)
    with pytest.raises(StudioError, match="There is no evaluation"):
        find_evaluation(home, "nobody")


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left(home):
    (home.root / "full").write_text("a file")
    with pytest.raises(StudioError, match="nothing was started"):
        make_evaluation(home.root / "full", REQUEST, ROWS)
    assert every_evaluation(home) == []


def test_its_status_is_what_the_folder_says(evaluation):
    assert evaluation.status() is Status.WAITING
    evaluation.cancel()
    assert evaluation.status() is Status.CANCELLED
    evaluation.go_on()
    assert evaluation.status() is Status.WAITING
    owner.claim(evaluation.owner_path)
    assert evaluation.status() is Status.RUNNING
    evaluation.go_on()
    assert evaluation.status() is Status.RUNNING, "nothing is taken away from who does it"
    with pytest.raises(StudioError, match="under way"):
        remove(evaluation)
    evaluation.cancel()
    assert evaluation.status() is Status.STOPPING
    write(evaluation, Ended(kind="failed", message="no memory"))
    assert (evaluation.status(), evaluation.error()) == (Status.FAILED, "no memory")
    evaluation.go_on()
    assert (evaluation.status(), evaluation.error()) == (Status.WAITING, "")
    dead_owner(evaluation)
    assert evaluation.status() is Status.LOST
    evaluation.cancel()
    assert evaluation.status() is Status.CANCELLED, "nobody goes on with it by himself"
    evaluation.go_on()
    write(evaluation, Ended(kind="finished"))
    assert evaluation.status() is Status.FINISHED
    assert (evaluation.result(), evaluation.rows()) == (None, [])
    with pytest.raises(StudioError, match="is finished"):
        evaluation.go_on()
    remove(evaluation)
    assert not evaluation.path.exists()


def test_progress_has_the_time_that_its_own_pace_leaves(evaluation):
    assert evaluation.progress() == ("Loading the models", 0, 0, None)
    words = {"what": "The base answers", "of": 100}
    write(evaluation, Began(time=0.0), Worked(time=1.0, done=0, share=0.0, **words))
    assert evaluation.progress() == ("The base answers", 0, 100, None)
    write(evaluation, Worked(time=11.0, done=25, share=0.25, **words))
    assert evaluation.progress() == ("The base answers", 25, 100, pytest.approx(30.0))
    write(evaluation, Began(time=500.0))
    assert evaluation.progress() == ("Loading the models", 25, 100, None), "a later life loads again, and keeps what is"
    write(evaluation, Worked(time=600.0, done=25, share=0.25, **words), Worked(time=620.0, done=50, share=0.5, **words))
    assert evaluation.progress().seconds_left == pytest.approx(40.0), "the time between two lives does not count"


def test_damaged_files_are_told_in_words(evaluation):
    (evaluation.path / "result.json").write_text("{")
    with pytest.raises(StudioError, match="Begin a new evaluation"):
        evaluation.result()
    request = json.loads((evaluation.path / "request.json").read_text())
    (evaluation.path / "request.json").write_text(json.dumps(request | {"kind": "other"}))
    with pytest.raises(StudioError, match="damaged or is of another version"):
        _ = evaluation.request


def test_two_that_ask_the_same_are_told_from_others(home, evaluation):
    again = make_evaluation(home.baselines, REQUEST, ROWS)
    other = make_evaluation(home.baselines, REQUEST.model_copy(update={"title": "t"}), ROWS)
    assert evaluation.asks_the_same(again)
    assert not evaluation.asks_the_same(other)
    os.remove(again.path / "rows.jsonl")
    assert not evaluation.asks_the_same(again)
