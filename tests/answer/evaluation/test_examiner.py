"""Turns: one evaluation at a time, aside for runs, on after a death, given up after two without getting on."""

from __future__ import annotations

import shutil
from typing import ClassVar

import pytest

from studio.answer.evaluation import examiner as module
from studio.answer.evaluation.examiner import Examiner
from studio.answer.evaluation.folder import Evaluation, make_evaluation
from studio.answer.evaluation.request import Contestant, Request
from studio.answer.voice import Voice
from studio.data.example import Example, Examples
from studio.run import owner
from studio.run.directory import Status
from studio.run.events import Ended, EventWriter

REQUEST = Request(contestants=(Contestant(name="base", voice=Voice.of_model("starter")),))


class StandIn:
    """A child without a process: it claims its evaluation when it is told to, and ends as it is told."""

    born: ClassVar[list[StandIn]] = []

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation, self.code, self._claimed, self.ended = evaluation, None, False, False
        StandIn.born.append(self)

    def status(self):
        return self.code

    def claimed(self):
        return self._claimed

    def claim(self):
        owner.claim(self.evaluation.owner_path)
        self._claimed = True

    def die(self, code: int) -> None:
        """As a process that is gone without a word."""
        self.code = code
        if self._claimed:
            mine = owner.read_owner(self.evaluation.owner_path)
            gone = mine.model_copy(update={"started": 1.0, "ticks": 1})
            self.evaluation.owner_path.write_text(gone.model_dump_json())

    def end(self):
        self.ended = True
        if self.evaluation.path.exists():
            self.die(-15)


@pytest.fixture
def born(monkeypatch) -> list[StandIn]:
    monkeypatch.setattr(module, "Child", StandIn)
    StandIn.born = []
    return StandIn.born


def waiting(home) -> Evaluation:
    return make_evaluation(home.baselines, REQUEST, Examples.of([Example(1, "a?", "b")]))


def finish(child: StandIn) -> None:
    with EventWriter(child.evaluation.events_path) as events:
        events.write(Ended(kind="finished"))
    child.code = 0


def test_one_at_a_time_the_oldest_first(home, born):
    first, second = waiting(home), waiting(home)
    examiner = Examiner(home, lambda: None)
    examiner.look()
    assert [each.evaluation for each in born] == [first]
    born[0].claim()
    examiner.look()
    assert len(born) == 1
    finish(born[0])
    examiner.look()
    assert [each.evaluation for each in born] == [first, second]
    finish(born[1])
    examiner.look()
    examiner.look()
    assert (len(born), first.status(), second.status()) == (2, Status.FINISHED, Status.FINISHED)


def test_one_that_is_removed_while_it_is_done_is_ended_and_the_next_begins(home, born):
    first, second = waiting(home), waiting(home)
    examiner = Examiner(home, lambda: None)
    examiner.look()
    born[0].claim()
    shutil.rmtree(first.path)
    examiner.look()
    assert (born[0].ended, [each.evaluation for each in born]) == (True, [first, second])


def test_none_begins_beside_one_that_another_process_does(home, born):
    elsewhere, mine = waiting(home), waiting(home)
    owner.claim(elsewhere.owner_path)
    examiner = Examiner(home, lambda: None)
    examiner.look()
    assert (born, mine.status()) == ([], Status.WAITING)


def test_it_steps_aside_for_a_run_and_goes_on_after_it(home, born):
    evaluation, reasons = waiting(home), []
    examiner = Examiner(home, lambda: reasons[0] if reasons else None)
    examiner.look()
    born[0].claim()
    reasons.append("A run has the GPU.")
    examiner.look()
    assert (born[0].code, evaluation.status()) == (-15, Status.WAITING)
    examiner.look()
    assert len(born) == 1
    reasons.clear()
    for _ in range(3):  # a run that comes at once each time is no fault of the evaluation
        examiner.look()
        born[-1].claim()
        examiner.step_aside()
    assert (len(born), evaluation.status()) == (4, Status.WAITING)


def test_what_a_studio_that_was_killed_left_is_gone_on_with(home, born):
    evaluation = waiting(home)
    lost = StandIn(evaluation)
    lost.claim()
    lost.die(-9)
    born.clear()
    assert evaluation.status() is Status.LOST
    Examiner(home, lambda: None).look()
    assert [each.evaluation for each in born] == [evaluation]


@pytest.mark.parametrize(("code", "words"), [(-9, "memory was"), (1, "ended with status 1 twice")])
@pytest.mark.parametrize("claims", [True, False])
def test_two_deaths_without_getting_on_are_the_end_of_it(home, born, code, words, claims):
    evaluation = waiting(home)
    evaluation.log_path.write_text("some\nlast words\n")
    examiner = Examiner(home, lambda: None)

    def one_death() -> None:
        examiner.look()
        if claims:
            born[-1].claim()
        born[-1].die(code)

    one_death()
    examiner.look()
    assert len(born) == 2, "the first one is tried again"
    evaluation.answers_path.write_text("more than before\n")
    if claims:
        born[-1].claim()
    born[-1].die(code)
    one_death()
    assert evaluation.status() is not Status.FAILED, "the second one got on, so the third is the first without"
    examiner.look()
    assert (len(born), evaluation.status()) == (3, Status.FAILED)
    assert words in evaluation.error()
    examiner.look()
    assert len(born) == 3
    evaluation.go_on()
    one_death()
    examiner.look()
    assert (len(born), evaluation.status()) == (5, Status.WAITING), "it counts anew once a person lets it go on"


def test_one_that_lost_the_race_for_its_evaluation_is_no_death(home, born):
    evaluation = waiting(home)
    examiner = Examiner(home, lambda: None)
    examiner.look()
    owner.claim(evaluation.owner_path)  # by the command line
    born[0].die(module.TAKEN)
    examiner.look()
    assert (len(born), evaluation.status()) == (1, Status.RUNNING)
    assert evaluation.events() == []


def test_only_who_is_in_charge_looks(home, born):
    evaluation = waiting(home)
    charge: list[bool] = []
    examiner = Examiner(home, lambda: None, lambda: bool(charge))
    examiner.start()
    examiner.poke()
    assert born == []
    examiner.close()
    assert evaluation.status() is Status.WAITING
