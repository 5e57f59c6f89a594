"""What came out of an evaluation: figures with intervals, and in words whether one is better than another."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["better", "worse", "cannot tell"]


class Figure(BaseModel):
    """A number with its 95 % interval, and `text`, as it may be said: with no digit that the rows cannot carry."""

    model_config = ConfigDict(frozen=True)
    value: float
    low: float
    high: float
    text: str


class Difference(Figure):
    """A contestant's figure less that of the one compared with, over the same rows (a paired bootstrap)."""

    verdict: Verdict
    words: str
    """One plain sentence: "better by 12 to 20 points", "cannot tell: between 3 points worse and 5 better"."""


class MetricResult(BaseModel):
    """One metric over all contestants. `differences` has everyone but the one compared with."""

    model_config = ConfigDict(frozen=True)
    name: str
    title: str
    help: str
    """What it measures, its unit and what is good, in plain words."""
    family: str
    """Which group it is shown in: "match", "words", "json", "number", "classes", "loss", "manner", "rules", "judge",
    "own"."""
    better: Literal["higher", "lower", "neither"]
    unit: Literal["share", "nats", "perplexity", "words", "count"]
    """How it is drawn and said: a share in [0, 1] as percent, all others as they are."""
    per_row: bool
    """Whether each row has a value of its own, so that rows can be sorted by its change."""
    figures: dict[str, Figure]
    differences: dict[str, Difference]


class Confusion(BaseModel):
    """How often rows of a class (line) were given each class (column). The last column is "anything else"."""

    model_config = ConfigDict(frozen=True)
    labels: list[str]
    counts: list[list[int]]


class Scores(BaseModel):
    """All metrics over some rows."""

    model_config = ConfigDict(frozen=True)
    n: int
    against: str
    metrics: list[MetricResult]
    main: str
    """The metric to look at first: rows are sorted by it, and the room's headline is about it."""
    why: list[str]
    """Why these metrics: what was recognised in the rows, a sentence each."""
    headline: str
    """One plain sentence over all: "On 60 held-out rows the tuned model is better: 92 % exact match, the base 3 %."."""
    confusion: dict[str, Confusion] = {}
    values: dict[str, dict[str, list[float | None]]] = {}
    """{metric: {contestant: value of each row, in their order}} of the metrics with `per_row`. Not written."""


class Result(BaseModel):
    """What an evaluation leaves as `result.json`, whole or absent. Its rows are in `answered.jsonl`."""

    model_config = ConfigDict(frozen=True)
    scores: Scores
    skipped: list[int]
    """Source rows whose prompt no contestant's model can hold; they are in no figure."""
    notes: list[str] = []
    max_new_tokens: int
    seconds: float
    """Of computing, over all the times that it was begun."""
    answers_per_second: float = 0.0
