"""A run's log: its newest part, within bounds, in the same file that others append to."""

from __future__ import annotations

import os

import pytest

from studio.run import log as log_module
from studio.run.log import cut


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "KEPT", 100)
    path = tmp_path / "output.log"
    path.write_text("".join(f"line {number}\n" for number in range(100)))
    return path


def test_the_newest_lines_are_kept_whole_after_a_notice(log):
    cut(log)
    notice, *lines = log.read_text().splitlines()
    assert "Older lines were left out" in notice
    assert "64 MB" in notice
    assert lines == [f"line {number}" for number in range(88, 100)]


def test_who_appends_goes_on_at_its_new_end(log):
    writer = os.open(log, os.O_WRONLY | os.O_APPEND)
    cut(log)
    os.write(writer, b"and on\n")
    os.close(writer)
    text = log.read_bytes()
    assert text.endswith(b"line 99\nand on\n")
    assert b"\0" not in text


def test_one_endless_line_is_bounded_too(log):
    log.write_text("x" * 100_000)
    cut(log)
    assert log.stat().st_size < 300
