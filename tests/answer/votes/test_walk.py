"""The walk through the held-out rows."""

from __future__ import annotations

import json

import pytest

from studio.answer.votes.walk import Walk
from studio.errors import StudioError
from studio.run.directory import Run
from tests.answer.votes.casting import BASE, TUNED, cast

PAIR = (BASE, TUNED)
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "So."},
]


@pytest.fixture
def run(tmp_path) -> Run:
    run = Run(tmp_path / "fox")
    (run.path / "data").mkdir(parents=True)
    rows = [{"row": row, "prompt": f"Colour {row}?", "completion": f"c{row}"} for row in range(10, 16)]
    rows += [
        {"row": 16, "prompt": "Why?", "completion": "So.", "messages": json.dumps(TALK)},
        {"row": 17, "prompt": "", "completion": "plain text"},
        {"row": 18, "prompt": "Weather?", "completion": "Sun", "tools": "[]x"},
    ]
    (run.path / "data" / "held_out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run.path / "data" / "source.json").write_text('{"type": "prompt-completion"}')
    return run


def test_no_row_comes_twice_before_all_came(run):
    walk = Walk()
    walks = [[walk.next(run, [], PAIR) for _ in range(7)] for _ in range(3)]
    for asked in walks:
        assert sorted(each.row for each in asked) == [10, 11, 12, 13, 14, 15, 16]
        assert [each.left for each in asked] == [6, 5, 4, 3, 2, 1, 0]
    assert len({tuple(each.row for each in asked) for asked in walks}) > 1, "shuffled anew"
    ten = next(each for each in walks[0] if each.row == 10)
    assert (ten.messages, ten.reference) == ([{"role": "user", "content": "Colour 10?"}], "c10")
    talk = next(each for each in walks[0] if each.row == 16)
    assert talk.messages == TALK[:2]


def test_what_was_voted_on_before_a_restart_counts(run):
    votes = [cast("first", row=row) for row in (10, 11, 12, 13)]
    other = cast("first", row=14, voices=(BASE, BASE.model_copy(update={"model_id": "x"})))
    rows = {Walk().next(run, [*votes, other, cast("tie")], PAIR).row for _ in range(60)}
    assert rows == {14, 15, 16}


def test_a_run_without_such_rows_says_what_to_do(run):
    (run.path / "data" / "held_out.jsonl").write_text("")
    with pytest.raises(StudioError, match="Type a prompt of your own"):
        Walk().next(run, [], PAIR)
