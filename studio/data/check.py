"""What is wrong with pairs, row by row, and which of them are left out of training."""

import re
import statistics
from collections.abc import Callable, Iterator, Sequence

from studio.data.example import Example, Examples
from studio.data.findings import Finding, Lengths, Report, finding
from studio.data.wording import counted, rows_named, sentence

__all__ = ["Finding", "Report", "check", "usable"]

VERY_LONG = 20_000
"""Characters, some 5,000 tokens: longer than the longest row that most recipes train on."""

FEW_ROWS = 20
"""Fewer than these and a held-out score says next to nothing."""

PLACEHOLDERS = frozenset({"nan", "null", "none", "n/a", "na", "#n/a", "undefined", "<na>", "nat", "nil"})

_BLANK = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u00ad\u1680\u2028\u2029\u202f\u205f\u3000\u3164\u2800\ufeff\u2060"
    + "".join(map(chr, range(0x2000, 0x2010)))
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

# UTF-8 that was read as Windows-1252: a lead byte's letter, then what its following byte became.
_FOLLOWING = re.escape(bytes(set(range(0x80, 0xC0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("cp1252"))
_MOJIBAKE = re.compile(
    f"[ÂÃÐÑ][\x80-\x9f{_FOLLOWING}]|â[€‚„†ˆ]|ðŸ|ï»¿|ï¿½|(?:[äåæçèé][\x80-\x9f{_FOLLOWING}]{{2}}){{2}}"
)

Test = Callable[[str], object]


def check(pairs: Examples, known: Sequence[Finding] = ()) -> Report:
    """The report on these pairs. `known` was found while the file was read, and its rows may be missing in `pairs`."""
    empty = list(_empty(pairs))
    out = {row for each in (*known, *empty) if each.left_out for row in each.rows}
    whole = [pair for pair in pairs if pair.row not in out]
    once, repeated = _once(whole)
    findings = [*known, *empty, *repeated, *_contradictions(once), *_looks(once), *_too_few(len(once))]
    missing = {row for each in known if each.left_out for row in each.rows} - {pair.row for pair in pairs}
    return Report(
        rows=len(pairs) + len(missing),
        usable=len(once),
        findings=findings,
        prompt_characters=_lengths([len(pair.prompt) for pair in once]),
        completion_characters=_lengths([len(pair.completion) for pair in once]),
    )


def usable(pairs: Examples, report: Report | None = None) -> Examples:
    """The pairs that are trained on: those that the report does not leave out."""
    return pairs.without((report or check(pairs)).left_out)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in it: nothing at all, spaces, or marks of no width."""
    return not text.strip(_BLANK)


def _empty(pairs: Sequence[Example]) -> Iterator[Finding]:
    sides: tuple[tuple[str, Callable[[Example], str], str], ...] = (
        ("prompt", lambda pair: pair.prompt, "there is nothing to answer"),
        ("completion", lambda pair: pair.completion, "there is nothing to learn"),
    )
    for side, text, why in sides:
        rows = [pair.row for pair in pairs if is_blank(text(pair))]
        if rows:
            message = f"{sentence(rows_named(rows))}: the {side} is empty, so {why}. Left out."
            yield finding(f"empty-{side}", rows, message, "warning", left_out=True)


def _once(pairs: Sequence[Example]) -> tuple[list[Example], list[Finding]]:
    """The pairs without their later copies."""
    seen: set[tuple[str, str]] = set()
    once: list[Example] = []
    copies: list[int] = []
    for pair in pairs:
        key = (pair.prompt, pair.completion)
        if key in seen:
            copies.append(pair.row)
        else:
            seen.add(key)
            once.append(pair)
    if not copies:
        return once, []
    message = (
        f"{sentence(rows_named(copies))}: prompt and completion are the same as in an earlier row. The first one is "
        "kept, the copies are left out, since what is seen twice is learnt by heart."
    )
    return once, [finding("duplicate", copies, message, "warning", left_out=True)]


def _contradictions(pairs: Sequence[Example]) -> list[Finding]:
    groups: dict[str, list[Example]] = {}
    for pair in pairs:
        groups.setdefault(pair.same_prompt, []).append(pair)
    several = [group for group in groups.values() if len({pair.completion.strip() for pair in group}) > 1]
    if not several:
        return []
    rows = sorted(pair.row for group in several for pair in group)
    first = rows_named([pair.row for pair in several[0]])
    message = (
        f"{sentence(rows_named(rows))}: {counted(len(several), 'prompt')} with different completions, the first in "
        f"{first}. Kept: the model learns a mixture, which is right for variety and wrong for facts."
    )
    return [finding("contradiction", rows, message, "warning")]


def _looks(pairs: Sequence[Example]) -> Iterator[Finding]:
    """What a single cell looks like, seen from outside."""
    tests: tuple[tuple[str, Test, str], ...] = (
        ("very-long", _is_long, f"over {VERY_LONG:,} characters. Kept, and cut where the recipe's longest row ends."),
        (
            "replacement-character",
            lambda text: "\ufffd" in text,
            "the replacement character \ufffd stands where a letter was lost. Kept: save the file again from its "
            "source, as UTF-8.",
        ),
        (
            "mojibake",
            lambda text: not text.isascii() and _MOJIBAKE.search(text),
            "letters such as Ã© or â€™, which come from reading UTF-8 as something else. Kept, and learnt as they are: "
            "save the file again from its source, as UTF-8.",
        ),
        ("control-characters", _CONTROLS.search, "control characters that nobody sees. Kept, and learnt as they are."),
        (
            "placeholder",
            lambda text: len(text) < 12 and text.strip().lower() in PLACEHOLDERS,
            "a cell that is nothing but nan, null, none or n/a. Kept as that word: empty it if nothing was meant.",
        ),
    )
    for kind, test, what in tests:
        rows = [pair.row for pair in pairs if test(pair.prompt) or test(pair.completion)]
        if rows:
            yield finding(kind, rows, f"{sentence(rows_named(rows))}: {what}", "warning")


def _is_long(text: str) -> bool:
    return len(text) > VERY_LONG


def _too_few(number: int) -> Iterator[Finding]:
    if number < 2:
        left = "No usable row is left" if number == 0 else "Only 1 usable row is left"
        message = f"{left}, and at least 2 are needed: one to train on, one to hold out. Add rows or mend them."
        yield finding("too-few", [], message, "error")
    elif number < FEW_ROWS:
        message = (
            f"Only {counted(number, 'usable row')}: enough to try things out, too few to tell by held-out rows whether "
            f"it worked. Some {10 * FEW_ROWS} rows are a beginning."
        )
        yield finding("too-few", [], message, "warning")


def _lengths(lengths: list[int]) -> Lengths:
    return Lengths(median=round(statistics.median(lengths)), longest=max(lengths)) if lengths else Lengths()
