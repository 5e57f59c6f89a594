"""New rows, looked through before they join, on plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.data.part import DataPart
from studio.run.submit import prepare_part
from studio.ui.data import augment as data_augment
from studio.ui.data.augment import AugmentFields, add, choose, forget, make
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, studio_in, upload


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def made_by(studio: Studio, part: DataPart, templates: str) -> dict[str, Any]:
    """What the section shows after the button was pressed."""
    with gr.Blocks():
        data = gr.State(part)
        fields: AugmentFields = data_augment._draw()
    *_, last = make(studio, fields, data, {data: part, fields.templates: templates, fields.most: 50})
    names = {fields.said: "said", fields.review: "review", fields.table: "rows", fields.made: "made"}
    return {names[block]: value for block, value in last.items() if block in names}


def test_rows_are_looked_through_before_they_join(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS)
    shown = made_by(studio, part, "Please: {prompt}")
    assert "36 new rows" in shown["said"]
    assert shown["review"]["visible"]
    assert shown["rows"][0] == [True, 1, "Please: question 0", "answer 0", "template 1 of row 1"]
    rows = [[row[1] <= 2, *row[1:]] for row in shown["rows"]]
    joined, *rest = add(studio, shown["made"], rows, part)
    assert "2 new rows joined" in rest[0]
    prepared = prepare_part(joined)
    made = [row.prompt for row in prepared.train if row.source]
    assert sorted(made) == [row[2] for row in shown["rows"][:2]]
    assert not [row for row in prepared.held_out if row.source]


def test_numbers_that_a_page_makes_up_take_nothing(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS)
    shown = made_by(studio, part, "Please: {prompt}")
    with pytest.raises(gr.Error, match="No new row is chosen"):
        add(studio, shown["made"], [[True, 0, "", "", ""], [True, 99, "", "", ""]], part)


def test_a_template_that_is_none_is_said_to_be_so(studio: Studio, tmp_path: Path) -> None:
    shown = made_by(studio, upload(studio, tmp_path, ROWS), "Please\n{question}?")
    assert "note-error" in shown["said"]
    assert "made" not in shown


def test_all_or_none_are_taken() -> None:
    rows = [[True, 1, "a", "b", "c"], [False, 2, "a", "b", "c"]]
    assert [row[0] for row in choose(True, rows)] == [True, True]
    assert [row[0] for row in choose(False, rows)] == [False, False]


def test_other_rows_let_go_of_what_was_made(studio: Studio, tmp_path: Path) -> None:
    assert forget(None) == [gr.skip()] * 4
    shown = made_by(studio, upload(studio, tmp_path, ROWS), "Please: {prompt}")
    said, review, rows, made = forget(shown["made"])
    assert "made again" in said
    assert not review["visible"]
    assert rows == []
    assert made is None


def test_without_rows_it_says_what_to_do(studio: Studio) -> None:
    with pytest.raises(gr.Error, match="Choose a sample"):
        made_by(studio, DataPart(), "Please: {prompt}")
