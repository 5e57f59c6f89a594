"""Drift: whether new rows still are what a run was trained on, and whether to tune again.

Compared are lengths, words and classes with the rows trained on, and how the tuned model reads the new answers with how
it reads known ones. Each comparison has a smallest change that matters, so that a large file is not called changed for
a trifle; and few rows are not called unchanged because nothing could have shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from studio.answer.apart import Apart, apart, jensen_shannon, kolmogorov_smirnov, one_each, stability_index, word_counts
from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import BASE, TUNED
from studio.data.example import Example
from studio.data.wording import counted, listed, quoted
from studio.errors import StudioError
from studio.intervals import LIMITS, RESAMPLES, SEED, Interval, interval_of, share_difference

if TYPE_CHECKING:
    from studio.answer.evaluation.folder import Evaluation
    from studio.run.directory import Run

NEW, KNOWN = "new", "known"  # what the rows of such an evaluation have as source
MOST_KNOWN = 4000  # rows of the training set that are compared; drawn by chance from more
FEWEST = 8  # rows on each side, below which nothing is said
FEW = 50  # new rows, below which it is said that there are few
BINS = 24
SHOWN_WORDS = 12
MATTERS = {"length": 0.15, "words": 0.05, "classes": 0.1, "loss": 0.1}
"""The smallest change that matters: in the gap of Kolmogorov and Smirnov, in bits, as a stability index, in nats."""

Verdict = Literal["moved", "not moved", "cannot tell"]

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")


class Histogram(BaseModel):
    """Two sets over the same bins, in rows (words: in occurrences). Either `edges` or `names` says what the bins are;
    the last one of `edges` also holds all that is above."""

    model_config = ConfigDict(frozen=True)
    edges: list[float] = []
    names: list[str] = []
    new: list[int]
    known: list[int]


class Statistic(BaseModel):
    """What the verdict rests on. `chance` and `chance_high` are what the same rows show when they are shuffled together
    and parted by chance: usually, and at most in 99 of 100; None where the interval alone decides."""

    model_config = ConfigDict(frozen=True)
    name: str
    value: float
    source: str
    chance: float | None = None
    chance_high: float | None = None


class Comparison(BaseModel):
    """One thing that new and known rows were compared in. The interval (95 %) is that of `effect`, in `unit`."""

    model_config = ConfigDict(frozen=True)
    key: Literal["prompt length", "answer length", "words", "classes", "loss"]
    title: str
    verdict: Verdict
    words: str
    unit: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    new_rows: int
    known_rows: int
    histogram: Histogram
    statistic: Statistic


class Drift(BaseModel):
    """What came of comparing. `advice` are sentences, the first one says whether to tune again."""

    model_config = ConfigDict(frozen=True)
    run: str
    new_rows: int
    known_rows: int
    again: Literal["yes", "no", "cannot tell"]
    advice: list[str]
    comparisons: list[Comparison]
    notes: list[str] = []


def drift(run: Run, evaluation: Evaluation) -> Drift:
    """Compare the new rows of a finished evaluation of kind "drift" with what `run` was trained on.

    Raises:
        StudioError: the evaluation has no rows (yet), or the run's rows cannot be read.
    """
    train = run.examples("train")
    chosen = np.random.default_rng(SEED).permutation(len(train))[:MOST_KNOWN]
    rows = evaluation.rows()
    classes = evaluation.request.task == "classes"
    found = compared(run.name, list(train.take(np.sort(chosen))), rows, classes=classes, trained=len(train))
    if len(run.examples("held_out")):
        return found
    note = (
        "The run held no rows out, so the known answers were trained on. It reads those better than any new ones: a "
        "worse loss alone is no sign of change."
    )
    return found.model_copy(update={"notes": [*found.notes, note]})


def compared(
    run: str, trained_on: Sequence[Example], rows: Sequence[AnsweredRow], *, classes: bool = False, trained: int = 0
) -> Drift:
    """As `drift`, of the rows themselves. `classes`: the answers are classes. `trained`: of how many rows
    `trained_on` were drawn.

    Raises:
        StudioError: there are no new rows.
    """
    new = [row for row in rows if row.source == NEW]
    if not new:
        raise StudioError("None of the rows is new, so there is nothing to compare. Choose a file with usable rows.")
    known = [row for row in rows if row.source == KNOWN]
    comparisons = [
        _lengths("prompt length", [row.prompt for row in trained_on], [row.prompt for row in new]),
        *(
            []
            if classes
            else [_lengths("answer length", [e.completion for e in trained_on], [r.reference for r in new])]
        ),
        _words(trained_on, new),
        *_classes(trained_on, new, classes),
        *_loss(new, known),
    ]
    again, advice = _advice(run, comparisons, len(new))
    sampled = len(trained_on) < trained
    return Drift(
        run=run,
        new_rows=len(new),
        known_rows=len(known),
        again=again,
        advice=advice,
        comparisons=comparisons,
        notes=[
            *[f"Only {counted(len(new), 'new row')}: small changes cannot show."] * (len(new) < FEW),
            *[f"Of {trained:,} training rows {len(trained_on):,} were drawn by chance to compare with."] * sampled,
            *_beside_base(new),
        ],
    )


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; each sign of a script that puts no blanks between words is one."""
    return _WORD.findall(text.casefold())


