"""What the report says, part by part. A part that is not there says in a line what to do to have it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from markupsafe import Markup

from studio import __version__
from studio.answer.drift import Comparison, Drift, drift
from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import BASE, TUNED
from studio.answer.evaluation.result import Figure, MetricResult
from studio.answer.metrics.scoring import score_rows
from studio.answer.metrics.slices import By, slices
from studio.answer.votes.kept import read_votes
from studio.answer.votes.verdict import tally_of, verdict_of
from studio.answer.votes.vote import Pair, Vote, title_of
from studio.answer.votes.words import apart, headline, how_sure
from studio.data.checks.check import check
from studio.data.wording import counted
from studio.errors import StudioError
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.directory import Run
from studio.run.events import AnyEvent, Decision, Metrics, Started, that_count
from studio.run.history.difference import ABSENT, differences
from studio.run.history.record import Record
from studio.run.owner import read_owner
from studio.share.facts import Scored, spoken
from studio.share.report.drawing import Mark, Point, Series, curves, pairs, whiskers

COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")
SAMPLES = 3  # rows of each kind
SEED = 0
MOST_TEXT = 700  # characters of one text
MOST_CHECKED = 20_000  # rows that are checked again for a report
MOST_CLASSES = 15  # of a confusion matrix
UNSET = "not set"
SLICED: tuple[By, ...] = ("label", "group", "source")


@dataclass(frozen=True)
class Changed:
    """An option that is not as usual: its name, what is usual, and what it was."""

    label: str
    usual: str
    value: str


@dataclass(frozen=True)
class Line:
    """A line of the table of scores: one metric, each contestant's figure and difference in words, and a drawing."""

    metric: MetricResult
    cells: list[tuple[str, str]]
    verdicts: list[tuple[str, str, str]]
    drawing: Markup


@dataclass(frozen=True)
class Sample:
    """A row with what was answered, by contestant."""

    row: int
    prompt: str
    reference: str
    answers: list[tuple[str, str, str]]
    """Who, what was answered, and the figure of the main metric."""


@dataclass(frozen=True)
class Samples:
    """Rows that were drawn by one rule."""

    title: str
    why: str
    rows: list[Sample]


@dataclass(frozen=True)
class Verdicted:
    """The blind votes between two, in words."""

    voices: tuple[str, str]
    words: list[str]


@dataclass(frozen=True)
class Trained:
    """What training took, as (what, how much) for a table; and what the trainer chose by itself, with its reasons."""

    facts: list[tuple[str, str]]
    decisions: list[tuple[str, str]] = field(default_factory=list)


def cut(text: str) -> str:
    """The text without characters that HTML refuses, and no longer than a report can show; it says where it was cut."""
    shown = "".join(
        char if char in "\n\t" or char.isprintable() or ord(char) > 159 else "�" for char in text[:MOST_TEXT]
    )
    shown = shown.encode("utf-8", "replace").decode()
    return shown if len(text) <= MOST_TEXT else f"{shown} … (cut here; it has {len(text):,} characters)"


def changed_options(recipe: Recipe) -> list[Changed]:
    """The options that are not as usual for the recipe's task and method, in the recipe's order."""
    usual = changed(Recipe(), {"task.name": recipe.task.name, "method.name": recipe.method.name})
    found = differences([usual, recipe])
    return [Changed(each.label, _value(each.values[0]), _value(each.values[1])) for each in found]


def _value(value: Any) -> str:
    if value is ABSENT or value in ("", []):
        return UNSET
    if isinstance(value, list):
        return "; ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    return f"{value:g}" if isinstance(value, float) else cut(str(value))


def findings_of(run: Run) -> list[str] | None:
    """What the checks find in the rows as they were trained on; None where they are too many, or damaged."""
    try:
        rows = run.examples("train")
    except (OSError, ValueError, KeyError):
        return None
    return [each.message for each in check(rows).findings] if len(rows) <= MOST_CHECKED else None


def training_curves(events: Sequence[AnyEvent], needle_begun: int | None = None) -> list[Markup]:
    """Loss, probes and learning rate over the steps that count."""
    counted_events = [event for event in that_count(events) if isinstance(event, Metrics)]

    def of(key: str) -> list[Point]:
        return [(event.step, event.values[key]) for event in counted_events if key in event.values]

    losses = [Series("training loss", of("loss"), "c1"), Series("held-out loss", of("eval_loss"), "c2", dotted=True)]
    probes = [Series("probes right", [(x, 100 * y) for x, y in of("probe_right")], "c3", dotted=True)]
    drawn = [
        curves(losses, "Step", "Loss, nats a token"),
        curves(probes, "Step", "Probes right, %", height=150, marked=needle_begun),
        curves([Series("learning rate", of("learning_rate"), "c4")], "Step", "Learning rate", height=130),
    ]
    return [each for each in drawn if each]


