"""Pasted text becomes a file named for what it looks like; uploads are kept under their content's hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data import pasted
from studio.data.pasted import keep, keep_text, suffix_of
from studio.errors import StudioError


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}', ".jsonl"),
        ('\n {"prompt": "a"}', ".jsonl"),
        ('[{"prompt": "a"},\n {"prompt": "b"}]', ".json"),
        ('{\n "rows": [1]}', ".json"),
        ('[{"prompt": "broken', ".json"),
        ("[Enter Mira] Hello, all.\n[Exit]", ".txt"),
        ("prompt\tcompletion\na\tb\nc\t", ".tsv"),
        ('prompt\tcompletion\n"two\nlines"\tb', ".tsv"),
        ("prompt,completion\na,1\nb,2", ".csv"),
        ('frage;antwort\n"a;b";1\n', ".csv"),
        ("Hello, world.\nGood day, all.", ".txt"),
        ("one line, with a comma", ".txt"),
        ("Some prose\twith a tab\nand a line without", ".txt"),
        ("x,y\nragged,1,2", ".txt"),
        ("q,a\n" + "long,row\n" * 20_000 + "torn", ".csv"),
    ],
)
def test_the_suffix_says_what_was_pasted(text: str, suffix: str):
    assert suffix_of(text) == suffix


def test_pasted_text_is_kept_once_and_letter_for_letter(tmp_path: Path):
    text = "prompt\tcompletion\r\nä🙂\tb\r\n"
    file = keep_text(tmp_path, text)
    assert file.name == "pasted.tsv"
    assert file.read_bytes().decode() == text
    assert keep_text(tmp_path, text) == file
    assert keep_text(tmp_path, text + "c\td") != file
    assert sorted(path.name for path in file.parent.iterdir()) == ["pasted.tsv"]


def test_half_a_surrogate_pair_is_no_crash(tmp_path: Path):
    assert "fox" in keep_text(tmp_path, "fox \ud83e").read_text("utf-8")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_pasted(tmp_path: Path, text: str):
    with pytest.raises(StudioError, match="Nothing was pasted"):
        keep_text(tmp_path, text)


def test_too_much_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pasted, "MOST_CHARACTERS", 10)
    with pytest.raises(StudioError, match="11 characters were pasted, and at most 10"):
        keep_text(tmp_path, "x" * 11)
    assert list(tmp_path.iterdir()) == []


def test_uploads_are_kept_by_their_content(tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rows.csv").write_text("x\n1\n")
    first = keep(tmp_path / "uploads", [tmp_path / "a" / "rows.csv"])
    assert first == keep(tmp_path / "uploads", [tmp_path / "b" / "rows.csv"])
    (tmp_path / "a" / "rows.csv").unlink()
    assert first.read_text() == "x\n1\n"


def test_several_uploads_are_a_folder_in_their_order(tmp_path: Path):
    for folder in ("z", "a"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rows.csv").write_text(f"x\n{folder}\n")
    folder = keep(tmp_path / "uploads", [tmp_path / "z" / "rows.csv", tmp_path / "a" / "rows.csv"])
    assert [path.read_text() for path in sorted(folder.iterdir())] == ["x\nz\n", "x\na\n"]
    assert folder.name == "rows and 1 other file"


def test_no_room(tmp_path: Path):
    (tmp_path / "uploads").write_text("a file where a folder should be")
    with pytest.raises(StudioError, match="could not be kept"):
        keep_text(tmp_path / "uploads", "x")
    with pytest.raises(StudioError, match="could not be kept"):
        keep(tmp_path / "uploads", [Path(__file__)])
