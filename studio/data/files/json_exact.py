"""JSON read to the letter: numbers stay as the file writes them, and an object that gives a name twice is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from studio.data.files.gather import WrittenNumber
from studio.data.wording import quoted

MAX_DEPTH = 100
"""Levels of lists and objects inside one another. A conversation with tools has ten; beyond these no parser is safe."""

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_BLANKS = re.compile(r"[ \t\n\r]*")


class JsonError(Exception):
    """What is wrong, in words, and where: `line` and `column` are 0 where that is not known."""

    def __init__(self, why: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"column {column:,}: {why}" if column else why)
        self.why = why
        self.line = line
        self.column = column


class _RepeatedNameError(ValueError):
    """One object gives a name twice."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        seen: set[str] = set()
        name = next(name for name, _ in members if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _RepeatedNameError(f"one object gives the name {quoted(name)} twice")
    return made


_DECODER = json.JSONDecoder(
    parse_float=WrittenNumber, parse_int=WrittenNumber, parse_constant=WrittenNumber, object_pairs_hook=_object
)


def exact(text: str) -> Any:
    """The value of a JSON text, its numbers as WrittenNumber.

    Raises JsonError where it is broken, repeats a name or nests too deep.
    """
    try:
        value = _DECODER.decode(text)
    except (RecursionError, ValueError) as error:
        raise _in_words(text, error) from None
    return _checked(value, text)


def is_value(text: str) -> bool:
    """Whether the text is JSON."""
    try:
        exact(text)
    except JsonError:
        return False
    return True


def items(text: str) -> Iterator[Any]:
    """The items of a JSON text that is one list, each as `exact` reads it and one after another.

    Raises JsonError where it is broken, after the items before that place.
    """
    place = _after_blanks(text, 0)
    if text[place : place + 1] != "[":
        raise _in_words(text, json.JSONDecodeError("Expecting '['", text, place))
    place = _after_blanks(text, place + 1)
    is_open = text[place : place + 1] != "]"
    while is_open:
        start = place
        try:
            value, place = _DECODER.raw_decode(text, start)
        except (RecursionError, ValueError) as error:
            raise _in_words(text, error) from None
        yield _checked(value, text[start:place])
        place = _after_blanks(text, place)
        is_open = text[place : place + 1] == ","
        if not is_open and text[place : place + 1] != "]":
            raise _in_words(text, json.JSONDecodeError("Expecting ',' delimiter", text, place))
        if is_open:
            place = _after_blanks(text, place + 1)
    place = _after_blanks(text, place + 1)
    if place < len(text):
        raise _in_words(text, json.JSONDecodeError("Extra data", text, place))


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def _checked(value: Any, text: str) -> Any:
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        raise _TOO_DEEP
    return _whole(value) if _HALF_CHARACTER.search(text) else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [each for group in level for each in _inside(group) if isinstance(each, (list, dict))]
        if not level:
            return False
    return True


def _inside(group: Any) -> Any:
    return group.values() if isinstance(group, dict) else group if isinstance(group, list) else ()


def _whole(value: Any) -> Any:
    """Half a character (a lone surrogate, which no file can hold) becomes the replacement character."""
    if isinstance(value, WrittenNumber):
        return value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value


_TOO_DEEP = JsonError(f"lists or objects nest more than {MAX_DEPTH} levels deep, and rows lie a few levels deep")


def _in_words(text: str, error: Exception) -> JsonError:
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    if isinstance(error, json.JSONDecodeError):
        return JsonError(_why(text, error), error.lineno, error.colno)
    return JsonError(str(error))


def _why(text: str, error: json.JSONDecodeError) -> str:
    """What the parser met, with a little of the text at that place."""
    here = text[error.pos : error.pos + 20]
    if error.pos >= len(text.rstrip()):
        return "the text ends in the middle, as if it had been cut off"
    if error.msg == "Extra data":
        return f"the JSON is complete before {quoted(here)}, and more follows"
    if error.msg.startswith("Unterminated string"):
        return f"a text begins with {quoted(here)} and its closing quote is missing"
    if here.startswith(("//", "/*", "#")):
        return f"a comment stands there ({quoted(here)}), which JSON does not have"
    if here[:1] in "]}" and text[: error.pos].rstrip().endswith(","):
        return f"a comma stands before {quoted(here[:1])}, and nothing follows it"
    what = error.msg.removesuffix(" at")  # "Invalid control character at"
    return f"{what[:1].lower()}{what[1:]}, at {quoted(here)}"
