"""Answers that are to be JSON."""

from __future__ import annotations

import json
from typing import Any

NOT_JSON = object()


def json_valid(answer: str, reference: str) -> float:
    """1 where the answer is JSON as RFC 8259 defines it (no NaN, nothing before or after)."""
    return float(parsed(answer) is not NOT_JSON)


def json_fields(answer: str, reference: str) -> float:
    """Share of the reference's top-level fields that the answer has with an equal value; 0 where it is no JSON. Slot
    accuracy as in Rastogi et al. 2019, arXiv 1909.05855, section 5.2, over the fields of one answer."""
    said, right = parsed(answer), parsed(reference)
    if not isinstance(said, dict) or not isinstance(right, dict):
        return 0.0
    if not right:
        return float(not said)
    return sum(_same(said.get(key, NOT_JSON), value) for key, value in right.items()) / len(right)


def is_json_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    return text.lstrip().startswith("{") and isinstance(parsed(text), dict)


def parsed(text: str) -> Any:
    """What the JSON says, or `NOT_JSON`."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOT_JSON


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _same(first: Any, second: Any) -> bool:
    """Equal, and true is not 1, on every level."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)
