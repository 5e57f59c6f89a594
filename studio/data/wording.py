"""How a user's own text and row numbers are put into a sentence: short, and with nothing hidden in them."""

from collections.abc import Iterable, Sequence

SHOWN_CHARACTERS = 80
"""The most of a user's text that one sentence repeats."""

SHOWN_NUMBERS = 5
SHOWN_NAMES = 10


def quoted(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """The text in quotes, cut to `most` characters, with control and invisible characters written out."""
    shown = repr(text[:most])
    if len(text) <= most and len(shown) <= most:
        return shown
    return shown[: most - 2].rstrip("\\") + "…" + shown[0]


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `12,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(items: Sequence[object], most: int) -> str:
    """`3, 7 and 12`, or `3, 7, 9, 12, 15 and 40 more`."""
    shown = [str(item) for item in items[:most]]
    last = f"{len(items) - most:,} more" if len(items) > most else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def rows_named(rows: Sequence[int]) -> str:
    """`row 3`, `rows 3 and 7`, `rows 3, 7, 9, 12, 15 and 40 more`."""
    return f"{'row' if len(rows) == 1 else 'rows'} {listed(rows, SHOWN_NUMBERS)}"


def names(columns: Iterable[str]) -> str:
    """The columns' names, quoted and at most ten of them."""
    every = [quoted(column, 40) for column in columns]
    return listed(every, SHOWN_NAMES) if every else "none"


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
