"""The main metric in parts of the rows: by label, group, source, length of the prompt, or the words that they hold.

It compares numbers and says where they differ; what that means for anybody is the reader's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import Request
from studio.answer.evaluation.result import Difference, Figure
from studio.answer.metrics.metric import Metric
from studio.answer.metrics.overlap import words as words_of
from studio.answer.metrics.resampling import FEWEST, Draws, Estimate, Sample, difference, estimate, percentiles
from studio.answer.metrics.saying import difference_of, figure_of, more_or_less
from studio.answer.metrics.scoring import Judged, judged
from studio.data.lens.terms import Group, bundled_terms, read_terms
from studio.intervals import share_difference

By = Literal["label", "group", "source", "length", "terms"]
QUARTERS = 4
LEVEL = 0.05
MOST_SLICES = 50
UNNAMED = "(none)"

CAVEAT = (
    "A slice differs where the interval of its difference from all other rows leaves 0 out, at a level divided by the "
    "number of slices (Bonferroni), since of many slices some stand out by chance alone. Rows of a slice can be harder "
    "for reasons that have nothing to do with its name."
)
TERMS_CAVEAT = "Groups are found by words, not by meaning; nothing is said here about people."


class Slice(BaseModel):
    """A part of the rows and the main metric in it. `places` are its rows' places among those that were sliced."""

    model_config = ConfigDict(frozen=True)
    name: str
    n: int
    metric: str
    figures: dict[str, Figure]
    differences: dict[str, Difference]
    flagged: dict[str, str]
    """Contestants for whom it differs from all other rows, in words: "lower than in other rows by 8 to 20 points"."""
    places: list[int]


def slices(rows: Sequence[AnsweredRow], request: Request, by: By, words: str | None = None) -> list[Slice]:
    """The parts of the rows, largest first (by length: shortest first); none where the rows have nothing to part by.

    Args:
        rows: all rows of an evaluation.
        request: what was asked.
        by: a column of the rows; the length of the prompt, in quarters; or groups that the prompt names.
        words: a list of groups and their words in YAML, as `assets/groups.yaml` is; None: that one.

    Raises:
        StudioError: the list of words cannot be read, or as `score_rows` does.
    """
    found = judged(rows, request, main_only=True)
    parts = sorted(_parts(found, by, words), key=lambda part: 0 if by == "length" else -len(part[1]))[:MOST_SLICES]
    parts = [part for part in parts if len(part[1]) < len(rows)]
    every, draws = np.arange(len(rows)), Draws(len(rows))
    return [
        _slice(found, metric, found.samples(metric, every, draws), name, places, len(parts))
        for metric in found.choice.metrics
        for name, places in parts
    ]


def _parts(found: Judged, by: By, terms: str | None) -> Iterator[tuple[str, list[int]]]:
    """Each part's name and the places of its rows."""
    rows = found.rows
    if by == "terms":
        yield from _named(rows, read_terms(bundled_terms() if terms is None else terms))
    elif by == "length":
        yield from _quarters([len(words_of(row.prompt)) for row in rows])
    else:
        values = [getattr(row, by) for row in rows]
        if by == "label" and not any(values) and found.choice.traits.is_labels:
            values = [row.reference.strip() for row in rows]
        for value in dict.fromkeys(values) if any(values) else ():
            yield value or UNNAMED, [place for place, each in enumerate(values) if each == value]


def _quarters(lengths: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Up to four parts of about as many rows, by length in words; rows of one length stay together."""
    if not lengths:
        return
    bounds = np.unique(np.quantile(lengths, np.arange(1, QUARTERS + 1) / QUARTERS, method="lower"))
    part_of = np.searchsorted(bounds, lengths)
    for part in range(len(bounds)):
        places = np.flatnonzero(part_of == part).tolist()
        least, most = min(lengths[place] for place in places), max(lengths[place] for place in places)
        span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        yield f"prompts of {span} word{'' if span == '1' else 's'}", places


def _named(rows: Sequence[AnsweredRow], groups: Sequence[Group]) -> Iterator[tuple[str, list[int]]]:
    """The rows whose prompt names each group; groups that no prompt names are left out."""
    texts = pa.chunked_array([pa.array([row.prompt for row in rows], pa.string())])
    found = [(group, np.flatnonzero(group.mentioned(texts)).tolist()) for group in groups] if rows else []
    yield from ((f"{group.set}: {group.name}", places) for group, places in found if places)


def _slice(
    found: Judged, metric: Metric, samples: dict[str, Sample], name: str, places: list[int], parts: int
) -> Slice:
    inside = np.isin(np.arange(len(found.rows)), places)
    within = {who: sample.only(sample.counts & inside) for who, sample in samples.items()}
    others = {who: sample.only(sample.counts & ~inside) for who, sample in samples.items()}
    against = within.get(found.request.against)
    return Slice(
        name=name,
        n=len(places),
        metric=metric.name,
        figures={who: figure_of(e, metric.unit) for who, s in within.items() if (e := estimate(s))},
        differences={
            who: difference_of(e, metric.unit, metric.better)
            for who, s in within.items()
            if against and who != found.request.against and (e := difference(s, against))
        },
        flagged={who: said for who, s in within.items() if (said := _flag(s, others[who], metric, parts))},
        places=places,
    )


def _flag(sample: Sample, other: Sample, metric: Metric, parts: int) -> str:
    """How the slice differs from all other rows, where it does so beyond what is chance; else nothing."""
    here, there = int(sample.counts.sum()), int(other.counts.sum())
    if min(here, there) < FEWEST:
        return ""
    level = LEVEL / parts
    hits, others = sample.hits, other.hits
    if hits is not None and others is not None:
        interval = share_difference(int(hits.sum()), here, int(others.sum()), there, level)
    else:
        interval = percentiles(sample.figures - other.figures, min(here, there), level)
    if interval[0] <= 0 <= interval[1]:
        return ""
    apart = Estimate(sample.value - other.value, interval, min(here, there), None if hits is None else int(hits.sum()))
    return f"{more_or_less(apart, metric.unit)} than in other rows"
