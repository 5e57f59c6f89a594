"""Shares and sizes in words."""

from __future__ import annotations

import pytest

from studio.ui.recipe.amounts import bytes_in_words, share_in_words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (1, 1, "100 %"),
        (45, 10_000, "0.45 %"),
        (123, 1000, "12 %"),
        (0, 7, "0 %"),
        (4, 100_000, "0.004 %"),
        (4, 1_000_000, "under 0.001 %"),
    ],
)
def test_a_share(part: int, whole: int, words: str) -> None:
    assert share_in_words(part, whole) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (640, "640 B"), (999.9, "1 kB"), (6_400_000, "6.4 MB"), (12_300_000_000, "12 GB"), (5e15, "5,000 TB")],
)
def test_a_size(size: float, words: str) -> None:
    assert bytes_in_words(size) == words
