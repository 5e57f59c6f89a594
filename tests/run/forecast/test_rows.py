"""How long batches are, from a histogram of rows."""

from __future__ import annotations

import pytest

from studio.data.findings import Histogram
from studio.run.forecast.rows import mean_longest

TWO_LENGTHS = Histogram(edges=[10, 11, 100, 101], counts=[3, 0, 1])


def test_one_row_a_batch_is_the_mean(make_recipe):
    assert mean_longest(TWO_LENGTHS, make_recipe({"training.batch_size": 1})) == pytest.approx((3 * 10 + 100) / 4)


def test_the_longest_of_many_is_nearly_the_longest_of_all(make_recipe):
    expected = 10 * 0.75**8 + 100 * (1 - 0.75**8)
    assert mean_longest(TWO_LENGTHS, make_recipe({"training.batch_size": 8})) == pytest.approx(expected)


def test_rows_are_cut(make_recipe):
    recipe = make_recipe({"training.batch_size": 128, "training.max_length": 48})
    assert mean_longest(TWO_LENGTHS, recipe) == pytest.approx(48, rel=1e-3)
