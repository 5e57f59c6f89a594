"""Rows as prompts."""

from __future__ import annotations

import json

import pytest

from studio.errors import StudioError
from studio.ui.compare.rows import Rows
from tests.prepared_runs import prepare_run


def write(run, *rows) -> None:
    text = "".join(json.dumps({"row": number, **row}) + "\n" for number, row in enumerate(rows, 7))
    (run.path / "data" / "held_out.jsonl").write_text(text)


def test_rows_come_round_and_round(home):
    run, rows = prepare_run(home, "amber-fox"), Rows()
    write(run, {"prompt": "a", "completion": "A"}, {"prompt": "b", "completion": "B"})
    found = [rows.one(run, "held_out", at) for at in (0, 1, 2, -1)]
    assert [(row["row"], row["prompt"], row["completion"], row["of"]) for row in found] == [
        (7, "a", "A", 2),
        (8, "b", "B", 2),
        (7, "a", "A", 2),
        (8, "b", "B", 2),
    ]


def test_what_came_before_the_question_comes_along(home):
    run = prepare_run(home, "amber-fox")
    said = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Who?"), ("assistant", "Me")]
    messages = [{"role": role, "content": content} for role, content in said]
    write(run, {"prompt": "Who?", "completion": "Me", "messages": json.dumps(messages)})
    row = Rows().one(run, "held_out", 0)
    assert (row["prompt"], row["completion"], row["before"]) == ("Who?", "Me", messages[:3])


def test_rows_are_read_once_and_again_when_they_changed(home, monkeypatch):
    run, rows = prepare_run(home, "amber-fox"), Rows()
    rows.one(run, "held_out", 0)
    monkeypatch.setattr("studio.run.directory.read_rows", lambda *_: 1 / 0)
    assert rows.one(run, "held_out", 0)["prompt"] == "Colour 1?"


def test_a_run_without_rows_says_what_to_do(home):
    run = prepare_run(home, "amber-fox")
    write(run)
    with pytest.raises(StudioError, match=r"no held-out rows. Type a prompt of your own"):
        Rows().one(run, "held_out", 0)
    (run.path / "data" / "held_out.jsonl").unlink()
    with pytest.raises(StudioError, match="cannot be read"):
        Rows().one(run, "held_out", 0)
