"""Small pieces of the page's HTML. Everything that a user, a file or a model wrote is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

SIGNS = {"error": "✕", "warning": "!", "note": "i"}


def note(kind: str, *lines: str) -> str:
    """A framed message of kind "error", "warning" or "note", one paragraph a line."""
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    role = "alert" if kind == "error" else "status"
    return f'<div class="note note-{kind}" role="{role}"><b aria-hidden="true">{SIGNS[kind]}</b><div>{text}</div></div>'


def notes(kind: str, lines: Iterable[str]) -> str:
    """One framed message for each line."""
    return "".join(note(kind, line) for line in lines)


def figures(pairs: Iterable[tuple[str, str]]) -> str:
    """Named figures in a row: (name, figure)."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(figure)}</dd></div>" for name, figure in pairs)
    return f'<dl class="figures">{cells}</dl>'
