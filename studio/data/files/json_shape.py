"""Where the rows are in a JSON document, or what the document holds instead."""

from dataclasses import dataclass
from typing import Any

from studio.data.wording import counted, listed, names, quoted, rows_named
from studio.errors import StudioError

Rows = list[dict[str, Any]]

WANTED = 'Wanted is a list of objects, such as [{"prompt": "…", "completion": "…"}], or one such object per line.'


@dataclass(frozen=True)
class Found:
    """The rows of a document, a sentence on where they were, and the names of the lists to choose among."""

    rows: Rows
    note: str
    splits: tuple[str, ...] = ()


def rows_of(document: Any, name: str, split: str) -> Found:
    """The rows; of several lists the one that is called as the wanted split.

    Raises StudioError that says which shape was found, and which is wanted.
    """
    if isinstance(document, list):
        return Found(*_of_list(document, name))
    if isinstance(document, dict):
        return _of_object(document, name, split)
    raise StudioError(f"{quoted(name)} holds {_kind(document)} and nothing else. {WANTED}")


def _of_list(items: list[Any], name: str) -> tuple[Rows, str]:
    if not items:
        raise StudioError(f"{quoted(name)} is an empty list. Add an object per example. {WANTED}")
    others = [place for place, item in enumerate(items, 1) if not isinstance(item, dict)]
    if not others:
        return items, "the rows are the items of the list"
    if _is_grid(items):
        return _numbered(items), _grid_note(items)
    if len(others) == len(items):
        raise StudioError(f"{quoted(name)} is {_kind(items)} {_kinds(items[0])}, not of objects. {WANTED}")
    raise StudioError(
        f"{quoted(name)}: {rows_named(others)} {'is' if len(others) == 1 else 'are'} not an object like the rest, but "
        f"{_kind(items[others[0] - 1])}. Correct or remove {'it' if len(others) == 1 else 'them'}. {WANTED}"
    )


def _of_object(members: dict[str, Any], name: str, split: str) -> Found:
    tables = tuple(key for key, value in members.items() if _is_rows(value) or _is_grid(value))
    if len(tables) > 1 and split not in tables:
        found = listed([f"{quoted(key, 40)} ({len(members[key]):,})" for key in tables], 10)
        raise StudioError(f"{quoted(name)} holds several lists of rows: {found}. Choose one of these as the split.")
    if tables:
        key = split if len(tables) > 1 else tables[0]
        rows, note = _of_list(members[key], name)
        also = f", one of {names(tables)}" if len(tables) > 1 else ""
        grid = "" if _is_rows(members[key]) else f"; {note}"
        return Found(rows, f"the rows are the list under the name {quoted(key)}{also}{grid}", tables)
    if _is_columns(members):
        return Found(_transposed(members), "the document holds a list per column")
    raise StudioError(f"{quoted(name)} is {_described(members)}. {WANTED}")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _is_grid(value: Any) -> bool:
    """Lists of one length, two cells or more, nothing nested in them."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, list) for item in value)
        and len({len(item) for item in value}) == 1
        and len(value[0]) > 1
        and not any(isinstance(cell, (list, dict)) for item in value for cell in item)
    )


def _numbered(grid: list[list[Any]]) -> Rows:
    columns = [f"column {place}" for place in range(1, len(grid[0]) + 1)]
    return [dict(zip(columns, cells, strict=True)) for cells in grid]


def _grid_note(grid: list[list[Any]]) -> str:
    return f"each row is a list of {len(grid[0])}, so its columns have numbers for names"


def _is_columns(members: dict[str, Any]) -> bool:
    """Two or more lists of one length, with plain cells."""
    lists = [value for value in members.values() if isinstance(value, list)]
    return (
        len(lists) == len(members) >= 2
        and len({len(each) for each in lists}) == 1
        and bool(lists[0])
        and not any(isinstance(cell, (list, dict)) for each in lists for cell in each)
    )


def _transposed(members: dict[str, list[Any]]) -> Rows:
    return [dict(zip(members, cells, strict=True)) for cells in zip(*members.values(), strict=True)]


def _described(members: dict[str, Any]) -> str:
    if not members:
        return "an empty object"
    lists = {key: value for key, value in members.items() if isinstance(value, list)}
    if lists and len(lists) == len(members):
        return _described_lists(lists)
    if all(isinstance(value, dict) for value in members.values()):
        inner = f"an object of {counted(len(members), 'object')} ({names(members)})"
        return f'{inner}; from pandas, save it with to_json(orient="records")'
    return f"one object with the names {names(members)}, which is one row at most"


def _described_lists(lists: dict[str, list[Any]]) -> str:
    sizes = listed([f"{quoted(key, 40)} has {len(value):,}" for key, value in lists.items()], 10)
    first = next((value[0] for value in lists.values() if value), None)
    items = "nothing" if first is None else _kinds(first)
    return f"an object of {counted(len(lists), 'list')} holding {items} ({sizes})"


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value):,}" if value else "an empty list"
    if isinstance(value, dict):
        return "an object"
    if value is None:
        return "null"
    return f"one {'truth value' if isinstance(value, bool) else 'text or number'} ({quoted(str(value), 40)})"


def _kinds(value: Any) -> str:
    if isinstance(value, list):
        return f"lists of {len(value):,}" if value else "empty lists"
    return "objects" if isinstance(value, dict) else "nulls" if value is None else "texts or numbers"
