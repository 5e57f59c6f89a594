"""What an answer has in common with its reference: words and runs of characters, as rouge-score and sacrebleu count."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import regex

from studio.answer.metrics.metric import Said, Statistics

Rouge = Literal["rouge1", "rouge2", "rougeL"]
ROUGES: tuple[Rouge, ...] = ("rouge1", "rouge2", "rougeL")
PARTS = ("recall", "precision", "fmeasure")
BLEU_NUMBERS, CHRF_NUMBERS = 10, 18
REMEMBERED = 20_000  # pairs of texts whose counts are kept, so that a part of the rows is scored at once

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = regex.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}])+")
"""A run of letters and digits, or one sign of a script that puts no blanks between words."""


def words(text: str) -> list[str]:
    """The words of a text of any script, in lower case. Of English they are those of rouge-score itself."""
    return WORD.findall(text.lower())


def rouge(kind: Rouge, part: str) -> Statistics:
    """Recall, precision or F-measure of the words ("rouge1"), pairs of words ("rouge2") or the longest common
    subsequence of words ("rougeL"): Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", sections 2
    and 3, as `rouge-score` computes it without stemming, with words of any script. Mean over rows."""
    place = ROUGES.index(kind) * len(PARTS) + PARTS.index(part)

    def statistics(said: Said) -> np.ndarray:
        values = [np.nan if a is None else _rouges(a, r)[place] for a, r in said.pairs]
        return np.column_stack([values, np.where(np.isnan(values), np.nan, 1.0)])

    return statistics


def bleu(said: Said) -> np.ndarray:
    """Lengths, and the runs of 1 to 4 words in common and in all: what BLEU over all rows is computed from (Papineni et
    al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", section 2.3), as `sacrebleu` counts."""
    return _counts(said, _bleu_counts, BLEU_NUMBERS)


def chrf(said: Said) -> np.ndarray:
    """Runs of 1 to 6 characters in the answer, the reference and both: what chrF is computed from (Popović 2015, "chrF:
    character n-gram F-score for automatic MT evaluation", WMT 15, section 2), as `sacrebleu` counts."""
    return _counts(said, _chrf_counts, CHRF_NUMBERS)


def bleu_of(sums: np.ndarray) -> np.ndarray:
    """BLEU as `sacrebleu` computes it from counts, divided by 100."""
    return _each(lambda counts: _bleu()._compute_score_from_stats(counts).score / 100, sums)


def chrf_of(sums: np.ndarray) -> np.ndarray:
    """chrF (beta 2) as `sacrebleu` computes it from counts, divided by 100."""
    return _each(lambda counts: _chrf()._compute_score_from_stats(counts).score / 100, sums)


def _each(score: Any, sums: np.ndarray) -> np.ndarray:
    """The library's figure of each line of counts; nan where no row was counted."""
    lines = sums.reshape(-1, sums.shape[-1]).round().astype(np.int64).tolist()
    return np.array([score(line) for line in lines]).reshape(sums.shape[:-1])


def _counts(said: Said, of_pair: Any, number: int) -> np.ndarray:
    nothing = (np.nan,) * number
    lines = [nothing if a is None else of_pair(a, r) for a, r in said.pairs]
    return np.array(lines, dtype=np.float64).reshape(-1, number)


@lru_cache(REMEMBERED)
def _rouges(answer: str, reference: str) -> tuple[float, ...]:
    scores = _scorer().score(reference, answer)
    return tuple(float(getattr(scores[kind], part)) for kind in ROUGES for part in PARTS)


@lru_cache(REMEMBERED)
def _bleu_counts(answer: str, reference: str) -> tuple[int, ...]:
    return tuple(_bleu()._extract_corpus_statistics([answer], [[reference]])[0])


@lru_cache(REMEMBERED)
def _chrf_counts(answer: str, reference: str) -> tuple[int, ...]:
    return tuple(_chrf()._extract_corpus_statistics([answer], [[reference]])[0])


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(ROUGES), tokenizer=_Words())


@cache
def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(force=True)


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


class _Words:
    """The studio's words, as rouge-score asks for them."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)
