"""F35: an evaluation is killed, closed with its studio, cancelled, out of disk, or begun twice: nothing that was
answered is asked again, and in the end all is as if nothing had happened."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable

import psutil
import pytest

from studio.answer.evaluation import __main__ as process
from studio.answer.evaluation import answers
from studio.answer.evaluation.begin import begin_scores
from studio.answer.evaluation.child import Child
from studio.answer.evaluation.events import Began, Worked
from studio.answer.evaluation.examiner import TAKEN, Examiner
from studio.answer.evaluation.folder import Evaluation
from studio.home import Home, open_home
from studio.run.directory import Run, Status
from studio.run.events import EventWriter
from studio.run.owner import read_owner
from tests.answer.evaluation.conftest import do
from tests.tiny_run import make_run as made_by_hand

pytestmark = pytest.mark.usefixtures("one_thread")

PATIENCE = 120.0  # seconds
ROWS = 150


@pytest.fixture(scope="module")
def straight(tmp_path_factory, tiny_base, one_thread) -> Evaluation:
    """Done at once, in a home of its own."""
    home = open_home(tmp_path_factory.mktemp("straight") / "home")
    run = made_by_hand(home.runs / "amber-fox", tiny_base)
    rows = [{"row": n, "prompt": f"Say {n}.", "completion": "ok" * (n % 9 + 1)} for n in range(ROWS)]
    (run.path / "data" / "held_out.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    evaluation = begin_scores(home, run, shots=0)
    do(evaluation)
    return evaluation


@pytest.fixture
def evaluation(straight, tmp_path) -> Evaluation:
    """The same, to be done anew: without what was known."""
    assert straight.run is not None
    home = open_home(tmp_path / "home")
    shutil.copytree(straight.run.path, home.runs / "amber-fox", ignore=shutil.ignore_patterns("evaluations"))
    return begin_scores(home, Run(home.runs / "amber-fox"), shots=0)


def home_of(evaluation: Evaluation) -> Home:
    assert evaluation.run is not None
    return Home(evaluation.run.path.parent.parent)


def wait_for(what: Callable[[], bool], examiner: Examiner) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "in vain"
        examiner.look()
        time.sleep(0.01)


def lives(evaluation: Evaluation) -> int:
    return sum(isinstance(event, Began) for event in evaluation.events())


def kill(evaluation: Evaluation) -> None:
    owner = read_owner(evaluation.owner_path)
    assert owner is not None
    psutil.Process(owner.pid).kill()


def same(evaluation: Evaluation, straight: Evaluation) -> bool:
    return evaluation.status() is Status.FINISHED and evaluation.rows() == straight.rows()


@pytest.mark.slow  # four processes that import torch
def test_killed_while_it_loads_and_while_it_answers_and_closed_with_its_studio(evaluation, straight):
    examiner = Examiner(home_of(evaluation), lambda: None)
    wait_for(lambda: lives(evaluation) == 1, examiner)
    kill(evaluation)
    wait_for(lambda: lives(evaluation) == 2 and evaluation.answers_path.stat().st_size > 0, examiner)
    kill(evaluation)
    with evaluation.answers_path.open("ab") as file:
        file.write(b'{"kind": "said", "who": "tun')  # torn in the middle of a line
    before = evaluation.answers_path.read_bytes().rpartition(b"\n")[0]
    wait_for(
        lambda: lives(evaluation) == 3 and any(isinstance(each, Worked) for each in after_last_began(evaluation)),
        examiner,
    )
    examiner.close()
    assert evaluation.status() is Status.WAITING
    examiner = Examiner(home_of(evaluation), lambda: None)
    wait_for(lambda: evaluation.status().over, examiner)
    assert same(evaluation, straight), evaluation.error()
    assert evaluation.answers_path.read_bytes().startswith(before), "nothing is asked again"
    assert lives(evaluation) == 4


def after_last_began(evaluation: Evaluation) -> list[object]:
    events = evaluation.events()
    last = max(place for place, event in enumerate(events) if isinstance(event, Began))
    return [event for event in events[last:] if not isinstance(event, Worked) or event.of]


@pytest.mark.slow  # three processes that import torch
def test_begun_twice_it_is_done_once_and_cancelled_it_can_go_on(evaluation, straight):
    children = [Child(evaluation), Child(evaluation)]
    end = time.monotonic() + PATIENCE
    while not any(child.status() == TAKEN for child in children) or not evaluation.answers_path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert evaluation.status() is Status.RUNNING
    evaluation.cancel()
    while not evaluation.status().over:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (evaluation.status(), evaluation.result(), lives(evaluation)) == (Status.CANCELLED, None, 1)
    for child in children:
        child.end()
    examiner = Examiner(home_of(evaluation), lambda: None)
    examiner.look()
    assert evaluation.status() is Status.CANCELLED, "nobody goes on with it unasked"
    evaluation.go_on()
    wait_for(lambda: evaluation.status().over, examiner)
    assert same(evaluation, straight), evaluation.error()


@pytest.mark.slow  # loads the models three times
def test_out_of_disk_it_fails_with_words_and_goes_on_when_there_is_room(evaluation, straight, monkeypatch):
    write, full = os.write, [False]

    def no_room(descriptor: int, text: bytes) -> int:
        if b'"kind":"said"' in text and not full[0]:
            full[0] = True
            write(descriptor, text[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text)

    monkeypatch.setattr(answers.os, "write", no_room)
    monkeypatch.setattr(process.sys, "argv", ["evaluation", str(evaluation.path)])
    with EventWriter(evaluation.events_path) as events:
        ended = process._ended(evaluation, events)
        events.write(ended)
    assert full[0]
    assert (evaluation.status(), ended.cause) == (Status.FAILED, "disk")
    assert "Free some space" in evaluation.error()
    evaluation.go_on()
    do(evaluation)
    assert same(evaluation, straight)
