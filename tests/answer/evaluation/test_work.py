"""Evaluations done in this process: who answers what, and that batches say what separate runs say."""

from __future__ import annotations

from studio.answer.engine import Engine
from studio.answer.evaluation.begin import begin_scores
from studio.answer.generate import Row, generate
from studio.answer.prompts import asked_ids
from studio.answer.settings import Settings
from studio.answer.transcript import Transcript
from studio.run.directory import Status
from tests.answer.evaluation.conftest import do


def alone(voice, row, tokens):
    """One row's answer by itself, as the chat gives it."""
    (seat,) = Engine().seats([voice])
    (ids,) = asked_ids(seat.tokenizer, [row]).values()
    transcript = Transcript(seat.tokenizer)
    settings = Settings(max_new_tokens=tokens)
    generate([Row(ids, seat)], settings, lambda step: [transcript.add(t.id) for t in step.values()], lambda: False)
    return transcript.text()


def test_every_row_is_answered_by_all_as_alone(own_home, own_run):
    evaluation = begin_scores(own_home, own_run, shots=2)
    assert evaluation.status() is Status.WAITING
    result = do(evaluation)
    assert evaluation.status() is Status.FINISHED
    rows = evaluation.rows()
    assert [row.row for row in rows] == list(range(4, 24))
    assert {tuple(row.answers) for row in rows} == {("base", "few-shot", "tuned")}
    examples = list(own_run.examples("held_out"))
    voices = {each.name: each.voice for each in evaluation.request.contestants}
    for place in (0, 7, 19):
        for who in ("base", "tuned"):
            assert rows[place].answers[who] == alone(voices[who], examples[place], result.max_new_tokens)
    assert any(row.answers["base"] != row.answers["tuned"] for row in rows)
