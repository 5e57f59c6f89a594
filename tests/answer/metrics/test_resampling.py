import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.answer.metrics.metric import mean
from studio.answer.metrics.resampling import Draws, Sample, difference, estimate
from studio.intervals import share_interval


def sample(values, draws=None, share=True, hit=False):
    values = np.array(values, dtype=float)
    ones = np.where(np.isnan(values), np.nan, 1.0)
    return Sample(np.column_stack([values, ones]), mean, draws or Draws(len(values)), share, hit)


def test_a_share_of_hits_has_wilsons_interval_even_where_all_hit():
    for hits in (0, 7, 20):
        found = estimate(sample([1] * hits + [0] * (20 - hits), hit=True))
        assert found.interval == share_interval(hits, 20)
        assert found.hits == hits


def test_a_share_that_is_the_same_in_all_rows_is_not_certain():
    unseen = share_interval(0, 10)[1]
    assert estimate(sample([0.5] * 10)).interval == pytest.approx((0.5 - unseen / 2, 0.5 + unseen / 2))
    assert estimate(sample([1.0])).interval[0] < 0.25
    draws = Draws(10)
    all_of, none = sample([1.0] * 10, draws), sample([0.0] * 10, draws)
    assert difference(all_of, none).interval == pytest.approx((1 - 2 * unseen, 1))
    assert difference(none, none).interval == pytest.approx((-unseen, unseen))


def test_a_mean_of_words_has_the_interval_of_t():
    """Of many rows from a normal distribution the bootstrap is the t-interval, give or take."""
    values = np.random.default_rng(1).normal(50, 10, 40)
    low, high = estimate(sample(values, share=False)).interval
    reach = 2.0227 * values.std(ddof=1) / np.sqrt(40)  # t with 39 degrees of freedom
    assert low == pytest.approx(values.mean() - reach, abs=0.4)
    assert high == pytest.approx(values.mean() + reach, abs=0.4)


@pytest.mark.parametrize("number", [8, 30])
def test_intervals_hold_the_truth_as_often_as_they_say(number):
    """Of 300 samples of skewed differences about 95 % of the intervals hold the true mean, for few rows too."""
    chance, draws, held = np.random.default_rng(5), Draws(number), 0
    for _ in range(300):
        before, after = chance.beta(2, 5, number), chance.beta(2, 3, number)
        low, high = difference(sample(after, draws), sample(before, draws)).interval
        held += low <= 2 / 5 - 2 / 7 <= high
    assert 0.91 <= held / 300 <= 0.99


def test_a_difference_is_paired():
    """Rows differ much, and each is a little better: unpaired, nothing could be said."""
    before = np.random.default_rng(2).uniform(0, 0.9, 30)
    after = before + np.random.default_rng(3).uniform(0.01, 0.05, 30)
    draws = Draws(30)
    low, high = difference(sample(after, draws), sample(before, draws)).interval
    assert 0 < low < high < 0.06
    first, second = estimate(sample(after, draws)).interval, estimate(sample(before, draws)).interval
    assert first[0] < second[1]


def test_hits_are_compared_pair_by_pair_and_exactly():
    draws = Draws(10)
    six, none = sample([1] * 6 + [0] * 4, draws, hit=True), sample([0] * 10, draws, hit=True)
    assert difference(six, none).interval[0] > 0  # 6 to 0: p = 0.03
    five = sample([1] * 5 + [0] * 5, draws, hit=True)
    assert difference(five, none).interval[0] <= 0  # 5 to 0: p = 0.06
    assert difference(five, none).hits == 5


@pytest.mark.parametrize("number", [1, 2, 5])
def test_fewer_than_six_rows_tell_nothing(number):
    draws = Draws(number)
    better, worse = sample([0.9] * number, draws), sample([0.1] * number, draws)
    low, high = difference(better, worse).interval
    assert low <= 0 < high


def test_only_rows_that_both_answered_are_compared():
    draws = Draws(8)
    one = sample([1, 1, 1, 1, 1, 1, 1, np.nan], draws, share=False)
    other = sample([np.nan, 0, 0, 0, 0, 0, 0, 9], draws, share=False)
    found = difference(one, other)
    assert (found.value, found.number) == (1, 6)
    assert estimate(other).value == pytest.approx(9 / 7)


def test_nothing_gives_nothing():
    assert estimate(sample([])) is None
    assert estimate(sample([np.nan, np.nan])) is None
    assert difference(sample([]), sample([])) is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=12))
def test_an_interval_holds_its_value_and_stays_where_shares_are(values):
    found = estimate(sample(values))
    assert (found is None) == all(np.isnan(value) for value in values)
    if found:
        low, high = found.interval
        assert -1e-9 <= low <= found.value <= high <= 1 + 1e-9
