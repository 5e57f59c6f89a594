"""What a user, a file or a model wrote is shown as text."""

from __future__ import annotations

from studio.data.wording import counted
from studio.ui.words import figures, note, notes

HOSTILE = "<img src=x onerror=alert(1)>"


def test_notes_and_figures_escape_what_they_are_given() -> None:
    for html in (note("error", HOSTILE), notes("warning", [HOSTILE]), figures([(HOSTILE, HOSTILE)])):
        assert "<img" not in html
        assert "&lt;img" in html


def test_an_error_is_announced_at_once() -> None:
    assert 'role="alert"' in note("error", "x")
    assert 'role="status"' in note("note", "x")


def test_counting_in_words() -> None:
    assert [counted(number, "row") for number in (0, 1, 2, 1000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]
