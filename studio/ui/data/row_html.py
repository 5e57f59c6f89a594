"""Rows as HTML: a table of a page of them, and one of them in full with its cells to edit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from studio.data.example import Example
from studio.data.table import preview
from studio.data.wording import counted, sentence
from studio.ui.data.cards import field_name
from studio.ui.data.pages import PAGE, Shown
from studio.ui.data.press import button
from studio.ui.words import note

IN_TABLE = 160  # characters of a cell
EDITABLE = 50_000  # characters of a cell; a page with a longer field is no longer quick
MOST_TURNS = 100
ROW_OF_FIELD = 90  # characters that a line of a text field holds, roughly
ROLES = {"user": "asked", "assistant": "answer", "system": "system prompt", "tool": "tool's result"}


@dataclass(frozen=True)
class Cell:
    """A cell of a row that is open: `field` as an edit names it, empty where it cannot be edited."""

    field: str
    title: str
    text: str


def table_html(rows: Sequence[Shown], start: int, total: int, opened: int | None, typed: str) -> str:
    """A page of rows with the way to the others. `total` fit what is looked at; `typed` says what that is."""
    if not total:
        return note("note", f"No row {typed}." if typed else "There are no rows.")
    body = "".join(_row(row, row.row == opened) for row in rows)
    more = any(row.example is not None and row.example.rejected for row in rows)
    names = ("Row", "Part", "Prompt", "Completion" if not more else "Better and worse answer")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    table = f'<table class="data-rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return _pages(start, total, typed) + table


def row_html(shown: Shown, can_bring_back: bool) -> str:
    """One row in full. Buttons are pressed as `save:FIELD` (with the field's text), `drop`, `back`, `close`."""
    told = f"Row {shown.row:,}: {shown.part}" + (", changed by a mend" if shown.mended else "")
    head = f'<h4 data-told tabindex="-1">{escape(told)}</h4>'
    if shown.part == "dropped by a mend":
        body = "".join(_read_only(cell) for cell in cells_of(shown.example)) if shown.example else ""
        way = (
            button("back", "Bring this row back", look="main")
            if can_bring_back
            else note("note", "A mend dropped it with others. Undo that mend in the report to bring it back.")
        )
        return _open(head, body, way)
    if shown.example is None:
        body = _read_only(Cell("", "What the file holds", shown.cells or "This row could not be read."))
        return _open(head, body, "")
    body = "".join(_field(cell) for cell in cells_of(shown.example))
    return _open(head, body, button("drop", "Drop this row"))


def cells_of(example: Example) -> list[Cell]:
    """What of a row can be read and, where it is text, edited."""
    return [*_turns(example), *_further(example)]


def _turns(example: Example) -> Iterator[Cell]:
    if not example.messages:
        if example.prompt:
            yield Cell("prompt", "Prompt", example.prompt)
        yield Cell("completion", "Completion" if example.prompt else "Text", example.completion)
        return
    spoken = example.conversation
    for turn, message in enumerate(spoken[:MOST_TURNS]):
        role = str(message.get("role", ""))
        title = f"Turn {turn + 1}, {role} ({ROLES[role]})" if role in ROLES else f"Turn {turn + 1}, {role}"
        if message.get("weight") == 0:
            title += ", not learned from"
        content = message.get("content")
        if isinstance(content, str):
            yield Cell(f"messages.{turn}", title, content)
        rest = {key: value for key, value in message.items() if key not in ("role", "content", "weight")}
        if rest or not isinstance(content, str):
            whole = rest if isinstance(content, str) else message
            yield Cell("", f"{title}, in full", json.dumps(whole, ensure_ascii=False, indent=1))
    if len(spoken) > MOST_TURNS:
        yield Cell("", "More turns", f"{counted(len(spoken) - MOST_TURNS, 'further turn')} not shown.")


def _further(example: Example) -> Iterator[Cell]:
    if example.rejected:
        yield Cell("rejected", "Worse answer", example.rejected)
    for name in ("tools", "label", "group", "source"):
        if text := getattr(example, name):
            yield Cell("", sentence(name), text)


def _row(shown: Shown, is_open: bool) -> str:
    opener = button(f"open:{shown.row}", f"{shown.row:,}", says=f"Open row {shown.row}", look="quiet")
    marks = '<span class="data-mark">mended</span>' if shown.mended else ""
    prompt, completion = _cells(shown)
    current = ' aria-current="true"' if is_open else ""
    dropped = ' class="data-gone"' if shown.part in ("dropped by a mend", "left out") else ""
    return (
        f'<tr{current}{dropped}><td>{opener}</td><td><span class="data-part data-part-{shown.part.split()[0]}">'
        f"{shown.part}</span>{marks}</td>{prompt}{completion}</tr>"
    )


def _cells(shown: Shown) -> tuple[str, str]:
    example = shown.example
    if example is None:
        return f'<td dir="auto" colspan="2">{escape(shown.cells or "This row could not be read.")}</td>', ""
    turns = f'<span class="data-mark">{counted(len(example.conversation), "turn")}</span>' if example.messages else ""
    if not example.prompt:
        return f'<td dir="auto" colspan="2">{turns}{escape(preview(example.completion, 2 * IN_TABLE))}</td>', ""
    worse = (
        f'<p dir="auto" class="data-worse">{escape(preview(example.rejected, IN_TABLE))}</p>'
        if example.rejected
        else ""
    )
    return (
        f'<td dir="auto">{turns}{escape(preview(example.prompt, IN_TABLE))}</td>',
        f'<td dir="auto">{escape(preview(example.completion, IN_TABLE))}{worse}</td>',
    )


def _pages(start: int, total: int, typed: str) -> str:
    last = min(start + PAGE, total)
    where = f"Rows {start + 1:,} to {last:,} of {total:,}" if total > PAGE else sentence(counted(total, "row"))
    turn = ""
    if total > PAGE:
        turn = button("before", "Previous page", off=start == 0) + button("after", "Next page", off=last == total)
    told = f"{where} {typed}" if typed else where
    return f'<div class="data-pages"><span data-told tabindex="-1" role="status">{escape(told)}</span>{turn}</div>'


def _field(cell: Cell) -> str:
    if not cell.field or len(cell.text) > EDITABLE:
        return _read_only(cell)
    name = "cell-" + cell.field.replace(".", "-")
    lines = min(14, max(2, sum(1 + len(line) // ROW_OF_FIELD for line in cell.text.splitlines())))
    return (
        f'<div class="data-field"><label for="{name}">{escape(cell.title)}</label>'
        # The parser drops a line end right after the tag, so one is put there for it to drop.
        f'<textarea id="{name}" dir="auto" rows="{lines}" spellcheck="false">\n{escape(cell.text)}</textarea>'
        + button(f"save:{cell.field}", "Save", says=f"Save {field_name(cell.field)}", field=name)
        + "</div>"
    )


def _read_only(cell: Cell) -> str:
    text, long = cell.text, len(cell.text) > EDITABLE
    told = f" (the first {EDITABLE:,} of {len(text):,} characters; too long to edit here)" if long else ""
    return (
        f'<div class="data-field"><span class="data-field-name">{escape(cell.title + told)}</span>'
        f'<pre dir="auto" tabindex="0">{escape(text[:EDITABLE])}</pre></div>'
    )


def _open(head: str, body: str, way: str) -> str:
    close = button("close", "Close", look="quiet")
    return (
        f'<section class="data-open" aria-label="The row in full"><div class="data-open-head">{head}{close}</div>{body}'
        f'<div class="data-buttons">{way}</div></section>'
    )
