"""What a row is, on plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.data.part import DataPart, Mapped
from studio.ui.data import shape as data_shape
from studio.ui.data.shape import choose, follow, show, try_out
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, named, studio_in, upload

CHAT = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello %d"}]}\n'


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def shown(studio: Studio, part: DataPart) -> dict[str, Any]:
    with gr.Blocks():
        section = data_shape.build(studio, gr.State(part), gr.State("starter"))
    return named(section.outputs, section.show(part, "starter"))


def in_view(fields: dict[str, Any]) -> set[str]:
    """The columns that are offered."""
    return {name for name, update in fields.items() if name.endswith("-column") and update["visible"]}


def test_the_recognised_columns_are_shown_with_the_reason(studio: Studio, tmp_path: Path) -> None:
    fields = shown(studio, upload(studio, tmp_path, ROWS))
    assert (fields["prompt-column"]["value"], fields["completion-column"]["value"]) == ("prompt", "completion")
    assert "by the columns" in fields["shape-reason"]
    assert in_view(fields) >= {"prompt-column", "completion-column", "label-column", "group-column"}
    assert not in_view(fields) & {"messages-column", "text-column", "chosen-column"}
    assert "question 0" in fields["data-example"]
    assert "answer 0" in fields["data-example"]


def test_a_conversation_offers_its_own_column_and_what_to_learn_from(studio: Studio, tmp_path: Path) -> None:
    fields = shown(studio, upload(studio, tmp_path, "".join(CHAT % n for n in range(5)), "chat.jsonl"))
    assert fields["messages-column"]["value"] == "messages"
    assert fields["data-train-on"]["visible"]
    assert "prompt-column" not in in_view(fields)
    assert not fields["data-prompt-template"]["visible"]


def test_a_shape_by_hand_offers_its_columns(studio: Studio, tmp_path: Path) -> None:
    part = choose("mapped.shape", "preference", upload(studio, tmp_path, ROWS))
    assert in_view(shown(studio, part)) >= {"prompt-column", "chosen-column", "rejected-column"}


def test_columns_nobody_knows_are_offered_and_can_be_chosen(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, "alpha,beta\n" + "a,b\nc,d\n" * 3)
    fields = shown(studio, part)
    assert "note-warning" in fields["shape-reason"]
    assert [value for _, value in fields["prompt-column"]["choices"]][-2:] == ["alpha", "beta"]
    part = choose("completion_column", "beta", choose("prompt_column", "alpha", part))
    assert "chosen by hand" in shown(studio, part)["shape-reason"]


def test_choosing_what_is_chosen_changes_nothing(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS)
    assert choose("prompt_column", "", part) == gr.skip()
    assert choose("prompt_column", "prompt", part) == part.model_copy(update={"prompt_column": "prompt"})


def test_a_template_is_tried_out_while_it_is_typed(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, "question,context,answer\n" + "".join(f"q{n},c{n},a{n}\n" for n in range(4)))
    html = try_out(studio, "prompt_template", "{question} in <b>{context}</b>", part)
    assert "q0 in &lt;b&gt;c0&lt;/b&gt;" in html
    assert "a0" in html
    assert "which the file does not have" in try_out(studio, "prompt_template", "{questoin}", part)


def test_a_text_that_is_being_typed_is_not_taken_away(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS)
    with gr.Blocks():
        fields = data_shape._draw()
    place = fields.outputs.index(fields.texts["system_prompt"])
    assert "value" not in follow(studio, fields, part, "starter", Mapped())[place]
    changed = choose("mapped.system_prompt", "Be kind.", part)
    *shown, before = follow(studio, fields, changed, "starter", Mapped())
    assert shown[place]["value"] == "Be kind."
    assert before == changed.mapped


def test_hostile_cells_and_columns_are_escaped(studio: Studio, tmp_path: Path) -> None:
    text = "prompt,completion,<b>x</b>\n" + "".join(f"<i>{n}</i>,b,c\n" for n in range(5))
    fields = shown(studio, upload(studio, tmp_path, text))
    assert "<i>" not in fields["data-example"]
    assert "<b>" not in fields["shape-reason"]


def test_no_data_shows_no_columns(studio: Studio) -> None:
    values = show(studio, DataPart(), "starter")
    assert all(update["choices"] in ([], [("recognise it", "")], [("none", "")]) for update in values[2:11])
