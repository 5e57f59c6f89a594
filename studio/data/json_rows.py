"""JSON and JSONL: where in the document the rows are, whichever of the two the file's name says."""

import json
import re
from collections.abc import Iterator
from typing import Any

from studio.data.json_shape import rows_of
from studio.data.json_table import tabulate
from studio.data.table import Table
from studio.data.text import Text
from studio.data.wording import counted, listed, quoted
from studio.errors import StudioError

LOOK_LINES = 20
"""How many lines are tried when a document does not parse, to see whether it is one of lines."""

_LINE_END = re.compile(r"\r\n|\n|\r")  # not str.splitlines: U+2028 may stand inside a JSON string


class _RepeatedName(ValueError):
    """One object gives a name twice."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        seen: set[str] = set()
        name = next(name for name, _ in members if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _RepeatedName(f"one object gives the name {quoted(name)} twice")
    return made


# Numbers stay as the file writes them: they become text anyway, and 3.10 is no 3.1.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object)


def read_json(text: Text) -> Table:
    """The rows of a JSON or JSONL text.

    Raises StudioError where it is broken (naming line and column), nested too deep, or of a shape without rows.
    """
    lines = [(number, line) for number, line in enumerate(_LINE_END.split(text.content), 1) if line.strip()]
    if _is_lines(text.name, lines):
        return _read_lines(text, lines)
    try:
        document = _DECODER.decode(text.content)
    except RecursionError:
        raise _too_deep(text.name) from None
    except _RepeatedName as error:
        raise StudioError(_repeated(text.name, error)) from None
    except json.JSONDecodeError as error:
        if _mostly_objects(lines[:LOOK_LINES]):
            return _read_lines(text, lines)
        raise _broken(text, error) from None
    rows, note = rows_of(document, text.name)
    return tabulate(text, rows, "json", (note,))


def _is_lines(name: str, lines: list[tuple[int, str]]) -> bool:
    """Whether each line is a value of its own: the first one is, and it is not the whole document."""
    if len(lines) == 1:
        return name.lower().endswith((".jsonl", ".ndjson")) and lines[0][1].lstrip().startswith("{")
    return _value(lines[0][1]) is not None


def _value(line: str) -> Any:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None


def _mostly_objects(lines: list[tuple[int, str]]) -> bool:
    return len(lines) > 1 and 2 * sum(isinstance(_value(line), dict) for _, line in lines) >= len(lines)


def _read_lines(text: Text, lines: list[tuple[int, str]]) -> Table:
    rows: list[dict[str, Any]] = []
    wrong: list[tuple[int, str]] = []
    for number, line in lines:
        try:
            value = _DECODER.decode(line)
        except RecursionError:
            raise _too_deep(text.name, number) from None
        except json.JSONDecodeError as error:
            wrong.append((number, f"column {error.colno}: {_why(line, error)}"))
        except _RepeatedName as error:
            wrong.append((number, str(error)))
        else:
            if isinstance(value, dict):
                rows.append(value)
            else:
                wrong.append((number, f"{quoted(line.strip(), 40)} is no object in braces"))
    if wrong:
        raise StudioError(*_wrong_lines(text.name, wrong))
    return tabulate(text, rows, "jsonl", tuple(_line_notes(text, lines)))


def _line_notes(text: Text, lines: list[tuple[int, str]]) -> Iterator[str]:
    if not text.name.lower().endswith((".jsonl", ".ndjson")):
        yield "read as JSONL, because each line is an object of its own"
    blank = lines[-1][0] - len(lines)
    if blank:
        yield f"{counted(blank, 'blank line')} skipped, and not counted as rows"


def _wrong_lines(name: str, wrong: list[tuple[int, str]]) -> Iterator[str]:
    numbers = [f"{number:,}" for number, _ in wrong]
    word = "line" if len(wrong) == 1 else "lines"
    yield (
        f"{quoted(name)}: {word} {listed(numbers, 5)} cannot be read. In JSONL every line is one object, such as "
        '{"prompt": "…", "completion": "…"}. Correct or remove the following.'
    )
    for number, why in wrong[:5]:
        yield f"Line {number:,}, {why}."


def _broken(text: Text, error: json.JSONDecodeError) -> StudioError:
    if not text.content.lstrip().startswith(("{", "[")):
        return StudioError(
            f"{quoted(text.name)} is named like JSON and begins with {quoted(text.content.lstrip()[:40])}, where JSON "
            "with rows begins with a bracket or a brace. If it is CSV, give it a name that ends in .csv."
        )
    return StudioError(
        f"{quoted(text.name)} is broken JSON at line {error.lineno:,}, column {error.colno:,}: "
        f"{_why(text.content, error)}. Correct it there, or save the data again."
    )


def _why(document: str, error: json.JSONDecodeError) -> str:
    """What the parser met, in words, with a little of the text at that place."""
    if error.pos >= len(document.rstrip()):
        return "the text ends in the middle, as if it had been cut off"
    if error.msg == "Extra data":
        return f"the JSON is complete before {quoted(document[error.pos : error.pos + 20])}, and more follows"
    if error.msg.startswith("Unterminated string"):
        return f"a text begins with {quoted(document[error.pos : error.pos + 20])} and its closing quote is missing"
    what = error.msg.removesuffix(" at")  # "Invalid control character at"
    return f"{what[:1].lower()}{what[1:]}, at {quoted(document[error.pos : error.pos + 20])}"


def _repeated(name: str, error: _RepeatedName) -> str:
    return f"{quoted(name)}: {error}, so it is not clear which value is meant. Give every name once."


def _too_deep(name: str, line: int | None = None) -> StudioError:
    where = "" if line is None else f" on line {line:,}"
    return StudioError(
        f"{quoted(name)} nests lists or objects{where} hundreds of levels deep, and pairs lie two levels deep. Save "
        "the pairs as a list of objects, each with a prompt and a completion."
    )
