import numpy as np
import pytest

from studio.intervals import (
    interval,
    interval_of_alike,
    mcnemar,
    median_difference,
    paired_share_difference,
    share_difference,
    share_interval,
    tail,
)


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


def test_shares_as_newcombe_works_them():
    """Newcombe 1998, table 1 of the one-sample paper and table II, row a, of the two-sample paper."""
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert share_difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert share_difference(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert share_interval(0, 10)[0] == 0
    assert share_difference(10, 10, 0, 20) == pytest.approx((0.6791, 1.0), abs=5e-5)


def test_the_median_difference_covers_the_truth():
    """Of 400 pairs of samples of skewed word counts, 95 % of the intervals hold the true difference, give or take."""
    chance = np.random.default_rng(7)
    truth = 20 * np.log(2) - 30 * np.log(2)
    bounds = [median_difference(chance.exponential(20, 40), chance.exponential(30, 400)) for _ in range(400)]
    held = sum(low <= truth <= high for low, high in bounds)
    assert 0.92 <= held / 400 <= 0.985


def test_the_median_difference_narrows_with_rows_and_turns_with_the_sides():
    values, others = np.arange(25), np.arange(100, 150)
    low, high = median_difference(values, others)
    assert (low + high) / 2 == 12 - 124.5
    assert median_difference(others, values) == pytest.approx((-high, -low))
    more = median_difference(np.repeat(values, 100), np.repeat(others, 100))
    assert more[1] - more[0] < (high - low) / 5
    assert median_difference(np.full(9, 3), np.full(9, 3)) == (0.0, 0.0)


def test_paired_shares_as_newcombe_and_fagerland_work_them():
    """Newcombe 1998, paired data, method 10: 36, 12, 2, 0 of 50. Fagerland et al. 2014 give -0.507 for 1, 1, 7, 12."""
    assert paired_share_difference(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    low, high = paired_share_difference(1, 1, 7, 12)
    assert low == pytest.approx(-0.507, abs=5e-4)
    assert high == 0, "McNemar's exact test gives p = 0.07, so 0 is left in"
    assert paired_share_difference(12, 7, 1, 1) == pytest.approx(tuple(-end for end in (high, low)), abs=0.02)
    low, high = paired_share_difference(10, 0, 0, 0)
    assert low < 0 < high


def test_mcnemar_is_the_binomial_test():
    from scipy.stats import binomtest

    for first, second in ((1, 7), (6, 0), (5, 0), (3, 3), (0, 1)):
        assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue)
    assert mcnemar(0, 0) == 1


def test_the_tail_of_few_rows_is_thinner():
    """Hesterberg 2015, table in section 5.3: 0.0010 of 5 rows, 0.0086 of 10, 0.0159 of 20, 0.0250 of very many."""
    assert [round(tail(number), 4) for number in (5, 10, 20)] == [0.001, 0.0086, 0.0159]
    assert tail(10**6) == pytest.approx(0.025, abs=1e-5)
    assert tail(1) == 0


def test_wilsons_interval_at_another_level():
    low, high = share_interval(81, 263, 0.01)
    assert low < share_interval(81, 263)[0]
    assert high > share_interval(81, 263)[1]


def test_rows_that_are_all_alike_leave_room_for_others():
    unseen = share_interval(0, 30)[1]
    assert interval_of_alike(1.0, 30, 0.0, 1.0) == (1 - unseen, 1.0)
    assert interval_of_alike(1.0, 30, -1.0, 1.0) == (1 - 2 * unseen, 1.0)
    assert interval_of_alike(0.0, 30, -1.0, 1.0) == (-unseen, unseen)