def score_lines(scored: Scored) -> list[Line]:
    """A line for each metric, the one that is looked at first in front."""
    metrics = scored.result.scores.metrics
    main = scored.result.scores.main
    return [_score_line(each, scored) for each in sorted(metrics, key=lambda each: each.name != main)]


def _score_line(metric: MetricResult, scored: Scored) -> Line:
    there = [name for name in scored.names if name in metric.figures]
    marks = [
        Mark(
            name, spoken(metric.figures[name], metric.unit), *_numbers(metric.figures[name]), COLOURS[at % len(COLOURS)]
        )
        for at, name in enumerate(scored.names)
        if name in there
    ]
    whole = (0.0, 1.0) if metric.unit == "share" else (None, None)
    return Line(
        metric,
        [(name, spoken(metric.figures[name], metric.unit) if name in there else "–") for name in scored.names],
        [(name, each.verdict, each.words) for name, each in metric.differences.items()],
        whiskers(marks, low=whole[0], high=whole[1]) if marks else Markup(""),
    )


def _numbers(figure: Figure) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def slice_lines(scored: Scored) -> list[tuple[str, str, int, dict[str, str]]]:
    """The main metric by label, group and source, where the rows have several: (by, name, n, figures)."""
    found: list[tuple[str, str, int, dict[str, str]]] = []
    for by in SLICED:
        if len({getattr(row, by) for row in scored.rows}) < 2:
            continue
        parts = slices(scored.rows, scored.request, by)
        if len(parts) > 1 and scored.main:
            found += [
                (by, cut(each.name), each.n, {who: figure.text for who, figure in each.figures.items()})
                for each in parts[:MOST_CLASSES]
            ]
    return found


def confusions(scored: Scored) -> list[tuple[str, list[str], list[list[int]]]]:
    """(who, classes, counts) for each contestant, where there are few enough classes to print."""
    every = scored.result.scores.confusion.items()
    return [(who, each.labels, each.counts) for who, each in every if len(each.labels) <= MOST_CLASSES]


def samples_of(scored: Scored) -> list[Samples]:
    """Rows by chance, the best, the worst, and those that were right before and are wrong now."""
    scores = score_rows(scored.rows, scored.request)
    values = scores.values.get(scores.main, {})
    main = next((each for each in scores.metrics if each.name == scores.main), None)
    who = next((name for name in (TUNED, *reversed(scored.names)) if name in scored.names), "")
    order = [int(place) for place in np.random.default_rng(SEED).permutation(len(scored.rows))]
    by_chance = Samples(
        "Drawn by chance", f"{SAMPLES} of {counted(len(order), 'row')}, with seed {SEED}: chosen by nobody.", []
    )
    groups = [(by_chance, order[:SAMPLES])]
    mine, theirs = values.get(who), values.get(BASE)
    if mine and main:
        sign = -1 if main.better == "lower" else 1
        known = [place for place in order if mine[place] is not None]
        ranked = sorted(known, key=lambda place: -sign * (mine[place] or 0.0))  # stable: equals stay as chance has them
        by = f"by {main.title.lower()} of {who}, equals by chance"
        groups.append((Samples("Best", f"The best {by}.", []), ranked[:SAMPLES]))
        groups.append((Samples("Worst", f"The worst {by}.", []), ranked[::-1][:SAMPLES]))
        if theirs and who != BASE:
            falls = {p: sign * ((mine[p] or 0.0) - (theirs[p] or 0.0)) for p in known if theirs[p] is not None}
            broken = sorted((p for p in falls if falls[p] < 0), key=lambda place: falls[place])
            why = f"Where the base was better: {len(broken)} of {len(falls)} rows, the largest falls first."
            groups.append((Samples("Newly broken", why, []), broken[:SAMPLES]))
    unit = main.unit if main else "share"
    return [
        Samples(group.title, group.why, [_sample(scored.rows[place], place, values, unit) for place in places])
        for group, places in groups
    ]


