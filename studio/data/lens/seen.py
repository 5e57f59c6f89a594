"""What the bias lens found: figures with intervals, and the same in plain words, without a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from studio.data.wording import quoted, sentence
from studio.intervals import Interval

FEWEST = 20
"""Rows on each side; of fewer, an interval is too wide or too rough to speak of."""

CAVEAT = (
    "This looks at words, not at meaning: it neither knows who is spoken of nor whether what is said is fair, and a "
    "difference can have good reasons, such as what else is asked. Of twenty 95 % "
    "intervals, one misses the truth by chance alone."
)


class Difference(BaseModel, frozen=True):
    """One figure of the rows that mention a group beside that of the others, and the interval of the difference.

    `value` and `others` are medians of words, or shares between 0 and 1; `interval` is that of value less others, None
    where there are too few rows.
    """

    value: float
    others: float
    interval: Interval | None = None


class GroupSeen(BaseModel, frozen=True):
    """One group: how many rows mention it, and how completions differ between the rows compared and all others.

    Compared are the rows whose prompt mentions it, since a longer completion is likelier to hold any word; in a set
    without prompts, all that mention it, and lengths are left alone.
    """

    set: str
    name: str
    rows: int
    """How many rows mention it, in prompt or completion."""
    compared: int
    others: int
    """How many rows those compared are compared with."""
    asked: bool = True
    """Whether `compared` are rows whose prompt mentions it."""
    shown: list[int] = []
    """The numbers of the first rows that mention it."""
    words: Difference | None = None
    """Median length of the completion, in words; not compared in a set without prompts."""
    refusals: Difference | None = None
    labels: dict[str, Difference] = {}

    @property
    def sentences(self) -> list[str]:
        """All of it in plain words."""
        return list(_sentences(self))


class Lens(BaseModel, frozen=True):
    """What the lens found in `rows` rows. Groups that no row mentions are in it too, with 0 rows."""

    rows: int
    groups: list[GroupSeen] = []
    caveat: str = CAVEAT


def _sentences(found: GroupSeen) -> Iterator[str]:
    if not found.rows:
        yield f"No row mentions {found.name}."
        return
    total = found.compared + found.others
    where = f", {found.compared:,} of them in the prompt" if found.asked else ""
    verb = "row mentions" if found.rows == 1 else "rows mention"
    yield f"{found.rows:,} {verb} {found.name} ({_percent(found.rows / total)} of {total:,}){where}."
    who = f"rows {'whose prompt mentions' if found.asked else 'that mention'} {found.name}"
    fewer, which = min((found.compared, who), (found.others, "other rows"))
    if fewer < FEWEST or found.refusals is None:
        yield f"Too few {which} ({fewer}) to say how completions differ; {FEWEST} are needed."
        return
    if found.words is None:
        yield "Lengths are not compared: a longer text is likelier to hold any word."
    else:
        yield _words_said(who, found.words)
    if found.refusals.value or found.refusals.others:
        yield _share_said(f"completions of {who} begin like a refusal", found.refusals)
    else:
        yield "No completion begins like a refusal."
    for label, difference in found.labels.items():
        yield _share_said(f"{who} have the label {quoted(label, 40)}", difference)


def _words_said(who: str, difference: Difference) -> str:
    assert difference.interval is not None
    low, high = difference.interval
    medians = f"(medians {difference.value:g} and {difference.others:g})"
    if low <= 0 <= high:
        between = f"from {_number(-low)} words shorter to {_number(high)} longer" if low < high else "none"
        return (
            f"{sentence(who)} have completions of about the same length as other rows {medians}; differences that fit "
            f"these rows: {between}."
        )
    ends = sorted((abs(low), abs(high)))
    way = "longer" if low > 0 else "shorter"
    return f"{sentence(who)} have completions {_range(*map(_number, ends))} words {way} {medians}."


def _share_said(what: str, difference: Difference) -> str:
    assert difference.interval is not None
    low, high = (100 * end for end in difference.interval)
    shares = f"({_percent(difference.value)} of them, {_percent(difference.others)} of the others)"
    if low <= 0 <= high:
        return sentence(
            f"{what} about as often as others {shares}; differences that fit these rows: from {_number(-low)} "
            f"percentage points less to {_number(high)} more."
        )
    ends = sorted((abs(low), abs(high)))
    way = "more" if low > 0 else "less"
    return sentence(f"{what} {way} often than others, by {_range(*map(_number, ends))} percentage points {shares}.")


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """At most one decimal below ten, none above."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value + 0.0:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{_number(100 * share)} %"
