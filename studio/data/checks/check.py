"""What is wrong with examples at a first, quick and exact look, and which of them are left out of training."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.compute as pc

from studio.data.checks.classes import class_counts
from studio.data.checks.looks import look_at, looks
from studio.data.checks.repeats import contradictions, copies, swapped
from studio.data.checks.screens import Texts
from studio.data.example import Examples
from studio.data.findings import Finding, Histogram, Lengths, Report, finding
from studio.data.wording import counted, rows_named, sentence

__all__ = ["CHECKED", "Finding", "Report", "check", "is_blank", "usable"]

CHECKED = frozenset(
    {
        "empty-prompt", "empty-completion", "empty-rejected", "same-answers", "duplicate", "contradiction", "swapped",
        "very-long", "replacement-character", "mojibake", "control-characters", "invisible-characters", "placeholder",
    }
)  # fmt: skip
"""The kinds of findings about rows that `check` makes."""

FEW_ROWS = 20
"""Fewer than these and a held-out score says next to nothing."""

MOST_LABELS = 50
BINS = 30

_BLANK = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u00ad\u1680\u2028\u2029\u202f\u205f\u3000\u3164\u2800\ufeff\u2060"
    + "".join(map(chr, range(0x2000, 0x2010)))
)
_SIDES = (
    ("prompt", "there is nothing to answer"),
    ("completion", "there is nothing to learn"),
    ("rejected", "there is nothing to compare with"),
)


def check(examples: Examples, known: Sequence[Finding] = ()) -> Report:
    """The report on these examples. `known` was found while the file was read; its rows may be missing in them."""
    columns = {name: Texts.of(examples.column(name)) for name in _looked_at(examples)}
    with ThreadPoolExecutor(1) as beside:  # numpy and Arrow leave the interpreter to the other thread
        keys = beside.submit(lambda: [texts.keys for texts in columns.values()])
        noticed = look_at(examples, columns)
        keys.result()
    known_out = np.array(sorted({row for each in known if each.left_out for row in each.rows}), np.int64)
    counts = ~np.isin(examples.rows, known_out) if len(known_out) else np.ones(len(examples), bool)
    unusable = [*_empty(examples, columns), *_same_answers(examples, columns)]
    if unusable:
        counts &= ~np.isin(examples.rows, np.concatenate([each.rows for each in unusable]))
    found = copies(examples, columns, np.flatnonzero(counts))
    if found:
        counts &= ~np.isin(examples.rows, found[0].rows)
    once = np.flatnonzero(counts)
    asked = swapped if examples.type == "preference" else contradictions
    findings = [
        *known, *unusable, *found, *asked(examples, columns, once), *looks(noticed, examples, once),
        *_too_few(len(once)),
    ]  # fmt: skip
    lengths = {name: columns[name].characters[once] for name in ("prompt", "completion")}
    return Report(
        rows=len(examples) + int(np.count_nonzero(~np.isin(known_out, examples.rows))),
        usable=len(once),
        findings=findings,
        prompt_characters=_lengths(lengths["prompt"]),
        completion_characters=_lengths(lengths["completion"]),
        prompt_histogram=histogram(lengths["prompt"]),
        completion_histogram=histogram(lengths["completion"]),
        labels=_labels(examples if len(once) == len(examples) else examples.take(once)),
    )


def usable(examples: Examples, report: Report | None = None) -> Examples:
    """The examples that are trained on: those that the report does not leave out."""
    return examples.without((report or check(examples)).left_out)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in it: nothing at all, spaces, or marks of no width."""
    return not text.strip(_BLANK)


def histogram(values: np.ndarray) -> Histogram:
    """Whole numbers in at most 30 bins of one width; the last bin also holds the largest hundredth."""
    if not len(values):
        return Histogram()
    width = int(np.quantile(values, 0.99)) // BINS + 1
    counts = np.bincount(np.minimum(values // width, BINS - 1))
    return Histogram(edges=[width * place for place in range(len(counts) + 1)], counts=counts.tolist())


def _looked_at(examples: Examples) -> list[str]:
    return ["prompt", "completion", *filter(examples.has, ("rejected", "messages"))]


def _empty(examples: Examples, columns: dict[str, Texts]) -> Iterator[Finding]:
    for side, why in _SIDES:
        if side not in columns or (side == "rejected" and examples.type != "preference"):
            continue
        places = _blank(columns[side])
        if side == "prompt" and examples.type == "language modeling":
            continue  # plain text has none, and a conversation may begin with an answer
        if side == "completion" and len(places) and "messages" in columns:
            called = columns["messages"].matching('"tool_calls"', places)
            places = np.setdiff1d(places, called)  # an answer that calls a tool says nothing
        if len(places):
            rows = examples.rows[places].tolist()
            yield finding(
                f"empty-{side}",
                rows,
                f"{sentence(rows_named(rows))}: the {side} is empty, so {why}. Left out.",
                "warning",
                left_out=True,
                why="A row teaches by what stands in it; an empty cell would teach the model to say nothing.",
                mend="drop",
            )


def _blank(texts: Texts) -> np.ndarray:
    """Places of the blank texts: a text that begins with a visible ASCII character is none."""
    first, _ = texts.ends()
    return texts.those(np.flatnonzero((first <= 0x20) | (first >= 0x7F)), is_blank)


def _same_answers(examples: Examples, columns: dict[str, Texts]) -> Iterator[Finding]:
    if examples.type != "preference" or "rejected" not in columns:
        return
    alike = pc.equal(columns["completion"].cells, columns["rejected"].cells).to_numpy(zero_copy_only=False)
    places = np.setdiff1d(np.flatnonzero(alike), _blank(columns["rejected"]))
    if len(places):
        rows = examples.rows[places].tolist()
        yield finding(
            "same-answers",
            rows,
            f"{sentence(rows_named(rows))}: the better and the worse answer are the same text. Left out.",
            "warning",
            left_out=True,
            why="A preference teaches by the difference of two answers, and here there is none.",
            mend="drop",
        )


def _too_few(number: int) -> Iterator[Finding]:
    why = "With few rows the model learns them by heart, and a score on a handful of held-out rows is mostly chance."
    if number < 2:
        left = "No usable row is left" if number == 0 else "Only 1 usable row is left"
        message = f"{left}, and at least 2 are needed: one to train on, one to hold out. Add rows or mend them."
        yield finding("too-few", [], message, "error", why=why)
    elif number < FEW_ROWS:
        message = (
            f"Only {counted(number, 'usable row')}: enough to try things out, too few to tell by held-out rows whether "
            f"it worked. Some {10 * FEW_ROWS} rows are a beginning."
        )
        yield finding("too-few", [], message, "warning", why=why)


def _lengths(lengths: np.ndarray) -> Lengths:
    return Lengths(median=round(np.median(lengths)), longest=int(lengths.max())) if len(lengths) else Lengths()


def _labels(examples: Examples) -> dict[str, int]:
    return dict(list(class_counts(examples).items())[:MOST_LABELS])
