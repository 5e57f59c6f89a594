"""Mixing further sets in, on plain values."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from studio.data.division.mix import GENERAL
from studio.data.part import DataPart, Mix
from studio.ui.data.mix import SLOTS, add_sample, add_upload, general_percent, mix_general, remove, show, weigh
from tests.ui.data.room import ROWS, studio_in


def test_sets_are_added_weighed_and_removed(tmp_path: Path) -> None:
    (tmp_path / "<b>more.csv").write_text(ROWS)
    part, box = add_sample("tickets", DataPart(path="main.csv"))
    assert box is None
    studio = studio_in(tmp_path)
    part, _ = add_upload(studio, str(tmp_path / "<b>more.csv"), part)
    part = weigh(1, 0.5, part)
    assert [mix.weight for mix in part.mix] == [0.1, 0.5]
    said, general, row, name, weight, row2, name2, weight2, row3, *_ = show(studio, part, "starter")
    assert "together" in said
    assert general == 0
    assert (row["visible"], row2["visible"], row3["visible"]) == (True, True, False)
    assert "tickets" in name
    assert "&lt;b&gt;more.csv" in name2
    assert (weight, weight2) == (0.1, 0.5)
    assert remove(0, part).mix == part.mix[1:]


def test_general_data_is_a_share_of_all() -> None:
    part = mix_general(10, add_sample("tickets", DataPart(path="main.csv"))[0])
    assert [mix.path == GENERAL for mix in part.mix] == [True, False]
    assert part.mix[0].weight == pytest.approx(1 / 9)
    assert general_percent(part) == 10
    assert mix_general(10, part) == gr.skip()
    assert weigh(0, 0.7, part).mix[1].weight == 0.7, "the general data has no place among the others"
    assert mix_general(0, part).mix == part.mix[1:]


def test_showing_a_weight_changes_nothing() -> None:
    part = DataPart(path="main.csv", mix=(Mix(path="a.csv", weight=0.3),))
    assert weigh(0, 0.3, part) == gr.skip()
    assert weigh(3, 0.3, part) == gr.skip(), "an empty place has no weight"


def test_a_set_is_not_mixed_in_twice(tmp_path: Path) -> None:
    part, _ = add_sample("tickets", DataPart(path="main.csv"))
    assert add_sample("tickets", part) == (gr.skip(), None)
    assert add_sample(None, part) == (gr.skip(), None)
    (tmp_path / "more.csv").write_text(ROWS)
    studio = studio_in(tmp_path)
    part, _ = add_upload(studio, str(tmp_path / "more.csv"), part)
    with pytest.raises(gr.Error, match="already"):
        add_upload(studio, str(tmp_path / "more.csv"), part)
    with pytest.raises(gr.Error, match="already"):
        add_sample("tickets", DataPart(path=part.mix[0].path))


def test_the_page_has_room_for_some() -> None:
    part = DataPart(path="main.csv", mix=tuple(Mix(path=f"{n}.csv") for n in range(SLOTS)))
    with pytest.raises(gr.Error, match="room"):
        add_sample("tickets", part)
