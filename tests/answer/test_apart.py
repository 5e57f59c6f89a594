import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from studio.answer.apart import apart, jensen_shannon, kolmogorov_smirnov, one_each, stability_index, word_counts


def table(*counts: int) -> np.ndarray:
    return np.array([counts], dtype=np.float64)


def test_the_gap_is_that_of_scipy():
    chance = np.random.default_rng(1)
    new, known = chance.integers(0, 9, 40).tolist(), chance.integers(2, 12, 70).tolist()
    bins = sorted({*new, *known})
    counts = (np.asarray(one_each(each, bins).sum(axis=0))[None, :] for each in (new, known))
    assert kolmogorov_smirnov(*counts)[0] == pytest.approx(stats.ks_2samp(new, known).statistic)


def test_the_divergence_is_the_square_of_scipys_distance():
    one, other = table(5, 0, 3, 2), table(1, 4, 3, 0)
    assert jensen_shannon(one, other)[0] == pytest.approx(jensenshannon(one[0], other[0], base=2) ** 2)
    assert jensen_shannon(table(3, 0), table(0, 9))[0] == pytest.approx(1)
    assert jensen_shannon(table(3, 6), table(1, 2))[0] == 0


def test_the_index_by_hand():
    """Shares 0.5 and 0.5 against 0.25 and 0.75, each with half a row more."""
    p, q = np.array([10.5, 10.5]) / 21, np.array([10.5, 30.5]) / 41
    expected = ((p - q) * np.log(p / q)).sum()
    assert stability_index(table(10, 10), table(10, 30))[0] == pytest.approx(expected)


def test_chance_explains_what_comes_from_one_source_and_not_what_does_not():
    chance = np.random.default_rng(0)
    bins = list(range(10))
    known, same, other = (chance.integers(low, low + 6, 80).tolist() for low in (0, 0, 3))
    alike = apart(one_each(known, bins), one_each(same, bins), kolmogorov_smirnov)
    apart_ = apart(one_each(known, bins), one_each(other, bins), kolmogorov_smirnov)
    assert alike.distance < alike.chance_high < apart_.distance
    assert alike.beyond_chance < 0.1 < apart_.beyond_chance


def test_words_are_counted_by_row_over_one_vocabulary():
    known, new = word_counts([["a", "b", "a"], []], [["c"]])
    assert known.toarray().tolist() == [[2, 1, 0, 0], [0, 0, 0, 0]]
    assert new.toarray().tolist() == [[0, 0, 1, 0]]
