"""Regular expressions that users write, bounded before they are compiled: `regex` unrolls what is counted."""

from __future__ import annotations

from math import prod

import regex

LONGEST, MOST_REPEATS = 2_000, 100_000
COUNTED = regex.compile(r"\{\s*(\d*)\s*,?\s*(\d*)\s*\}")


def pattern_problem(text: str) -> str:
    """What is wrong with a regular expression, to go on after its name; empty where it can be used."""
    if len(text) > LONGEST:
        return f"has {len(text):,} characters, and at most {LONGEST:,} are looked for. Make two rules of it."
    counts = [max(int(end or 0) for end in ends) for ends in COUNTED.findall(text) if max(map(len, ends)) < 10]
    if len(counts) < len(COUNTED.findall(text)) or prod(max(1, count) for count in counts) > MOST_REPEATS:
        return f"repeats too often: its counts in braces come to over {MOST_REPEATS:,}. Use * or + instead."
    try:
        regex.compile(text)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        return f"is no regular expression: {error}. Mend it, or choose the kind 'contains' for plain text."
    return ""
