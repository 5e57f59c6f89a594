"""F12, at an upload and at a paste: the disk is full half way. It is said in words, and no half file stays."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import gradio as gr
import pytest

from studio.data.part import DataPart
from studio.data.pasted import keep_text
from studio.errors import StudioError
from tests.ui.data.room import ROWS, studio_in, upload

FULL = OSError(errno.ENOSPC, "No space left on device")


def half_written(path: Path) -> None:
    path.write_text(ROWS[: len(ROWS) // 2], "utf-8")
    raise FULL


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_upload_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    studio = studio_in(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(os, "link", no_link)
        full.setattr(shutil, "copyfile", lambda file, draft: half_written(draft))
        with pytest.raises(gr.Error, match=r"could not be kept.*No space left.*Free some space"):
            upload(studio, tmp_path, ROWS)
    assert files(studio.home.uploads) == []
    part = upload(studio, tmp_path, ROWS)
    assert isinstance(part, DataPart)
    assert Path(part.path).read_text("utf-8") == ROWS


def test_a_paste_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def write(draft: Path, content: bytes) -> None:
        with draft.open("wb") as file:
            file.write(content[:10])
        raise FULL

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write)
        with pytest.raises(StudioError, match=r"could not be kept.*Free some space"):
            keep_text(tmp_path / "uploads", ROWS)
    assert files(tmp_path) == []
    assert keep_text(tmp_path / "uploads", ROWS).read_text("utf-8") == ROWS
