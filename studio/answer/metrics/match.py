"""Whether an answer is the reference, wholly or in part."""

from __future__ import annotations

import re
import string
from collections import Counter

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = frozenset(string.punctuation)


def exact_match(answer: str, reference: str) -> float:
    """1 where the answer is the reference, spaces around both aside. (Rajpurkar et al. 2016, arXiv 1606.05250, 6.1,
    without its normalisation.)"""
    return float(answer.strip() == reference.strip())


def normalised_match(answer: str, reference: str) -> float:
    """1 where they are equal but for case, punctuation, English articles and spaces: SQuAD's exact match
    (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1, and its official evaluation script)."""
    return float(normalised(answer) == normalised(reference))


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of precision and recall over the words, after SQuAD's normalisation
    (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1, and its official evaluation script)."""
    said, right = normalised(answer).split(), normalised(reference).split()
    if not said or not right:
        return float(said == right)
    common = sum((Counter(said) & Counter(right)).values())
    return 2 * common / (len(said) + len(right))


def normalised(text: str) -> str:
    """Without case, punctuation, English articles and spaces that carry nothing."""
    bare = "".join(character for character in text.lower() if character not in PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", bare).split())
