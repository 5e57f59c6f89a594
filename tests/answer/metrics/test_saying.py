import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.answer.metrics.resampling import Estimate
from studio.answer.metrics.saying import difference_of, figure_of
from studio.intervals import share_interval


def hits(number, of):
    return Estimate(number / of, share_interval(number, of), of, number)


@pytest.mark.parametrize(
    ("number", "of", "text"),
    [
        (5, 7, "5 of 7"),
        (0, 19, "0 of 19"),
        (17, 20, "85 %"),  # of 20 rows a share is a multiple of 5 %
        (11, 20, "55 %"),
        (55, 60, "92 %"),
        (60, 60, "100 %"),
        (199, 200, "over 99 %"),  # 99.5 %: no decimal of fewer than 1,000 rows, and not all were right
        (1, 300, "under 1 %"),
        (1999, 2000, "over 99.9 %"),
        (1980, 2000, "99.0 %"),
        (1000, 2000, "50 %"),  # known to a point only
    ],
)
def test_shares_of_hits_have_no_digit_that_the_rows_cannot_carry(number, of, text):
    assert figure_of(hits(number, of), "share").text == text


@given(st.integers(20, 999), st.data())
def test_a_percentage_of_few_rows_is_whole_and_right(of, data):
    number = data.draw(st.integers(0, of))
    text = figure_of(hits(number, of), "share").text
    if number == 0 or number == of:
        assert text == f"{100 * number // of} %"
    elif text[0].isdigit():
        assert abs(int(text.removesuffix(" %")) - 100 * number / of) <= 0.5
        assert text not in ("0 %", "100 %")
    else:
        assert text in ("under 1 %", "over 99 %")


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "text"),
    [
        (0.6137, 0.50, 0.72, "share", "61 %"),
        (0.6137, 0.10, 0.95, "share", "60 %"),
        (1.23456, 1.2, 1.27, "nats", "1.23 nats"),
        (12345.6, 9000, 16000, "perplexity", "12,000"),
        (12.3, 11.0, 13.9, "words", "12.3 words"),
        (12, 12, 12, "words", "12 words"),
        (0.0, 0.0, 0.0, "count", "0"),
    ],
)
def test_the_last_digit_is_that_of_the_error(value, low, high, unit, text):
    assert figure_of(Estimate(value, (low, high), 50), unit).text == text


def test_one_row_is_said_to_be_one():
    assert figure_of(Estimate(3.14159, (3.14159, 3.14159), 1), "perplexity").text == "3.1 (one row)"


@pytest.mark.parametrize(
    ("low", "high", "unit", "better", "verdict", "words"),
    [
        (0.12, 0.2, "share", "higher", "better", "better by 12 to 20 points"),
        (0.12, 0.2, "share", "lower", "worse", "worse by 12 to 20 points"),
        (-0.2, -0.12, "share", "lower", "better", "better by 12 to 20 points"),
        (-0.03, 0.05, "share", "higher", "cannot tell", "cannot tell: between 3 points worse and 5 better"),
        (-0.03, 0.05, "share", "lower", "cannot tell", "cannot tell: between 5 points worse and 3 better"),
        (0.001, 0.05, "share", "higher", "better", "better by less than 1 to 5 points"),
        (0.0, 0.05, "share", "higher", "cannot tell", "cannot tell: between 0 points worse and 5 better"),
        (-0.5, -0.2, "nats", "lower", "better", "better by 0.20 to 0.50 nats"),
        (3.0, 9.0, "words", "neither", "cannot tell", "3 to 9 words more"),
        (-9.0, -3.0, "words", "neither", "cannot tell", "3 to 9 words fewer"),
        (-2.0, 4.0, "words", "neither", "cannot tell", "between 2 words fewer and 4 more"),
        (0.0, 0.0, "words", "neither", "cannot tell", "the same in every row"),
        (0.0, 0.0, "nats", "lower", "cannot tell", "cannot tell: no row differs"),
    ],
)
def test_differences_in_words(low, high, unit, better, verdict, words):
    found = difference_of(Estimate((low + high) / 2, (low, high), 50), unit, better)
    assert (found.verdict, found.words) == (verdict, words)


def test_few_rows_are_said_to_be_too_few():
    found = difference_of(Estimate(1.0, (0.0, 1.0), 3, 3), "share", "higher")
    assert (found.verdict, found.words, found.text) == ("cannot tell", "cannot tell: 3 rows are too few", "+3 of 3")
    assert difference_of(Estimate(-0.25, (-0.4, 0.1), 40, -10), "share", "higher").text == "−25 points"
