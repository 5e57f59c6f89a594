"""Training rows as turns before a question."""

import json

import pytest

from studio.answer.few_shot import MOST, few_shot, shots
from studio.data.example import Example, Examples
from studio.errors import StudioError
from tests.prepared_runs import prepare_run

PLENTY = 100_000


def rows(count, length=1):
    return Examples.of([Example(n, f"Question {n}?", f"answer {n} " * length) for n in range(1, count + 1)])


def test_they_are_spread_over_all_rows_as_turns():
    found = shots(rows(100), 4, PLENTY)
    assert found.rows == [13, 38, 63, 88]
    assert [message["role"] for message in found.messages] == ["user", "assistant"] * 4
    assert found.messages[:2] == [
        {"role": "user", "content": "Question 13?"},
        {"role": "assistant", "content": "answer 13 "},
    ]
    assert found.note == "4 training rows before the question."
    assert shots(rows(100), 4, PLENTY) == found


def test_a_seed_draws_others():
    drawn = shots(rows(100), 4, PLENTY, seed=1)
    assert drawn == shots(rows(100), 4, PLENTY, seed=1)
    assert drawn.rows != shots(rows(100), 4, PLENTY, seed=2).rows
    assert len(set(drawn.rows)) == 4


def test_the_row_that_is_asked_is_never_shown():
    for seed in (None, *range(20)):
        found = shots(rows(4), 4, PLENTY, asked="question  2?", seed=seed)
        assert sorted(found.rows) == [1, 3, 4]
        assert "no more" in found.note


def test_a_question_is_shown_once():
    twice = Examples.of([Example(1, "Hi?", "a"), Example(2, "hi? ", "b"), Example(3, "Ho?", "c")])
    assert len(shots(twice, 3, PLENTY).rows) == 2


def test_what_does_not_fit_is_dropped_from_the_longest():
    mixed = Examples.of([Example(1, "One?", "x" * 3000), Example(2, "Two?", "x" * 30), Example(3, "Three?", "x" * 300)])
    found = shots(mixed, 3, 200)
    assert found.rows == [2, 3]
    assert "2 training rows before the question; 1 more would not fit" in found.note
    assert shots(mixed, 3, 40).rows == [2]
    with pytest.raises(StudioError, match="longer than half of the context"):
        shots(mixed, 3, 5)


def test_conversations_keep_their_turns_and_lose_their_system_prompt():
    spoken = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Ho."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "So."},
    ]
    talk = Examples.of([Example(1, "Why?", "So.", messages=json.dumps(spoken))], "language modeling")
    assert shots(talk, 1, PLENTY).messages == spoken[1:]


def test_plain_text_and_tools_are_no_examples():
    call = [{"role": "user", "content": "Sum?"}, {"role": "assistant", "content": "", "tool_calls": [{"name": "add"}]}]
    none = Examples.of([Example(1, "", "A tale."), Example(2, "Sum?", "", messages=json.dumps(call))])
    for examples in (none, Examples.of([])):
        with pytest.raises(StudioError, match="No training row of this run can go before"):
            shots(examples, 2, PLENTY)
    assert shots(none.joined([rows(1)]), 2, PLENTY).rows == [1]


def test_the_number_is_bounded():
    assert len(shots(rows(500), 10_000, PLENTY).rows) == MOST
    assert len(shots(rows(500), -3, PLENTY).rows) == 1


def test_from_a_run_for_half_of_its_bases_context(home):
    run = prepare_run(home, "amber-fox")
    lines = [{"row": n, "prompt": f"Question {n}?", "completion": "word " * 60} for n in range(1, 9)]
    (run.path / "data" / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = few_shot(run, 8)  # the starter holds 512 tokens
    assert len(found.rows) == 2
    assert "6 more would not fit" in found.note


def test_a_classifier_has_no_answers_in_words(home):
    run = prepare_run(home, "grey-owl", {"task.name": "sequence-classification"})
    with pytest.raises(StudioError, match="does not write answers"):
        few_shot(run, 2)
