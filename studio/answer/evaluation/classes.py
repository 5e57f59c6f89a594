"""Rows answered by classifiers: each names the class that it is surest of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.answer.voices import Seat

AT_ONCE = 64  # texts between two looks whether to stop


def name_classes(seat: Seat, texts: Mapping[int, str], stopped: Callable[[], bool]) -> Iterator[dict[int, str]]:
    """The likeliest class of each text, some at a time. An empty text has none, and is given ""."""
    from studio.answer.reading import class_shares

    places = sorted(texts, key=lambda place: len(texts[place]))
    for start in range(0, len(places), AT_ONCE):
        if stopped():
            return
        some = places[start : start + AT_ONCE]
        shares = class_shares(seat, [texts[place] for place in some])
        yield {place: _likeliest(shares.get(i, {})) for i, place in enumerate(some)}


def _likeliest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda label: shares[label]) if shares else ""
