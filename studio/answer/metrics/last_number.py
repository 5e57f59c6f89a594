"""Answers that come down to a number."""

from __future__ import annotations

from decimal import Decimal

import regex

NUMBER = regex.compile(
    r"(?:(?<![\w)])[-−])?(?<!\w)(?:\p{Sc}\s?)?(?:(?:\d{1,3}(?:[,'\u00a0\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)"
)
"""A number with its sign, its currency and the marks between its thousands."""
FINAL = "####"
UNIT = 12  # the most characters after the last number for a text to end in it: "42 apples."


def number_match(answer: str, reference: str) -> float | None:
    """1 where the last number of the answer equals that of the reference, whatever its thousands separators and
    decimals say: "1,000.0" is "1000". What follows "####" counts first. None where the reference does not end in one.

    Cobbe et al. 2021, arXiv 2110.14168 (GSM8K), whose final answers stand after "####"; the last number of an answer
    as in the "flexible-extract" of gsm8k in EleutherAI's Language Model Evaluation Harness.
    """
    return float(last_number(answer) == last_number(reference)) if ends_in_number(reference) else None


def last_number(text: str) -> Decimal | None:
    """The last number of a text, or that after its last "####"."""
    _, mark, final = text.rpartition(FINAL)
    for part in (final, text) if mark else (text,):
        found = [_number(match.group()) for match in NUMBER.finditer(part)]
        if found:
            return found[0] if mark and part is final else found[-1]
    return None


def ends_in_number(text: str) -> bool:
    """Whether a number is what the text comes down to: after "####", or near its end."""
    return last_number(text if FINAL in text else text.rstrip()[-UNIT:]) is not None


def _number(text: str) -> Decimal:
    return Decimal(regex.sub(r"[^\d.−-]", "", text).replace("−", "-"))
