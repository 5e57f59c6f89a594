"""How answers are, whatever they say: length, repetition, refusals."""

from __future__ import annotations

from functools import cache

import regex
import yaml

from studio.answer.metrics.overlap import words
from studio.home import ASSETS

REFUSALS = ASSETS / "refusals.yaml"
RUN = 4  # words; Welleck et al. 2019 report seq-rep-4


def length(answer: str, reference: str) -> float:
    """Words of the answer."""
    return float(len(words(answer)))


def length_ratio(answer: str, reference: str) -> float | None:
    """Words of the answer over those of the reference; None where the reference has none."""
    right = len(words(reference))
    return len(words(answer)) / right if right else None


def repetition(answer: str, reference: str) -> float:
    """Share of the runs of four words that were there before: 1 - distinct / all (seq-rep-4, Welleck et al. 2019,
    arXiv 1908.04319, section 6); 0 where the answer is shorter than one."""
    said = words(answer)
    runs = [tuple(said[start : start + RUN]) for start in range(len(said) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def refusal(answer: str, reference: str) -> float | None:
    """1 where the answer begins like a refusal; None where the reference does too."""
    return None if refuses(reference) else float(refuses(answer))


def refuses(text: str) -> bool:
    """Whether a text begins with one of the phrases of `assets/refusals.yaml`."""
    return bool(_refusals().match(text))


def empty(answer: str, reference: str) -> float:
    """1 where there is nothing but blanks."""
    return float(not answer.strip())


@cache
def _refusals() -> regex.Pattern[str]:
    phrases = [phrase for listed in yaml.safe_load(REFUSALS.read_text("utf-8")).values() for phrase in listed]
    return regex.compile(rf"\W*(?:{'|'.join(map(_phrase, phrases))})", regex.IGNORECASE)


def _phrase(text: str) -> str:
    """A phrase as a pattern: any apostrophe, any blanks, and no letter after it where its script has blanks."""
    pattern = regex.escape(text).replace("'", "['’]").replace(r"\ ", r"\s+")
    return pattern if regex.match(r"[\p{Han}\p{Hiragana}\p{Hangul}]", text[-1]) else rf"{pattern}\b"
