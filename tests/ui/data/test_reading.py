"""How a file was read, and the same said by hand, on plain values."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from studio.data.part import DataPart
from studio.ui.data.reading import read_otherwise, show
from tests.ui.data.room import ROWS, studio_in, upload


def test_what_was_detected_stands_beside_the_choice(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    encoding, delimiter, quote, sheet = show(studio, upload(studio, tmp_path, ROWS.replace(",", ";")), "starter")
    assert encoding["choices"][0] == ("detected: utf-8", "")
    assert delimiter["choices"][0] == ("detected: semicolon ;", "")
    assert quote["visible"]
    assert not sheet["visible"]


def test_json_has_no_delimiter(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    part = upload(studio, tmp_path, '{"prompt": "a", "completion": "b"}\n' * 3, "rows.jsonl")
    _, delimiter, quote, _ = show(studio, part, "starter")
    assert not delimiter["visible"]
    assert not quote["visible"]


def test_another_delimiter_reads_other_columns(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    part = upload(studio, tmp_path, "prompt|completion\n" + "a,b|c,d\n" * 3)
    part = read_otherwise("delimiter", "|", part)
    assert studio.desk.peek(part).columns == ("prompt", "completion")
    assert read_otherwise("delimiter", "|", part) == gr.skip()
    assert read_otherwise("delimiter", None, part).reading.delimiter == ""


def test_an_unreadable_file_still_offers_every_choice(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    assert show(studio, upload(studio, tmp_path, ""), "starter")[0]["choices"][0] == ("detected", "")
    assert len(show(studio, DataPart(), "starter")) == 4