def _sample(row: AnsweredRow, place: int, values: dict[str, list[float | None]], unit: str) -> Sample:
    def figure(who: str) -> str:
        value = values.get(who, [None] * (place + 1))[place]
        return "" if value is None else f"{100 * value:.0f} %" if unit == "share" else f"{value:.3g}"

    answers = [(who, cut(text), figure(who)) for who, text in row.answers.items()]
    return Sample(row.row, cut(row.prompt), cut(row.reference), answers)


def votes_of(run: Run) -> list[Verdicted]:
    """What the blind votes say between each two."""
    votes = read_votes(run)
    return [_verdicted(votes, pair, run.name) for pair in _voted_pairs(votes, run.name)]


def _voted_pairs(votes: Iterable[Vote], run: str) -> list[Pair]:
    sets = dict.fromkeys(frozenset(vote.voices) for vote in votes)
    ordered = (sorted(voices, key=lambda voice: title_of(voice, run)) for voices in sets)
    return [(voices[0], voices[-1]) for voices in ordered]


def _verdicted(votes: Sequence[Vote], pair: Pair, run: str) -> Verdicted:
    verdict = verdict_of(tally_of(votes, pair))
    titles = title_of(pair[0], run), title_of(pair[1], run)
    beside = apart(verdict.tally)
    return Verdicted(
        titles, [f"{headline(verdict, titles)}.", how_sure(verdict), *[f"Beside these: {beside}."] * bool(beside)]
    )


def drift_of(run: Run, found: Scored) -> tuple[Drift, list[tuple[Comparison, Markup, list[tuple[str, str, str]]]]]:
    """How new data compares, each comparison with its drawing, or of words a table: word, share before, share now."""
    result = drift(run, found.evaluation)
    return result, [(each, *_distribution(each)) for each in result.comparisons]


def _distribution(comparison: Comparison) -> tuple[Markup, list[tuple[str, str, str]]]:
    known, new = comparison.histogram.known, comparison.histogram.new
    if names := comparison.histogram.names:
        all_known, all_new = max(1, sum(known)), max(1, sum(new))
        return Markup(""), [
            (cut(name), f"{100 * a / all_known:.1f} %", f"{100 * b / all_new:.1f} %")
            for name, a, b in zip(names, known, new, strict=True)
        ]
    edges = comparison.histogram.edges
    bins = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
    return pairs(bins, known, new, ("trained on", "new")), []


def trained(run: Run, events: Sequence[AnyEvent], status: str) -> Trained:
    """Time, machine and versions as the run wrote them down; what it did not is not guessed."""
    record, owner = Record().after(run), read_owner(run.owner_path)
    started = next((event for event in reversed(events) if isinstance(event, Started)), None)
    values = [event.values for event in that_count(events) if isinstance(event, Metrics)]
    facts = [("Status", status)]
    if record.began:
        began = datetime.fromtimestamp(record.began, UTC)
        facts += [("Begun", f"{began:%Y-%m-%d %H:%M} UTC"), ("Time of work", _duration(record.seconds))]
    if record.steps:
        facts.append(("Steps", f"{record.step:,} of {record.steps:,}"))
    if started:
        share = started.trainable_parameters / max(1, started.parameters)
        facts.append(
            ("Parameters trained", f"{started.trainable_parameters:,} of {started.parameters:,} ({100 * share:.3g} %)")
        )
    tokens = max((each["num_tokens"] for each in values if "num_tokens" in each), default=0.0)
    speeds = [each["tokens_per_second"] for each in values if each.get("tokens_per_second")]
    facts += [("Tokens", f"{tokens:,.0f}")] * bool(tokens)
    facts += [("Tokens a second, in the middle", f"{float(np.median(speeds)):,.0f}")] if speeds else []
    for key, name in (("memory_peak", "Memory at most"), ("gpu_memory_peak", "GPU memory at most")):
        most = max((each[key] for each in values if key in each), default=0.0)
        facts += [(name, f"{most / 2**30:.2f} GiB")] * bool(most)
    if owner:
        facts += [("Devices", ", ".join(owner.devices))] if owner.devices else []
        facts.append(
            ("Software", ", ".join([f"Atelier {__version__}", f"Python {owner.python}", *_versions(owner.versions)]))
        )
    facts.append(("Energy", "was not measured, so none is given"))
    return Trained(facts, [(cut(each.choice), cut(each.reason)) for each in events if isinstance(each, Decision)])


def _versions(versions: dict[str, str]) -> list[str]:
    return [f"{name} {version}" for name, version in versions.items()]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def refused(error: StudioError) -> str:
    """Why a part cannot be shown."""
    return f"This part cannot be shown: {cut(str(error))}"
