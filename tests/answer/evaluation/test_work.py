"""Evaluations done in this process: who answers what, and that batches say what separate runs say."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch

from studio.answer.evaluation import writing
from studio.answer.evaluation.answers import Answers, Said, read_answers
from studio.answer.evaluation.begin import begin_baseline, begin_drift, begin_scores
from studio.answer.evaluation.contestants import MARGIN, asked_of
from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.request import Contestant, Judge
from studio.answer.evaluation.work import Stopped, Work
from studio.answer.generate import Row, generate
from studio.answer.prompts import asked_ids
from studio.answer.settings import Settings
from studio.answer.transcript import Transcript
from studio.answer.voice import BASE, Voice
from studio.data.example import Example, Examples
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.run.directory import Status
from studio.run.events import EventWriter
from tests.answer.evaluation.conftest import do


def alone(seat, row, tokens):
    """One row's answer by itself, as the chat gives it."""
    (ids,) = asked_ids(seat.tokenizer, [row]).values()
    transcript = Transcript(seat.tokenizer)
    settings = Settings(max_new_tokens=tokens)
    generate([Row(ids, seat)], settings, lambda step: [transcript.add(t.id) for t in step.values()], lambda: False)
    return transcript.text()


def said_in(evaluation: Evaluation) -> dict[tuple[str, int], str]:
    return {(line.who, line.place): line.text for line in read_answers(evaluation.answers_path) if line.kind == "said"}


def test_every_row_is_answered_by_all_as_alone(home, own_run, engine):
    evaluation = begin_scores(home, own_run, shots=2)
    assert evaluation.status() is Status.WAITING
    result = do(evaluation)
    assert evaluation.status() is Status.FINISHED
    rows = evaluation.rows()
    assert [row.row for row in rows] == list(range(4, 24))
    assert {tuple(row.answers) for row in rows} == {("base", "few-shot", "tuned")}
    assert result.max_new_tokens == 32  # the longest reference has 14 characters, and there is a margin
    assert (result.scores.n, result.scores.against, result.skipped) == (20, "base", [])
    assert evaluation.result() == result
    examples = list(own_run.examples("held_out"))
    voices = {each.name: each.voice for each in evaluation.request.contestants}
    seats = dict(zip(voices, engine.seats(list(voices.values())), strict=True))
    for place in (0, 7, 19):
        for who in ("base", "tuned"):
            assert rows[place].answers[who] == alone(seats[who], examples[place], result.max_new_tokens)
    assert any(row.answers["base"] != row.answers["tuned"] for row in rows)
    assert any(row.answers["base"] != row.answers["few-shot"] for row in rows)


@pytest.mark.slow  # six methods
@pytest.mark.parametrize("method", ["dora", "ia3", "vera", "prompt-tuning", "prefix-tuning", "full"])
def test_batches_of_any_result_say_what_each_row_says_alone(method, result_of, engine):
    """Those too whose rows no batch can name, or whose prompts cannot be padded."""
    (seat,) = engine.seats([Voice.of_run(str(result_of(method).path))])
    rows = {n: Example(n, "Say it. " * (n % 3 + 1), "ok" * n) for n in range(1, 10)}
    asked = asked_of(Contestant(name="tuned", voice=seat.voice), seat, rows, Examples.of([]))
    wrote = {}
    for batch in writing.write(seat, asked.prompts, asked.longest, lambda: False, print, asked.references):
        wrote |= batch
    assert set(wrote) == set(rows)
    for place in rows:
        text = seat.tokenizer.decode(wrote[place].ids, skip_special_tokens=True)
        assert text == alone(seat, rows[place], asked.longest)


