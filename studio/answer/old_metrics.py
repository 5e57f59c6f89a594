"""How good answers are, row by row, between 0 and 1. Nothing is downloaded.

To add a metric: write its function and put it in `METRICS`, or in `CLASS_METRICS` for answers that are classes.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.run.tasks.class_scores import class_scores

PerRow = Callable[[list[str], list[str]], list[float]]

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = frozenset(string.punctuation)
WORD = re.compile(r"[^\W_]+")
NOT_JSON = object()


def exact_match(answers: list[str], references: list[str]) -> list[float]:
    """1 where the answer is the reference, spaces around both aside. (Rajpurkar et al. 2016, arXiv 1606.05250, 6.1,
    without its normalisation.)"""
    return [float(a.strip() == r.strip()) for a, r in zip(answers, references, strict=True)]


def normalised_match(answers: list[str], references: list[str]) -> list[float]:
    """1 where they are equal but for case, punctuation, English articles and spaces: SQuAD's exact match
    (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1, and its official evaluation script)."""
    return [float(_normalised(a) == _normalised(r)) for a, r in zip(answers, references, strict=True)]


def token_f1(answers: list[str], references: list[str]) -> list[float]:
    """Harmonic mean of precision and recall over the words, after SQuAD's normalisation
    (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1, and its official evaluation script)."""
    return [_f1(_normalised(a).split(), _normalised(r).split()) for a, r in zip(answers, references, strict=True)]


def rouge_l(answers: list[str], references: list[str]) -> list[float]:
    """F-measure of the longest common subsequence of words (Lin 2004, "ROUGE: A Package for Automatic Evaluation of
    Summaries", section 3), as `rouge-score` computes it without stemming, with words of any script."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_Words())
    return [float(scorer.score(r, a)["rougeL"].fmeasure) for a, r in zip(answers, references, strict=True)]


def chrf(answers: list[str], references: list[str]) -> list[float]:
    """F-score (beta 2) over runs of 1 to 6 characters (Popovic 2015, "chrF: character n-gram F-score for automatic MT
    evaluation", WMT 15), per row as `sacrebleu` computes it, divided by 100."""
    from sacrebleu.metrics.chrf import CHRF

    scorer = CHRF()
    return [scorer.sentence_score(a, [r]).score / 100 for a, r in zip(answers, references, strict=True)]


def json_valid(answers: list[str], references: list[str]) -> list[float]:
    """1 where the answer is JSON as RFC 8259 defines it (no NaN, nothing before or after)."""
    return [float(_parsed(a) is not NOT_JSON) for a in answers]


def json_fields(answers: list[str], references: list[str]) -> list[float]:
    """Share of the reference's top-level fields that the answer has with an equal value; 0 where it is no JSON. Slot
    accuracy as in Rastogi et al. 2019, arXiv 1909.05855, section 5.2, over the fields of one answer."""
    return [_field_accuracy(_parsed(a), _parsed(r)) for a, r in zip(answers, references, strict=True)]


def always(references: list[str]) -> bool:
    """Any text can be judged so."""
    return True


def all_json_objects(references: list[str]) -> bool:
    """Whether every reference is a JSON object."""
    return bool(references) and all(isinstance(_parsed(reference), dict) for reference in references)


@dataclass(frozen=True)
class Metric:
    """A way to judge answers by references. `fits` says for which references it makes sense."""

    name: str
    title: str
    per_row: PerRow
    fits: Callable[[list[str]], bool] = always


METRICS = (
    Metric("exact_match", "Exact match", exact_match),
    Metric("normalised_match", "Match but for case and punctuation", normalised_match),
    Metric("token_f1", "Words in common (F1)", token_f1),
    Metric("rouge_l", "Words in order (ROUGE-L)", rouge_l),
    Metric("chrf", "Characters in common (chrF)", chrf),
    Metric("json_valid", "Valid JSON", json_valid, all_json_objects),
    Metric("json_fields", "JSON fields right", json_fields, all_json_objects),
)


@dataclass(frozen=True)
class ClassMetric:
    """A way to judge named classes: a figure of all rows together, between 0 and 1."""

    name: str
    title: str
    figure: Callable[[np.ndarray, np.ndarray], float]


def accuracy(named: np.ndarray, right: np.ndarray) -> float:
    """Share of the rows whose class was named."""
    return class_scores(named, right)["accuracy"]


def macro_f1(named: np.ndarray, right: np.ndarray) -> float:
    """Mean over the classes of the harmonic mean of precision and recall, each class alike (Sokolova and Lapalme 2009,
    "A systematic analysis of performance measures for classification tasks", Inf. Process. Manag. 45(4))."""
    return class_scores(named, right)["f1"]


CLASS_METRICS = (
    ClassMetric("accuracy", "Accuracy", accuracy),
    ClassMetric("macro_f1", "F1, each class alike (macro)", macro_f1),
)


class _Words:
    """Words for ROUGE: like rouge-score's own for English, but it also knows other scripts."""

    def tokenize(self, text: str) -> list[str]:
        return WORD.findall(text.lower())


def _normalised(text: str) -> str:
    bare = "".join(character for character in text.lower() if character not in PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", bare).split())


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2 * common / (len(answer) + len(reference))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOT_JSON


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _field_accuracy(answer: Any, reference: Any) -> float:
    if not isinstance(answer, dict) or not isinstance(reference, dict):
        return 0.0
    if not reference:
        return float(not answer)
    return sum(_same(answer.get(key, NOT_JSON), value) for key, value in reference.items()) / len(reference)


def _same(first: Any, second: Any) -> bool:
    """Equal, and true is not 1."""
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)
