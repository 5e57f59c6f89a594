"""JSONL: an object per line, streamed. What the quick parser cannot read exactly, the exact one reads again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from studio.data.files.gather import Gather
from studio.data.files.json_exact import JsonError, exact
from studio.data.files.json_quick import clean_row, clean_rows
from studio.data.files.text import NotPlainError, Text
from studio.data.table import Row
from studio.data.wording import counted, listed, quoted
from studio.errors import StudioError

MAX_LINE_BYTES = 64 * 2**20
"""A longer line holds a whole file; a row of a hundred thousand tokens has half a MiB."""

SHOWN_LINES = 5


@dataclass
class Wrong:
    """The lines that could not be read, and why the first of them could not."""

    lines: list[int] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        self.lines.append(line)
        if len(self.why) < SHOWN_LINES:
            self.why.append(f"Line {line:,}, {why}.")

    def refuse(self, name: str) -> None:
        """Raises StudioError where there are some."""
        if self.lines:
            word = "line" if len(self.lines) == 1 else "lines"
            numbers = listed([f"{number:,}" for number in self.lines], SHOWN_LINES)
            raise StudioError(
                f"{quoted(name)}: {word} {numbers} cannot be read. In JSONL every line is one object, such as "
                '{"prompt": "…", "completion": "…"}. Correct or remove the following.',
                *self.why,
            )


def read_lines(text: Text, limit: int | None) -> tuple[Gather, tuple[str, ...]]:
    """The rows of a JSONL text, and what there is to tell of its lines.

    Raises StudioError that names every line that is no object, NotPlainError where the text is no UTF-8.
    """
    gathered, wrong = Gather(text.name), Wrong()
    last = before = 0
    for block in _blocks(text):
        lines = block.split(b"\n")
        left = None if limit is None else limit - len(gathered)
        rows = clean_rows(lines, block) if left is None else None
        if rows is not None:
            last = before + len(lines)
        else:
            there = [i for i, line in enumerate(lines) if not _is_blank(line)][:left]
            rows = _rows([lines[i] for i in there], [before + i + 1 for i in there], wrong)
            last = before + there[-1] + 1 if there else last
        before += len(lines)
        if not wrong.lines:
            gathered.add(rows)
        if limit is not None and len(gathered) >= limit:
            break
    wrong.refuse(text.name)
    blank = last - len(gathered)
    return gathered, (f"{counted(blank, 'blank line')} skipped, and not counted as rows",) if blank else ()


def first_lines(text: Text, number: int) -> list[str]:
    """The first lines that are not blank.

    Raises NotPlainError where they are no UTF-8.
    """
    lines = chain.from_iterable(block.split(b"\n") for block in _blocks(text))
    return [_decoded(line) for line in islice((line for line in lines if not _is_blank(line)), number)]


def _blocks(text: Text) -> Iterator[bytes]:
    r"""The text in blocks of whole lines, without the last one's end.

    Ends of lines are \n, \r\n and \r, and become \n; U+2028 may stand inside a string.
    """
    rest: list[bytes] = []
    held = done = 0
    for piece in _with_newlines(text.pieces()):
        cut = piece.rfind(b"\n")
        if cut < 0:
            rest.append(piece)
            held += len(piece)
            if held > MAX_LINE_BYTES:
                raise _long_line(text.name, done + 1)
            continue
        block = b"".join((*rest, piece[:cut]))
        yield block
        done += block.count(b"\n") + 1
        rest = [piece[cut + 1 :]]
        held = len(rest[0])
    if held:
        yield b"".join(rest)


def _with_newlines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    r"""The pieces with every \r\n and every \r as \n. Inside a JSON string neither can stand."""
    held = b""
    for piece in pieces:
        piece = held + piece
        held = b"\r" if piece.endswith(b"\r") else b""
        whole = piece[: len(piece) - len(held)]
        yield whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in whole else whole
    if held:
        yield b"\n"


def _rows(lines: list[bytes], numbers: list[int], wrong: Wrong) -> list[Row]:
    """The objects of these lines; the numbers of the lines that hold none are added to `wrong`."""
    read = ((clean_row(line), line, number) for line, number in zip(lines, numbers, strict=True))
    rows = [_exact_row(line, number, wrong) if row is None else row for row, line, number in read]
    return [row for row in rows if row is not None]


def _exact_row(line: bytes, number: int, wrong: Wrong) -> Row | None:
    text = _decoded(line)
    try:
        row = exact(text)
    except JsonError as error:
        wrong.add(number, str(error))
        return None
    if not isinstance(row, dict):
        wrong.add(number, f"{quoted(text.strip(), 40)} is no object in braces")
        return None
    return row


def _is_blank(line: bytes) -> bool:
    return not line.startswith(b"{") and not line.decode("utf-8", "replace").strip()


def _decoded(line: bytes) -> str:
    if b"\0" in line:
        raise NotPlainError
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise NotPlainError from None


def _long_line(name: str, line: int) -> StudioError:
    return StudioError(
        f"{quoted(name)}: line {line:,} is longer than {MAX_LINE_BYTES / 2**20:.0f} MiB, the most that is read of one "
        "row. Put each row on a line of its own."
    )
