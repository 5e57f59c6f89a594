"""Where the rows are in a JSON document, or what the document holds instead."""

from typing import Any

from studio.data.wording import counted, listed, names, quoted, rows_named
from studio.errors import StudioError

Rows = list[dict[str, Any]]

WANTED = 'Wanted is a list of objects, such as [{"prompt": "…", "completion": "…"}], or one such object per line.'


def rows_of(document: Any, name: str) -> tuple[Rows, str]:
    """The rows, and a sentence on where they were found.

    Raises StudioError that says which shape was found, and which is wanted.
    """
    if isinstance(document, list):
        return _of_list(document, name), "the rows are the items of the list"
    if isinstance(document, dict):
        return _of_object(document, name)
    raise StudioError(f"{quoted(name)} holds {_kind(document)} and nothing else. {WANTED}")


def _of_list(items: list[Any], name: str) -> Rows:
    if not items:
        raise StudioError(f"{quoted(name)} is an empty list. Add an object per example. {WANTED}")
    others = [place for place, item in enumerate(items, 1) if not isinstance(item, dict)]
    if not others:
        return items
    if len(others) == len(items):
        raise StudioError(f"{quoted(name)} is {_kind(items)} {_kinds(items[0])}, not of objects. {WANTED}")
    raise StudioError(
        f"{quoted(name)}: {rows_named(others)} {'is' if len(others) == 1 else 'are'} not an object like the rest, but "
        f"{_kind(items[others[0] - 1])}. Correct or remove {'it' if len(others) == 1 else 'them'}. {WANTED}"
    )


def _of_object(members: dict[str, Any], name: str) -> tuple[Rows, str]:
    tables = [key for key, value in members.items() if _is_rows(value)]
    if len(tables) == 1:
        return members[tables[0]], f"the rows are the list under the name {quoted(tables[0])}"
    if len(tables) > 1:
        found = listed([f"{quoted(key, 40)} ({len(members[key]):,})" for key in tables], 10)
        raise StudioError(
            f"{quoted(name)} holds several lists of objects: {found}. Save the one to train on as a file of its own."
        )
    if _is_columns(members):
        return _transposed(members), "the document holds a list per column"
    raise StudioError(f"{quoted(name)} is {_described(members)}. {WANTED}")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


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
