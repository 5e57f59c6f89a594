from math import exp, log

import numpy as np
import pytest

from studio.answer.metrics.metric import Said, Traits, mean
from studio.answer.metrics.reading import costs, perplexity
from tests.answer.metrics.rows import read, row


def said(*reads):
    return Said([row(i, "r", read={"base": each} if each else {}) for i, each in enumerate(reads)], "base", Traits(3))


def test_perplexity_is_over_all_tokens_and_no_mean_of_rows():
    sums = costs(said(read(10 * log(2), 10), read(30 * log(8), 30))).sum(axis=0)
    assert mean(sums) == pytest.approx((10 * log(2) + 30 * log(8)) / 40)
    assert perplexity(sums) == pytest.approx(2 ** (10 / 40) * 8 ** (30 / 40))


def test_a_row_that_was_not_read_does_not_count_and_nothing_overflows():
    found = costs(said(read(5, 5), None, read(1, 0)))
    assert np.isnan(found).any(axis=1).tolist() == [False, True, True]
    assert np.isfinite(perplexity(np.array([1e9, 1.0])))
    assert perplexity(found[0]) == pytest.approx(exp(1))
