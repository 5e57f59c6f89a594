"""What report and card say alike."""

from __future__ import annotations

import pytest

from studio.answer.evaluation.result import Figure
from studio.share.facts import spoken


@pytest.mark.parametrize(
    ("text", "low", "high", "unit", "said"),
    [
        ("92 %", 0.85, 0.9671, "share", "92 % (85 to 97)"),
        ("92.4 %", 0.91, 0.9371, "share", "92.4 % (91.0 to 93.7)"),
        ("5 of 7", 0.36, 0.92, "share", "5 of 7 (36 to 92 %)"),
        ("under 1 %", 0.0001, 0.02, "share", "under 1 % (under 1 to 2)"),
        ("0.06 nats", 0.0153, 0.119, "nats", "0.06 nats (0.02 to 0.12)"),
        ("1,204", 1100.4, 1322.6, "perplexity", "1,204 (1,100 to 1,323)"),
        ("0.1 nats", 0.01, 0.2, "nats", "0.1 nats (under 0.1 to 0.2)"),
        ("3 nats", 3.0, 3.0, "nats", "3 nats"),
        ("3 nats", 2.0, float("inf"), "nats", "3 nats"),
    ],
)
def test_the_ends_of_an_interval_have_as_many_decimals_as_the_figure(text, low, high, unit, said):
    assert spoken(Figure(value=(low + min(high, 9e9)) / 2, low=low, high=high, text=text), unit) == said
