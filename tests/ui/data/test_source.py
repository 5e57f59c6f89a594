"""Choosing rows, on plain values: samples, uploads and pasted text, and the line that says what was chosen."""

from __future__ import annotations

import gzip
from pathlib import Path

import gradio as gr
import pytest

from studio.data.part import DataPart, Mapped, Mix
from studio.run.submit import prepare_part
from studio.ui.data.paste import take_pasted
from studio.ui.data.samples import sample_of, samples
from studio.ui.data.source import choose_sample, chosen_line, show, take_upload
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, studio_in, upload


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def test_the_samples_are_offered_and_can_be_trained_on() -> None:
    assert samples() == ["house-voice", "queues", "tickets", "votes"]
    for name in samples():
        part = choose_sample(name, DataPart())
        assert sample_of(part) == name
        prepared = prepare_part(part)
        assert 40 <= len(prepared.train) <= 400
        assert len(prepared.held_out) >= 100
        assert not prepared.report.errors
        asked = {pair.same_prompt for pair in prepared.train}
        assert not [pair for pair in prepared.held_out if pair.same_prompt in asked]


def test_an_upload_is_kept_once_under_its_content(studio: Studio, tmp_path: Path) -> None:
    first, second = (upload(studio, tmp_path, ROWS) for _ in range(2))
    assert first == second
    assert [path.name for path in studio.home.uploads.glob("*/*")] == ["rows.csv"]
    assert Path(first.path).read_text() == ROWS


def test_several_files_are_one_set(studio: Studio, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(ROWS.replace("question", f"question {name}"))
    part, _ = take_upload(studio, [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], DataPart())
    assert prepare_part(part).rows == 80
    assert "80 rows" in chosen_line(studio, part)


def test_a_gzipped_upload_is_chosen(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode()))
    part, _ = take_upload(studio, [str(path)], DataPart())
    assert "40 rows" in chosen_line(studio, part)


def test_other_rows_start_afresh_but_for_share_and_seed(studio: Studio, tmp_path: Path) -> None:
    before = DataPart(
        path="old.csv",
        prompt_column="x",
        mapped=Mapped(text_column="y"),
        held_out_share=0.3,
        split_seed=7,
        mix=(Mix(path="z.csv"),),
    )
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    part, _ = take_upload(studio, [str(path)], before)
    assert part == DataPart(path=part.path, held_out_share=0.3, split_seed=7)


def test_the_line_says_how_it_was_read(studio: Studio, tmp_path: Path) -> None:
    part = upload(studio, tmp_path, ROWS.replace(",", ";"), "<b>semi.csv")
    line = chosen_line(studio, part)
    assert "40 rows, CSV, utf-8, cells parted by a semicolon." in line
    assert "<b>semi" not in line


def test_a_sample_is_called_by_its_name(studio: Studio) -> None:
    chosen, line = show(studio, choose_sample("tickets", DataPart()), "starter")
    assert chosen == "tickets"
    assert "The sample tickets: 400 rows, JSONL" in line


def test_nothing_chosen_says_what_to_do(studio: Studio) -> None:
    assert show(studio, DataPart(), "starter")[0] is None
    assert "Choose a sample" in chosen_line(studio, DataPart())


def test_a_file_that_cannot_be_read_is_said_to_be_so(studio: Studio, tmp_path: Path) -> None:
    assert "note-warning" in chosen_line(studio, upload(studio, tmp_path, ""))


def test_a_file_whose_columns_nobody_knows_is_said_to_be_read(studio: Studio, tmp_path: Path) -> None:
    line = chosen_line(studio, upload(studio, tmp_path, "alpha,beta\n" + "a,b\nc,d\n" * 3))
    assert "says what it needs, CSV, utf-8, cells parted by a comma." in line


def test_pasted_rows_become_a_file(studio: Studio) -> None:
    part, box = take_pasted(studio, "question\tanswer\na\tb\nc\td\ne\tf\n", DataPart())
    assert box == ""
    assert prepare_part(part).rows == 3
    assert Path(part.path).is_relative_to(studio.home.uploads)


def test_an_empty_paste_is_refused(studio: Studio) -> None:
    with pytest.raises(gr.Error, match="Nothing was pasted"):
        take_pasted(studio, "  \n", DataPart())
