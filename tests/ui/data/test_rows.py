"""The rows of the set on plain values: pages, filters, search, and what a person changes in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from studio.data.dataset import prepare
from studio.data.mends.every import Drop, DropFound, Edit, TrimSpaces
from studio.data.part import DataPart
from studio.ui.data.pages import PAGE, View, fitting, shown
from studio.ui.data.row_edits import brought_back, dropped, edited
from studio.ui.data.rows import again, change_row, choose, go_to, turn_page, want
from tests.ui.data.rows_known import at, part_of

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def part(tmp_path: Path) -> DataPart:
    """130 rows; row 3 repeats row 2, row 5 has no completion, row 7 holds markup."""
    rows = [(f"question {n}", f"answer {n}") for n in range(1, 131)]
    rows[2], rows[4], rows[6] = rows[1], ("question 5", ""), (MARKUP, "Straße")
    return part_of(tmp_path, rows)


def drawn(updates: list[Any]) -> tuple[View, str, str]:
    view, table, row = updates[-3:]
    return view, table, row


def opened(table: str) -> list[int]:
    """The numbers of the rows in a table, by their buttons."""
    return [int(piece.partition('"')[0]) for piece in table.split('data-press="open:')[1:]]


def test_a_page_has_fifty_rows_and_the_way_to_the_next(part: DataPart) -> None:
    view, table, _ = drawn(again(at(part), View(), ""))
    assert opened(table) == list(range(1, PAGE + 1))
    assert "Rows 1 to 50 of 130" in table
    view, table, _ = drawn(turn_page(at(part), view, "after"))
    view, table, _ = drawn(turn_page(at(part), view, "after"))
    assert opened(table) == list(range(101, 131))
    view, table, _ = drawn(turn_page(at(part), view, "after"))
    assert opened(table) == list(range(101, 131)), "there is no page beyond the last"
    assert drawn(turn_page(at(part), view, "before"))[0].start == 50


def test_what_a_file_holds_is_shown_as_text(part: DataPart) -> None:
    _, table, row = drawn(turn_page(at(part), View(), "open:7"))
    assert MARKUP not in table + row
    assert "&lt;script&gt;alert(1)" in table
    assert "&lt;script&gt;alert(1)" in row


def test_rows_are_filtered_by_finding_part_and_searched_text(part: DataPart) -> None:
    assert opened(drawn(want(at(part), ("duplicate", 1)))[1]) == [3]
    assert opened(drawn(choose(at(part), View(), "", "left out", "", ""))[1]) == [3, 5]
    assert opened(drawn(choose(at(part), View(), "", "", "", "QUESTION 13"))[1]) == [13, 130]
    assert opened(drawn(choose(at(part), View(), "", "", "", "STRASSE"))[1]) == []
    assert opened(drawn(choose(at(part), View(), "", "", "", "<script"))[1]) == [7]
    train = opened(drawn(choose(at(part), View(), "", "train", "", ""))[1])
    held_out = opened(drawn(choose(at(part), View(), "", "held out", "", ""))[1])
    known = prepare(part)
    assert train == known.train.rows.tolist()[:PAGE]
    assert held_out == known.held_out.rows.tolist()


def test_a_search_without_a_hit_says_so_with_the_text_escaped(part: DataPart) -> None:
    table = drawn(choose(at(part), View(), "", "train", "", "<b>"))[1]
    assert "No row" in table
    assert "<b>&" not in table
    assert "&#x27;&lt;b&gt;&#x27;" in table


def test_labels_filter_where_there_are_any(tmp_path: Path) -> None:
    rows = [(f"question {n}", f"answer {n}", "red" if n % 3 else "blue") for n in range(1, 31)]
    part = part_of(tmp_path, rows, ("prompt", "completion", "label"))
    part = DataPart.model_validate(part.model_dump() | {"mapped": {"label_column": "label"}})
    assert again(at(part), View(), "")[3]["visible"]
    assert opened(drawn(choose(at(part), View(), "", "", "blue", ""))[1]) == list(range(3, 31, 3))


def test_going_to_a_row_opens_it_on_its_page(part: DataPart) -> None:
    view, table, row = drawn(go_to(at(part), View(part="left out"), "120"))
    assert (view.start, view.opened) == (100, 120)
    assert 120 in opened(table)
    assert "question 120" in row
    with pytest.raises(gr.Error, match="no row '131'"):
        go_to(at(part), View(), "131")


def test_an_edit_is_a_mend_and_its_undo_gives_the_same_bytes_back(part: DataPart) -> None:
    before = prepare(part)
    changed = change_row(at(part), View(opened=4), "save:completion", "another answer")[0]
    assert changed.mends == (Edit(row=4, field="completion", text="another answer"),)
    _, table, row = drawn(turn_page(at(changed), View(), "open:4"))
    assert "another answer" in table
    assert "mended" in table
    assert "changed by a mend" in row
    again_and_again = change_row(at(changed), View(opened=4), "save:completion", "a third")[0]
    assert len(again_and_again.mends) == 1, "the same cell twice is one mend"
    undone = prepare(again_and_again.model_copy(update={"mends": ()}))
    assert undone.examples == before.examples
    assert undone.fingerprint == before.fingerprint


def test_saving_what_was_there_changes_nothing(tmp_path: Path) -> None:
    part = part_of(tmp_path, [(f"one\r\ntwo {n}", "answer") for n in range(5)])
    known = prepare(part)
    assert edited(known, part, 1, "prompt", "one\ntwo 0") == part, "a text field has but one kind of line end"
    assert edited(known, part, 1, "prompt", "one\nthree").mends == (Edit(row=1, field="prompt", text="one\r\nthree"),)
    assert edited(known, part, 1, "messages.7", "x") == part
    assert edited(known, part, 99, "prompt", "x") == part


def test_a_dropped_row_is_shown_and_brought_back(part: DataPart) -> None:
    once = change_row(at(part), View(opened=9), "drop", "")[0]
    twice = dropped(once, 4)
    assert twice.mends == (Drop(rows=(4, 9)),)
    known = prepare(twice)
    assert fitting(known, twice, View(part="dropped by a mend"), []).tolist() == [4, 9]
    row = drawn(turn_page(at(twice), View(), "open:9"))[2]
    assert "Bring this row back" in row
    assert "answer 9" in row
    assert brought_back(twice, 9).mends == (Drop(rows=(4,)),)
    assert change_row(at(once), View(opened=9), "back", "")[0] == part


def test_a_row_that_a_mend_dropped_with_others_names_the_way_back(part: DataPart) -> None:
    part = part.model_copy(update={"mends": (TrimSpaces(), DropFound(found="duplicate"))})
    assert fitting(prepare(part), part, View(part="dropped by a mend"), []).tolist() == [3]
    row = drawn(turn_page(at(part), View(), "open:3"))[2]
    assert "Undo that mend" in row
    assert 'data-press="back"' not in row


def test_every_turn_of_a_conversation_can_be_edited(tmp_path: Path) -> None:
    spoken = [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Bye"),
        ("assistant", "So long"),
    ]
    line = json.dumps({"messages": [{"role": role, "content": text} for role, text in spoken]})
    path = tmp_path / "talks.jsonl"
    path.write_text("\n".join([line, line.replace("Hi", "Hey"), line.replace("Hi", "Moin")]))
    part = DataPart(path=str(path))
    row = drawn(turn_page(at(part), View(), "open:2"))[2]
    assert [f'data-press="save:messages.{turn}"' in row for turn in range(6)] == [True] * 5 + [False]
    changed = change_row(at(part), View(opened=2), "save:messages.2", "Good day")[0]
    assert prepare(changed).examples[1].conversation[2]["content"] == "Good day"
    assert shown(prepare(changed), changed, np.array([2]))[0].mended
    assert not shown(prepare(changed), changed, np.array([1]))[0].mended


def test_a_cell_too_long_for_a_field_cannot_be_cut_by_saving_it(tmp_path: Path) -> None:
    part = part_of(tmp_path, [("a", "x" * 60_000), ("b", "y")])
    row = drawn(turn_page(at(part), View(), "open:1"))[2]
    assert 'data-press="save:prompt"' in row
    assert 'data-press="save:completion"' not in row
    assert "too long to edit here" in row


def test_nothing_is_drawn_without_data() -> None:
    assert drawn(again(at(DataPart()), View(text="x"), "")) == (View(), "", "")
