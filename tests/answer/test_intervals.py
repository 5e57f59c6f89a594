import pytest

from studio.answer.intervals import interval


def test_interval_holds_the_mean_and_repeats():
    values = [1.0] * 80 + [0.0] * 20
    low, high = interval(values)
    assert low < 0.8 < high
    assert (low, high) == interval(values)
    assert low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.02)  # the normal approximation, for a check
    assert high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.02)


def test_interval_of_certainty_and_of_one_row():
    assert interval([1.0] * 50) == (1.0, 1.0)
    assert interval([0.3]) == (0.3, 0.3)
