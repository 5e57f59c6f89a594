"""The rows of a run come back as they went into its folder."""

from __future__ import annotations

import json

import pytest

from studio.data.example import TEXTS, Example, Examples
from studio.run.rows import read_rows, write_rows

ROWS = [
    Example(3, "Wie heißt „du“?", "𝄞 \u2028 \x00 \t"),
    Example(1, "", "2020-01-01T00:00:00Z"),
    Example(7, "q", "a", messages='[{"role":"user","content":"q"}]', tools="[]", rejected="r", label="l", source="s"),
]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=len)
@pytest.mark.parametrize("type", ["prompt-completion", "language modeling", "preference"])
def test_rows_come_back_as_they_were(tmp_path, rows, type):
    write_rows(tmp_path / "rows.jsonl", Examples.of(rows, type))
    read = read_rows(tmp_path / "rows.jsonl", type)
    assert list(read) == rows
    assert read.type == type
    assert [name for name in TEXTS if read.has(name)] == [
        name for name in TEXTS if name in TEXTS[:2] or any(getattr(row, name) for row in rows)
    ]


def test_a_line_says_no_more_than_it_must(tmp_path):
    write_rows(tmp_path / "rows.jsonl", Examples.of(ROWS))
    first, second, _ = (json.loads(line) for line in (tmp_path / "rows.jsonl").read_bytes().splitlines())
    assert first == {"row": 3, "prompt": ROWS[0].prompt, "completion": ROWS[0].completion}
    assert second == {"row": 1, "prompt": "", "completion": ROWS[1].completion}


def test_more_rows_than_a_batch_keep_their_order(tmp_path):
    many = Examples.of(
        Example(row, f"q{row}", "a" if row % 2 else "b", label="x" * (row == 20_500)) for row in range(21_000)
    )
    write_rows(tmp_path / "rows.jsonl", many.take(range(20_999, -1, -1)))
    read = read_rows(tmp_path / "rows.jsonl", "prompt-completion")
    assert read.rows.tolist() == list(range(20_999, -1, -1))
    assert (read[0].prompt, read[499].label, read[-1].label) == ("q20999", "x", "")
