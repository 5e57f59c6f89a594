"""The classes that examples are sorted into: a label column's, or the completions' own where they are few and short."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Literal

import numpy as np
import pyarrow as pa

from studio.data.example import Examples, plain

MOST_CLASSES = 200
LONGEST_CLASS = 60
"""Characters. A longer answer is an answer, no class."""

ROWS_PER_CLASS = 3
_SAMPLE = 2_000


def class_field(examples: Examples) -> Literal["label", "completion"] | None:
    """Where the classes stand: in the labels, else in the completions, where these are classes."""
    if examples.has("label"):
        return "label"
    if examples.type != "prompt-completion" or examples.has("messages") or len(examples) < 2 * ROWS_PER_CLASS:
        return None
    some = examples.take(np.linspace(0, len(examples) - 1, min(len(examples), _SAMPLE)).astype(np.int64))
    return "completion" if _are_classes(some) and _are_classes(examples) else None


def class_counts(examples: Examples) -> dict[str, int]:
    """The classes with how many examples each has, the most frequent first; empty where there are none."""
    field = class_field(examples)
    return _counts(examples.column(field)) if field else {}


def spellings(examples: Examples) -> dict[str, str]:
    """Classes that differ from a more frequent one in nothing but case and spacing, and that one."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in class_counts(examples):
        alike[plain(name)].append(name)
    return {name: names[0] for names in alike.values() for name in names[1:]}


def _are_classes(examples: Examples) -> bool:
    """Two or more short texts that each come again, but for a few that may be typing errors."""
    counts = _counts(examples.column("completion"), MOST_CLASSES)
    if len(counts) < 2 or max(map(len, counts)) > LONGEST_CLASS:
        return False
    rare = sum(count < ROWS_PER_CLASS for count in counts.values())
    return len(counts) * ROWS_PER_CLASS <= len(examples) and rare <= max(2, len(counts) // 4)


def _counts(column: pa.ChunkedArray, most: int | None = None) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for each in column.value_counts().to_pylist():
        if each["values"]:
            counts[each["values"]] = each["counts"]
        if most is not None and len(counts) > most:
            return {}
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
