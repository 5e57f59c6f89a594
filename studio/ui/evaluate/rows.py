"""The rows of an evaluation as the page lists them: sorted by change, narrowed down, a page at a time, one opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.result import MetricResult, Scores
from studio.answer.metrics.slices import By
from studio.answer.word_diff import word_diff
from studio.ui.compare.question import Sent
from studio.ui.routes import Json

PAGE = 50  # rows at once
GLIMPSE = 240  # characters of a text in the list
MOST_SHOWN = 20_000  # characters of a text in an opened row
RIGHT = 0.5  # of a share: from here on a row counts as right

LONGEST_SLICE = 100_000  # characters of a slice's name, which is a cell of the data

Show = Literal["all", "worst", "improved", "worsened", "broken", "mended"]
Order = Literal["row", "against", "value", "change"]

Value = float | None


class View(Sent):
    """What a page wants to see. Empty names stand for the usual ones."""

    metric: str = ""
    whose: str = ""
    """The contestant that is held against the one compared with."""
    show: Show = "all"
    order: Order | None = None
    down: bool = False
    search: Annotated[str, StringConstraints(max_length=1000)] = ""
    page: int = Field(default=0, ge=0)
    by: By | None = None
    slice: Annotated[str, StringConstraints(max_length=LONGEST_SLICE)] = ""
    """Only the rows of this slice of those `by` which the rows are parted."""


@dataclass(frozen=True)
class Listed:
    """A metric's values of each row: of the one compared with and of the contestant looked at."""

    metric: MetricResult
    whose: str
    against: Sequence[Value]
    own: Sequence[Value]

    @property
    def shares(self) -> bool:
        """Whether a row can be right or wrong by this metric."""
        return self.metric.unit == "share" and self.metric.better != "neither"

    def change(self, place: int) -> Value:
        """By how much the contestant's value is above that of the one compared with."""
        own, against = self.own[place], self.against[place]
        return None if own is None or against is None else own - against

    def value(self, order: Order, place: int) -> Value:
        """What the row is sorted by in a column of values."""
        if order == "change":
            return self.change(place)
        return (self.against if order == "against" else self.own)[place]

    def gain(self, place: int) -> float:
        """The change as something gained; 0 where it cannot be told."""
        return self._good(self.change(place) or 0.0)

    def good(self, place: int) -> float:
        """How good the contestant's value is, for sorting; one without a value is the best."""
        own = self.own[place]
        return float("inf") if own is None else self._good(own)

    def right(self, values: Sequence[Value], place: int) -> bool | None:
        """Whether the row is right by these values, or None where that cannot be told."""
        value = values[place]
        if value is None or not self.shares:
            return None
        return value >= RIGHT if self.metric.better == "higher" else value < RIGHT

    def _good(self, value: float) -> float:
        return -value if self.metric.better == "lower" else value


def listed(scores: Scores, metric: str = "", whose: str = "") -> Listed | None:
    """The values by which rows are listed, or None where no metric has any."""
    with_values = [each for each in scores.metrics if each.per_row and each.name in scores.values]
    chosen = next((each for wanted in (metric, scores.main) for each in with_values if each.name == wanted), None)
    chosen = chosen or next(iter(with_values), None)
    if chosen is None:
        return None
    values = scores.values[chosen.name]
    others = [name for name in values if name != scores.against]
    name = whose if whose in others else usual(others) or scores.against
    nothing: list[Value] = [None] * scores.n
    return Listed(chosen, name, values.get(scores.against, nothing), values.get(name, nothing))


def usual(names: Sequence[str]) -> str | None:
    """Whom a person looks at first: the tuned model where there is one."""
    return "tuned" if "tuned" in names else next(iter(names), None)