def test_references_are_read_as_the_loss_of_training_reads_them(home, own_run, engine):
    evaluation = begin_scores(home, own_run, shots=0, limit=5)
    do(evaluation)
    for who, part in (("base", BASE), ("tuned", "result")):
        (seat,) = engine.seats([Voice.of_run(str(own_run.path), part)])
        for row in evaluation.rows():
            asked = f"<s>user\n{row.prompt}</s><s>assistant\n"
            prompt = seat.tokenizer(asked, add_special_tokens=False)["input_ids"]
            answer = seat.tokenizer(f"{row.reference}</s>", add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                logits = seat.model()(input_ids=torch.tensor([prompt + answer])).logits[0]
            chances = logits.log_softmax(-1)
            nats = -sum(float(chances[len(prompt) + i - 1, token]) for i, token in enumerate(answer))
            assert row.read[who].tokens == len(answer)
            assert row.read[who].nats == pytest.approx(nats, rel=1e-4)


def test_examples_before_a_question_are_never_the_question_itself_and_fit(engine, base):
    pool = Examples.of([Example(n, f"question {n}", "long " * 60) for n in range(20)])
    (seat,) = engine.seats([Voice.of_model(str(base))])
    contestant = Contestant(name="few-shot", voice=Voice.of_model(str(base)), shots=8)
    rows = {0: Example(0, "Question  3", "a"), 1: Example(1, "x " * 900, "a")}
    asked = asked_of(contestant, seat, rows, pool)
    told = asked.rows[0].conversation
    assert len(told) == 4 * 2 + 2, "eight seem to fit by their letters, and do not by their tokens"
    assert told[-2:] == rows[0].conversation
    assert all(turn["content"].casefold() != "question 3" for turn in told[:-2])
    assert all(len(ids) + asked.longest <= seat.context for ids in asked.prompts.values())
    assert asked.rows[1] == rows[1], "nothing fits before a question that takes nearly all"


def test_rows_too_long_are_skipped_for_all_and_said(home, own_run):
    lines = [{"row": 1, "prompt": "x" * 3000, "completion": "y"}, {"row": 2, "prompt": "x", "completion": "y"}]
    (own_run.path / "data" / "held_out.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    evaluation = begin_scores(home, own_run)
    result = do(evaluation)
    assert (result.scores.n, result.skipped) == (1, [1])
    (own_run.path / "data" / "held_out.jsonl").write_text(json.dumps(lines[0]), "utf-8")
    with pytest.raises(StudioError, match=r"longer than the model's context of 2,048"):
        do(begin_scores(home, own_run))


def test_what_was_done_is_kept_and_the_rest_is_done_as_if_at_once(home, own_run, monkeypatch):
    monkeypatch.setattr(writing, "MOST_TOGETHER", {"cpu": 8})
    straight = begin_scores(home, own_run, shots=0)
    do(straight)
    (straight.path / "models.json").unlink()  # nothing is taken from it
    broken = begin_scores(home, own_run, shots=0)
    lines = straight.answers_path.read_bytes().splitlines(keepends=True)
    broken.answers_path.write_bytes(b"".join(lines[:9]) + lines[9][:30])
    do(broken)
    assert broken.answers_path.read_bytes().splitlines(keepends=True)[:9] == lines[:9]
    assert said_in(broken) == said_in(straight)
    assert broken.rows() == straight.rows()
    assert broken.result().scores == straight.result().scores


def test_what_the_same_model_was_asked_before_is_not_asked_again(home, own_run, make_recipe, monkeypatch):
    """A baseline's answers count in every run on the same base and rows; an evaluation's in the next one of its run."""
    source, train = home.root / "rows.jsonl", home.root / "train.jsonl"
    shutil.copy(own_run.path / "data" / "held_out.jsonl", source)
    others = [{"prompt": "What else is there?", "completion": "Nothing."}, {"prompt": "Who asks?", "completion": "I."}]
    train.write_text("\n".join(map(json.dumps, others)), "utf-8")
    recipe = make_recipe(
        {"data.path": str(train), "data.held_out_path": str(source), "model.id": own_run.recipe.model.id}
    )
    baseline = begin_baseline(home, recipe, sample=8, shots=0)
    do(baseline)
    asked: list[int] = []
    write = writing.write

    def counted(seat, prompts, *rest):
        asked.append(len(prompts))
        return write(seat, prompts, *rest)

    monkeypatch.setattr(writing, "write", counted)
    first = begin_scores(home, own_run, shots=0)
    do(first)
    assert asked == [12, 20]
    assert baseline.id in first.result().notes[0]
    known = {row.prompt + row.reference: row for row in baseline.rows()}
    same = [row for row in first.rows() if row.prompt + row.reference in known]
    assert len(same) == 8
    for row in same:
        before = known[row.prompt + row.reference]
        assert (row.answers["base"], row.read["base"]) == (before.answers["base"], before.read["base"])
    second = begin_scores(home, own_run, shots=0)
    do(second)
    assert asked == [12, 20]
    assert second.rows() == first.rows()


def test_too_little_memory_halves_the_batches_and_is_said(home, own_run, monkeypatch):
    straight = begin_scores(home, own_run, shots=0, limit=8)
    do(straight)
    (straight.path / "models.json").unlink()
    written = writing._written

    def short(seat, model, prompts, *rest):
        if len(prompts) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return written(seat, model, prompts, *rest)

    monkeypatch.setattr(writing, "_written", short)
    evaluation = begin_scores(home, own_run, shots=0, limit=8)
    result = do(evaluation)
    assert evaluation.rows() == straight.rows()
    assert "The memory was not enough for 8 answers at a time, so 4 were written at a time." in result.notes
    monkeypatch.setattr(writing, "_written", lambda *_: short(None, None, "four"))
    (evaluation.path / "models.json").unlink()
    with pytest.raises(RuntimeError, match="allocate"):
        do(begin_scores(home, own_run, shots=0, limit=4))


def test_it_ends_where_it_is_asked_to_and_keeps_what_it_has(home, own_run, monkeypatch):
    monkeypatch.setattr(writing, "MOST_TOGETHER", {"cpu": 8})
    monkeypatch.setattr("studio.answer.evaluation.work.LOOK", 0.0)
    evaluation = begin_scores(home, own_run, shots=0)
    add = Answers.add

    def then_cancelled(self, lines):
        add(self, lines)
        if self.said:
            evaluation.cancel()

    monkeypatch.setattr(Answers, "add", then_cancelled)
    with EventWriter(evaluation.events_path) as events, Answers(evaluation.answers_path) as answers:
        work = Work(evaluation, events, answers)
        with pytest.raises(Stopped):
            work.done()
    assert len(said_in(evaluation)) == 8
    assert evaluation.result() is None


def test_a_metric_of_ones_own_is_executed_only_where_that_was_said(home, own_run, tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        f"""open({str(tmp_path / "ran")!r}, "w")\ndef score(answers, references): return [0.25] * len(answers)"""
    )
    evaluation = begin_scores(home, own_run, shots=0, limit=2, own=str(own))
    with pytest.raises(StudioError, match="from the command line only"):
        do(evaluation)
    assert not (tmp_path / "ran").exists()
    result = do(evaluation, may_execute=True)
    assert [row.own for row in evaluation.rows()] == [{"base": 0.25, "tuned": 0.25}] * 2
    assert "own" in {metric.name for metric in result.scores.metrics}


def test_a_judge_marks_each_answer_once(home, own_run, monkeypatch):
    asked: list[int] = []

    def marked(rows, judge):
        for row in rows:
            asked.append(row.row)
            if len(asked) == 2:
                raise StudioError("The judge is gone.")
            yield row.model_copy(update={"marks": {"base": 0.0, "tuned": 1.0}})

    monkeypatch.setattr("studio.answer.metrics.judge.marked", marked)
    judge = Judge(url="http://127.0.0.1:1/v1", model="j")
    evaluation = begin_scores(home, own_run, shots=0, limit=3, judge=judge)
    with pytest.raises(StudioError, match="The judge is gone"):
        do(evaluation)
    first = asked[0]
    result = do(evaluation)
    assert (len(asked), asked.count(first)) == (4, 1)
    (metric,) = (metric for metric in result.scores.metrics if metric.name == "judge")
    assert (metric.figures["base"].value, metric.figures["tuned"].value) == (0.0, 1.0)
    with pytest.raises(StudioError, match="https://"):
        do(begin_scores(home, own_run, judge=judge.model_copy(update={"url": "nowhere"})))


def test_drift_reads_and_writes_nothing(home, own_run, pairs_file):
    evaluation = begin_drift(home, own_run, DataPart(path=str(pairs_file)))
    result = do(evaluation)
    rows = evaluation.rows()
    assert (len(rows), result.scores.metrics) == (44, [])
    assert all(row.answers == {} and set(row.read) == {"base", "tuned"} for row in rows)
    assert {row.source for row in rows} == {"new", "known"}
    assert all(math.isfinite(row.read["tuned"].nats) for row in rows)


def test_a_torn_line_is_left_out_and_ended(tmp_path):
    path = tmp_path / "answers.jsonl"
    line = Said(who="base", place=0, text="a\nb", tokens=2, ended=True)
    path.write_text(line.model_dump_json() + '\n{"kind": "said", "who": "ba')
    with Answers(path) as answers:
        assert answers.said == {("base", 0): line}
        answers.add([line.model_copy(update={"place": 1})])
    assert [each.place for each in read_answers(path)] == [0, 1]


def test_limit_of_an_answer_is_a_round_one(engine, base):
    (seat,) = engine.seats([Voice.of_model(str(base))])
    rows = {0: Example(0, "a", "b" * 33)}
    asked = asked_of(Contestant(name="base", voice=seat.voice), seat, rows, Examples.of([]))
    assert asked.longest % MARGIN == 0
    assert 33 + MARGIN <= asked.longest < 33 + 2 * MARGIN
