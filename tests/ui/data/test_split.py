"""The split on the page, on plain values."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from studio.data.part import DataPart
from studio.ui.data.source import choose_sample
from studio.ui.data.split import bar, choose_split, show, take_held_out
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, studio_in, upload


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def test_the_bar_counts_the_rows(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS + "question 99,\n")
    html = show(studio, part, "starter")[0]
    for words in ("<b>36</b> to train on", "<b>4</b> held out", "<b>1</b> left out"):
        assert words in html


def test_a_part_without_rows_has_no_bar(studio: Studio) -> None:
    assert "split-bar" not in show(studio, DataPart(), "starter")[0]


def test_moving_a_slider_to_where_it_is_changes_nothing() -> None:
    part = DataPart(path="x.csv")
    assert choose_split("held_out_share", 0.1, part) == gr.skip()
    assert choose_split("held_out_share", 0.2, part).held_out_share == 0.2
    assert choose_split("split_seed", None, part).split_seed == 0
    with pytest.raises(gr.Error, match="largest value"):
        choose_split("held_out_share", 2, part)


def test_held_out_rows_of_their_own_take_the_place_of_the_share(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS)
    own = tmp_path / "<i>own.csv"
    own.write_text("prompt,completion\nnew,one\nother,two\n")
    part, box = take_held_out(studio, str(own), part)
    assert box is None
    html, share, *_, dropped = show(studio, part, "starter")
    assert "<b>40</b> to train on" in html
    assert "<b>2</b> held out" in html
    assert "<i>own" not in html
    assert share["interactive"] is False
    assert dropped["visible"]


def test_a_sample_says_where_its_held_out_rows_come_from(studio: Studio) -> None:
    html = show(studio, choose_sample("tickets", DataPart()), "starter")[0]
    assert "held_out.jsonl" in html
    assert "<b>120</b> held out" in html


def test_the_bar_of_nothing_divides_by_nothing(studio: Studio, tmp_path: Path) -> None:
    known = studio.desk.known(upload(studio, tmp_path, "prompt,completion\n,\n,\n"))
    assert known is not None
    assert "<b>0</b> to train on" in bar(known)