def _verdict(found: Apart, matters: float) -> Verdict:
    if found.distance > found.chance_high and found.beyond_chance >= matters:
        return "moved"
    narrow = found.chance_high - found.chance < matters
    return "not moved" if narrow and found.beyond_chance < matters else "cannot tell"


def _enough(verdict: Verdict, new: int, known: int) -> Verdict:
    return verdict if min(new, known) >= FEWEST else "cannot tell"


def _statistic(name: str, source: str, found: Apart) -> Statistic:
    return Statistic(name=name, value=found.distance, source=source, chance=found.chance, chance_high=found.chance_high)


def _lengths(key: Literal["prompt length", "answer length"], known: Sequence[str], new: Sequence[str]) -> Comparison:
    here, there = (np.array([len(words_of(text)) for text in texts]) for texts in (new, known))
    every = np.union1d(here, there).tolist()
    found = apart(one_each(there.tolist(), every), one_each(here.tolist(), every), kolmogorov_smirnov)
    verdict = _enough(_verdict(found, MATTERS["length"]), len(here), len(there))
    effect, (low, high) = float(here.mean() - there.mean()), _mean_difference(here, there)
    what = "Prompts" if key == "prompt length" else "Answers"
    said = f"{what} have {here.mean():.3g} words on average, the training rows {there.mean():.3g}"
    between = f" (difference {low:+.2g} to {high:+.2g})" if min(len(here), len(there)) >= FEWEST else ""
    tail = {
        "moved": "Their lengths are spread otherwise.",
        "not moved": "Their lengths are spread as in training.",
        "cannot tell": "Too few rows to say whether lengths are spread otherwise.",
    }[verdict]
    return Comparison(
        key=key,
        title=f"Length of {what.lower()}",
        verdict=verdict,
        words=f"{said}{between}. {tail}",
        unit="words",
        effect=effect,
        low=low,
        high=high,
        new_rows=len(here),
        known_rows=len(there),
        histogram=_number_bins(here, there, whole=True),
        statistic=_statistic("largest gap of the distributions", "Smirnov 1939", found),
    )


def _number_bins(new: np.ndarray, known: np.ndarray, *, whole: bool = False) -> Histogram:
    both = np.concatenate([new, known])
    low, high = float(both.min()), float(np.percentile(both, 99.5))
    if whole:
        step = max(1, int(np.ceil((high - low + 1) / BINS)))
        edges = np.arange(low, max(high, low) + step + 1, step)
    else:
        edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    new_bins, known_bins = (np.histogram(np.minimum(each, edges[-1]), edges)[0].tolist() for each in (new, known))
    return Histogram(edges=[float(f"{edge:.5g}") for edge in edges], new=new_bins, known=known_bins)


