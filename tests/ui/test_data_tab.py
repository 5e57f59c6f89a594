"""The Data tab's handlers on plain values."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.part import DataPart
from studio.home import Home, open_home
from studio.run.submit import prepare_part
from studio.ui.data_tab import choose_sample, sample_of, samples, show, take_upload

ROWS = "prompt,completion\n" + "".join(f"question {n},answer {n}\n" for n in range(40))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def upload(home: Home, folder: Path, name: str, text: str) -> DataPart:
    path = folder / name
    path.write_text(text)
    return take_upload(home, str(path), DataPart())[0]


def test_both_samples_are_offered_and_can_be_trained_on() -> None:
    assert samples() == ["house-voice", "tickets"]
    for name in samples():
        part = choose_sample(name, DataPart())
        assert sample_of(part) == name
        prepared = prepare_part(part)
        assert 200 <= len(prepared.train) <= 400
        assert len(prepared.held_out) >= 100
        assert not prepared.report.errors
        asked = {pair.same_prompt for pair in prepared.train}
        assert not [pair for pair in prepared.held_out if pair.same_prompt in asked]


def test_an_upload_is_kept_once_under_its_content(home: Home, tmp_path: Path) -> None:
    first, second = (upload(home, tmp_path, "rows.csv", ROWS) for _ in range(2))
    assert first == second
    assert [path.name for path in home.uploads.glob("*/*")] == ["rows.csv"]
    assert Path(first.path).read_text() == ROWS


def test_the_report_counts_and_the_rows_name_their_part(home: Home, tmp_path: Path) -> None:
    report, prompt, completion, which, rows = show(upload(home, tmp_path, "rows.csv", ROWS))
    assert "Nothing is wrong with 40 rows" in report
    assert (prompt["value"], completion["value"]) == ("prompt", "completion")
    assert which["choices"] == ["all rows"]
    assert {row[1] for row in rows} == {"train", "held out"}
    assert rows[0] == [1, "train", "question 0", "answer 0"] or rows[0][1] == "held out"


def test_a_file_that_cannot_be_mapped_offers_its_columns(home: Home, tmp_path: Path) -> None:
    text = "alpha,beta\n" + "a,b\nc,d\n" * 3
    report, prompt, completion, _, rows = show(upload(home, tmp_path, "odd.csv", text))
    assert "note-error" in report
    assert prompt["choices"] == completion["choices"] == ["alpha", "beta"]
    assert prompt["value"] is None
    assert rows == []


def test_hostile_cells_reach_the_report_escaped(home: Home, tmp_path: Path) -> None:
    text = "prompt,completion,<b>x</b>\n" + "".join(f"<i>{n}</i>,b,c\n" for n in range(5))
    report, *_ = show(upload(home, tmp_path, "markup.csv", text))
    assert "<b>x" not in report
