"""Lengths far from what is usual, and classes that are too few or spelled in several ways."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.data.checks.classes import class_counts, class_field, spellings
from studio.data.checks.screens import Texts
from studio.data.checks.sweep import Told
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import counted, listed, names, quoted, rows_named, sentence

LEAST_ROWS = 50
DEVIATIONS, LONGER, SHORTER = 4.5, 8, 20
"""An outlier is so many robust standard deviations from the median's logarithm, and so many times longer or shorter
than the median: short answers are seldom wrong, long rows often are several in one."""

MOST_SHARE = 0.02
"""Where more rows than this are far out, the lengths are simply spread."""

IMBALANCE, FEW = 10, 5


def find_lengths(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows whose prompt or completion is far longer or shorter than is usual in this set."""
    if len(examples) < LEAST_ROWS:
        return
    far = np.zeros(len(examples), bool)
    fields = ("completion",) if examples.type == "language modeling" else ("prompt", "completion")
    for field in fields:
        if field == "completion" and class_field(examples) == "completion":
            continue
        far |= _far(Texts.of(examples.column(field)).characters)
    told(len(examples))
    if far.any():
        rows = examples.rows[far].tolist()
        message = f"{sentence(rows_named(rows))}: far longer or far shorter than the others. Kept."
        why = "Often several rows that ran together, or one that broke off; a single very long row also slows a batch."
        yield finding("outlier-length", rows, message, "note", why=why, mend="drop")


def find_imbalance(examples: Examples, told: Told) -> Iterator[Finding]:
    """Classes of very different sizes, classes of a few rows, and classes with several spellings."""
    counts = class_counts(examples)
    told(len(examples))
    if len(counts) < 2:
        return
    field = class_field(examples)
    assert field is not None
    labels = np.array(examples.column(field).to_pylist(), object)
    figures = dict(list(counts.items())[:50])
    yield from _spelled(examples, labels)
    most, least = next(iter(counts.items())), list(counts.items())[-1]
    if most[1] >= IMBALANCE * least[1]:
        message = (
            f"The class {quoted(most[0], 40)} has {counted(most[1], 'row')}, {quoted(least[0], 40)} has {least[1]:,}. "
            "Kept: add rows to the small ones, drop some of the large ones, and look at the score of each class."
        )
        why = "A model that always answers with the largest class is then mostly right, and never learns the others."
        yield finding("label-imbalance", [], message, "warning", why=why, counts=figures)
    few = [name for name, count in counts.items() if count < FEW]
    if few:
        rows = examples.rows[np.isin(labels, few)].tolist()
        number = "1 class" if len(few) == 1 else f"{len(few)} classes"
        message = f"{number} with under {FEW} rows: {names(few)}. Kept."
        why = "A handful of examples is too little to learn a class from, and none may be left to hold out."
        yield finding("rare-label", rows, message, "warning", why=why, mend="drop")


def _spelled(examples: Examples, labels: np.ndarray) -> Iterator[Finding]:
    others = spellings(examples)
    if others:
        rows = examples.rows[np.isin(labels, list(others))].tolist()
        pairs = listed([f"{quoted(name, 40)} and {quoted(usual, 40)}" for name, usual in others.items()], 3)
        message = f"{sentence(rows_named(rows))}: classes that differ in nothing but case or spacing: {pairs}. Kept."
        why = "To the model they are different classes, and each of them has fewer rows to be learned from."
        yield finding("label-spelling", rows, message, "warning", why=why, mend="unify-labels")


def _far(lengths: np.ndarray) -> np.ndarray:
    """Which lengths are outliers, bool; none where many are."""
    logs = np.log1p(lengths)
    middle = np.median(logs)
    spread = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.05)
    times = logs - middle
    far = (np.abs(times) > DEVIATIONS * spread) & ((times > np.log(LONGER)) | (times < -np.log(SHORTER)))
    return far if far.mean() <= MOST_SHARE else np.zeros(len(lengths), bool)