def _words(trained_on: Sequence[Example], new: Sequence[AnsweredRow]) -> Comparison:
    known_words = [words_of(f"{row.prompt} {row.completion}") for row in trained_on]
    new_words = [words_of(f"{row.prompt} {row.reference}") for row in new]
    found = apart(*word_counts(known_words, new_words), jensen_shannon)
    verdict = _enough(_verdict(found, MATTERS["words"]), len(new), len(trained_on))
    lexicon = {word for row in known_words for word in row}
    unknown = np.array([[sum(word not in lexicon for word in row), len(row)] for row in new_words], dtype=np.float64)
    share, (low, high) = _ratio(unknown), _ratio_interval(unknown)
    types = {word for row in new_words for word in row}
    said = f"{_percent(share)} of the words in new rows ({_percent(low)} to {_percent(high)}) are in no training row"
    kinds = f", {len(types - lexicon):,} of {len(types):,} different ones"
    tail = {
        "moved": "The words are others than chance explains.",
        "not moved": "The words differ no more than chance explains.",
        "cannot tell": "Too few rows to say whether the words changed.",
    }[verdict]
    return Comparison(
        key="words",
        title="Vocabulary",
        verdict=verdict,
        words=f"{said}{kinds}. {tail}",
        unit="share of words",
        effect=share,
        low=low,
        high=high,
        new_rows=len(new),
        known_rows=len(trained_on),
        histogram=_word_bins(new_words, known_words),
        statistic=_statistic("Jensen-Shannon divergence in bits", "Lin 1991", found),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _ratio(pairs: np.ndarray) -> float:
    return float(pairs[:, 0].sum() / max(1.0, pairs[:, 1].sum()))


def _ratio_interval(pairs: np.ndarray) -> Interval:
    return interval_of(lambda rows: _ratio(pairs[rows]), len(pairs))


def _word_bins(new: Sequence[Sequence[str]], known: Sequence[Sequence[str]]) -> Histogram:
    """The words whose shares differ most in what they add to the divergence, those more frequent now first."""
    here, there = (Counter(word for row in rows for word in row) for rows in (new, known))
    all_here, all_there = max(1, here.total()), max(1, there.total())

    def gap(word: str) -> float:
        p, q = here[word] / all_here, there[word] / all_there
        return (np.sqrt(p) - np.sqrt(q)) ** 2  # type: ignore[no-any-return]

    most = sorted(here | there, key=lambda word: (-gap(word), word))[:SHOWN_WORDS]
    most.sort(key=lambda word: there[word] / all_there - here[word] / all_here)
    return Histogram(names=most, new=[here[word] for word in most], known=[there[word] for word in most])


def _classes(trained_on: Sequence[Example], new: Sequence[AnsweredRow], answers: bool) -> list[Comparison]:
    """One comparison where both have classes, else none."""
    there = [(row.completion.strip() if answers else row.label) for row in trained_on]
    here = [(row.reference.strip() if answers else row.label) for row in new]
    there, here = [label for label in there if label], [label for label in here if label]
    if not there or not here:
        return []
    counts, known = Counter(here), Counter(there)
    names = sorted(set(here) | set(there), key=lambda name: (-known[name], -counts[name], name))
    found = apart(one_each(there, names), one_each(here, names), stability_index)
    unseen = sorted(set(here) - set(there))
    verdict: Verdict = "moved" if unseen else _enough(_verdict(found, MATTERS["classes"]), len(here), len(there))
    most = max(names, key=lambda name: abs(counts[name] / len(here) - known[name] / len(there)))
    low, high = share_difference(counts[most], len(here), known[most], len(there))
    now, before = counts[most] / len(here), known[most] / len(there)
    shares = f"{_percent(now)} of the new rows, {_percent(before)} of the training rows"
    said = f"Most changed: {quoted(most, 40)}, {shares} (difference {100 * low:+.0f} to {100 * high:+.0f} points)."
    tail = {
        "moved": "The classes are spread otherwise.",
        "not moved": "The classes are spread as in training.",
        "cannot tell": "Too few rows to say whether the classes are spread otherwise.",
    }[verdict]
    if unseen:
        tail = f"Never trained on: {listed([quoted(name, 40) for name in unseen], 5)}."
    return [
        Comparison(
            key="classes",
            title="Classes",
            verdict=verdict,
            words=f"{said} {tail}",
            unit="share of rows",
            effect=now - before,
            low=low,
            high=high,
            new_rows=len(here),
            known_rows=len(there),
            histogram=Histogram(
                names=names[:BINS], new=[counts[n] for n in names[:BINS]], known=[known[n] for n in names[:BINS]]
            ),
            statistic=_statistic("population stability index", "Siddiqi 2006", found),
        )
    ]


def _losses(rows: Sequence[AnsweredRow], contestant: str) -> np.ndarray:
    """Nats a token of each row's reference, of the rows that were read."""
    reads = [row.read[contestant] for row in rows if contestant in row.read]
    return np.array([read.nats / read.tokens for read in reads if read.tokens])


def _loss(new: Sequence[AnsweredRow], known: Sequence[AnsweredRow]) -> list[Comparison]:
    """How the tuned model reads the answers; nothing where it did not."""
    here, there = _losses(new, TUNED), _losses(known, TUNED)
    if not len(here) or not len(there):
        return []
    effect, (low, high) = float(here.mean() - there.mean()), _mean_difference(here, there)
    verdict: Verdict = "cannot tell"
    if min(len(here), len(there)) >= FEWEST:
        matters = MATTERS["loss"]
        if (low > 0 or high < 0) and abs(effect) >= matters:
            verdict = "moved"
        elif -matters < low and high < matters:
            verdict = "not moved"
    said = f"A token of a new answer costs the tuned model {here.mean():.2f} nats, of a known one {there.mean():.2f}"
    tail = {
        "moved": "It reads new answers worse." if effect > 0 else "It reads new answers better.",
        "not moved": "It reads new answers as well as known ones.",
        "cannot tell": "Too few rows to say whether it reads new answers worse.",
    }[verdict]
    return [
        Comparison(
            key="loss",
            title="Loss of the tuned model",
            verdict=verdict,
            words=f"{said} (difference {low:+.2f} to {high:+.2f}). {tail}",
            unit="nats a token",
            effect=effect,
            low=low,
            high=high,
            new_rows=len(here),
            known_rows=len(there),
            histogram=_number_bins(here, there),
            statistic=Statistic(
                name="difference of the means",
                value=effect,
                source="percentile bootstrap of two samples: Efron and Tibshirani 1993, 13.3",
            ),
        )
    ]


def _mean_difference(values: np.ndarray, others: np.ndarray) -> Interval:
    """The interval of the difference of two means of independent rows."""
    chance = np.random.default_rng(SEED)
    drawn = [
        sample[chance.integers(0, len(sample), (RESAMPLES, len(sample)))].mean(axis=1) for sample in (values, others)
    ]
    low, high = np.percentile(drawn[0] - drawn[1], LIMITS)
    return float(low), float(high)


def _beside_base(new: Sequence[AnsweredRow]) -> list[str]:
    """Whether tuning still pays on the new rows."""
    both = [row for row in new if {BASE, TUNED} <= row.read.keys()]
    if len(both) < FEWEST:
        return []
    gains = _losses(both, BASE) - _losses(both, TUNED)
    low, high = interval_of(lambda rows: float(gains[rows].mean()), len(gains))
    if low > 0:
        return [f"On the new rows the tuned model still reads better than the base, by {low:.2f} to {high:.2f} nats."]
    if high < 0:
        return [f"On the new rows the base reads better than the tuned model, by {-high:.2f} to {-low:.2f} nats."]
    return ["On the new rows it cannot be told whether the tuned model reads better than the base."]


def _advice(
    run: str, comparisons: Sequence[Comparison], rows: int
) -> tuple[Literal["yes", "no", "cannot tell"], list[str]]:
    by_key = {each.key: each for each in comparisons}
    moved = [each.title.lower() for each in comparisons if each.verdict == "moved" and each.key != "loss"]
    unseen = "Never trained on" in by_key["classes"].words if "classes" in by_key else False
    loss = by_key.get("loss")
    how = (
        f"Put part of the new rows into the training file of {run}, keep a share of them held out, and train its "
        "recipe again; then score both runs on rows of both kinds."
    )
    if unseen:
        return "yes", ["Tune again: the new rows have classes that the model was never taught.", how]
    if loss is not None and loss.verdict == "moved" and (loss.effect or 0) > 0:
        why = f" What changed: {listed(moved, 5)}." if moved else ""
        return "yes", [f"Tune again: the model reads the new answers worse than known ones.{why}", how]
    if loss is None:
        missing = "The loss was not measured, so it cannot be told whether the model still fits."
        return "cannot tell", [missing, *([f"What changed: {listed(moved, 5)}."] if moved else [])]
    if loss.verdict == "cannot tell":
        return "cannot tell", [f"Cannot tell whether to tune again. {_more(loss, rows)}"]
    if moved:
        return "no", [
            f"No need to tune again yet. The new rows are not quite like the training rows ({listed(moved, 5)}), but "
            "the model reads their answers no worse.",
            "Score it on some of them, if the answers matter: a loss says little about single answers.",
        ]
    unsure = [each.title.lower() for each in comparisons if each.verdict == "cannot tell"]
    if unsure:
        return "no", [
            "No need to tune again: the model reads the new answers no worse.",
            f"Too few rows to tell of: {listed(unsure, 5)}.",
        ]
    return "no", ["No need to tune again: nothing that was compared has moved."]


def _more(loss: Comparison, rows: int) -> str:
    """How many rows it takes until the loss can be told: the interval narrows with the square root of their number."""
    if loss.low is None or loss.high is None or min(loss.new_rows, loss.known_rows) < FEWEST:
        return f"Bring more than the {counted(rows, 'new row')} there are, {FEW} or more."
    reach = (loss.high - loss.low) / 2
    fewer = min(loss.new_rows, loss.known_rows)
    needed = int(np.ceil(fewer * (reach / MATTERS["loss"]) ** 2))
    if needed <= fewer:
        return "The change lies near the smallest that matters; bring more rows or look at the answers."
    return f"About {round(needed, -1 if needed > 100 else 0):,} rows of each kind would do."