def page_of(rows: Sequence[AnsweredRow], scores: Scores, view: View, within: Collection[int] | None = None) -> Json:
    """One page of the rows, as GET .../rows tells it. `within`: places of the rows to choose among."""
    by = listed(scores, view.metric, view.whose)
    places = [place for place in range(len(rows)) if within is None or place in within]
    if view.search.strip():
        places = [place for place in places if _holds(rows[place], view.search)]
    why_none = ""
    if by is not None:
        if view.show in ("broken", "mended") and not by.shares:
            why_none = f"By “{by.metric.title}” a row is neither right nor wrong. Choose another metric."
        places = _sorted(_kept(places, by, view.show), by, rows, view)
    pages = max(1, -(-len(places) // PAGE))
    page = min(view.page, pages - 1)
    return {
        "of": len(rows),
        "found": len(places),
        "page": page,
        "pages": pages,
        "metric": by.metric.name if by else "",
        "against": scores.against,
        "whose": by.whose if by else "",
        "why_none": why_none,
        "rows": [_line(rows[place], place, by) for place in places[page * PAGE : (page + 1) * PAGE]],
    }


def _holds(row: AnsweredRow, search: str) -> bool:
    wanted = search.strip().casefold()
    if wanted.startswith("#") and wanted[1:].isdigit():
        return row.row == int(wanted[1:])
    return any(wanted in text.casefold() for text in (row.prompt, row.reference, *row.answers.values()))


def _kept(places: Sequence[int], by: Listed, show: Show) -> list[int]:
    if show == "improved":
        return [place for place in places if by.gain(place) > 0]
    if show == "worsened":
        return [place for place in places if by.gain(place) < 0]
    if show in ("broken", "mended"):
        before, now = show == "broken", show == "mended"
        return [p for p in places if by.right(by.against, p) is before and by.right(by.own, p) is now]
    if show == "worst":
        return [place for place in places if by.own[place] is not None]
    return list(places)


def _sorted(places: list[int], by: Listed, rows: Sequence[AnsweredRow], view: View) -> list[int]:
    if view.order == "row":
        return sorted(places, key=lambda place: rows[place].row, reverse=view.down)
    if view.order is not None:
        values = {place: value for place in places if (value := by.value(view.order, place)) is not None}
        rest = [place for place in places if place not in values]
        return sorted(values, key=values.__getitem__, reverse=view.down) + rest
    if view.show == "worst":
        return sorted(places, key=by.good)
    if view.show in ("worsened", "broken"):
        return sorted(places, key=by.gain)
    return sorted(places, key=by.gain, reverse=True) if view.show in ("improved", "mended") else places


def _line(row: AnsweredRow, place: int, by: Listed | None) -> Json:
    line: Json = {"place": place, "row": row.row, "prompt": _glimpse(row.prompt), "reference": _glimpse(row.reference)}
    if by is None:
        return line
    unit, change = by.metric.unit, by.change(place)
    gain = by.gain(place)
    return line | {
        "answer": _glimpse(row.answers.get(by.whose, "")),
        "against": value_text(by.against[place], unit),
        "value": value_text(by.own[place], unit),
        "change": value_text(change, unit, signed=True),
        "turned": "" if not change or by.metric.better == "neither" else "better" if gain > 0 else "worse",
    }


def _glimpse(text: str) -> str:
    return text if len(text) <= GLIMPSE else text[:GLIMPSE] + " …"


def value_text(value: Value, unit: str, signed: bool = False) -> str:
    """One row's value as it is said: shares as whole percents (their difference in points), losses with two digits."""
    if value is None:
        return "–"
    if unit == "share":
        text = f"{100 * value:+.0f}" if signed else f"{100 * value:.0f} %"
    elif unit in ("words", "count"):
        text = f"{value:+.0f}" if signed else f"{value:.0f}"
    else:
        text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return {"+0": "0", "-0": "0", "+0.00": "0.00", "-0.00": "0.00"}.get(text, text).replace("-", "−")


def opened(row: AnsweredRow, place: int, scores: Scores, order: Sequence[str]) -> Json:
    """One row wholly, as GET .../rows/PLACE tells it: each answer against the reference, and its values.

    `order` is that of the contestants. Of very long texts the beginning is told, and how much is left out.
    """
    names = [name for name in order if name in row.answers or name in row.read]
    metrics = [each for each in scores.metrics if each.name in scores.values and each.better != "neither"]
    return {
        "place": place,
        "row": row.row,
        "about": {name: text for name in ("label", "group", "source") if (text := getattr(row, name))},
        "prompt": _cut(row.prompt),
        "reference": _cut(row.reference),
        "answers": [
            {
                "name": name,
                **_against_reference(row.answers.get(name), row.reference),
                "mark": value_text(row.marks.get(name), "share") if row.marks else "",
                "values": _values(metrics, scores.values, name, place),
            }
            for name in names
        ],
    }


def _cut(text: str) -> Json:
    return {"text": text[:MOST_SHOWN], "more": max(0, len(text) - MOST_SHOWN)}


def _against_reference(answer: str | None, reference: str) -> Json:
    if answer is None:  # it only read the reference
        return {"text": None, "parts": [], "more": 0, "whole": True}
    diff = word_diff(answer[:MOST_SHOWN], reference[:MOST_SHOWN])
    return {**_cut(answer), "parts": [list(part) for part in diff.parts], "whole": diff.whole}


def _values(
    metrics: Sequence[MetricResult], values: Mapping[str, Mapping[str, Sequence[Value]]], name: str, place: int
) -> list[Json]:
    told = []
    for metric in metrics:
        of_rows = values[metric.name].get(name)
        if of_rows is not None and of_rows[place] is not None:
            told.append({"title": metric.title, "text": value_text(of_rows[place], metric.unit)})
    return told
