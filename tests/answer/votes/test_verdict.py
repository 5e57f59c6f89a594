"""Interval and rule against known distributions: exact binomial sums, and games played with a fixed seed."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.special import betainc

from studio.answer.votes.verdict import SURE, Tally, evidence, tally_of, verdict_of, votes_to_go, win_interval
from studio.answer.votes.words import apart, headline, how_sure
from tests.answer.votes.casting import BASE, TUNED, cast

TITLES = ("base", "tuned")
PEEKS = 200  # votes, with a look after each


def test_the_interval_of_the_issues_example():
    low, high = win_interval(17, 23)
    assert headline(verdict_of(Tally((6, 17))), TITLES) == "tuned wins 17 to 6, 95 % interval 54–88 %"
    assert [betainc(17.5, 6.5, end) for end in (low, high)] == pytest.approx([0.025, 0.975])
    assert win_interval(0, 4)[0] == 0
    assert win_interval(4, 4)[1] == 1
    assert win_interval(6, 23) == pytest.approx((1 - high, 1 - low)), "the loser's interval is the winner's, mirrored"


@pytest.mark.parametrize("number", [10, 23, 60])
def test_the_interval_covers_the_truth_as_often_as_it_says(number):
    """Exact coverage: the binomial probabilities of all outcomes whose interval holds the true share."""
    shares = np.linspace(0.1, 0.9, 161)
    ends = [win_interval(wins, number) for wins in range(number + 1)]
    coverage = sum(
        comb(number, wins) * shares**wins * (1 - shares) ** (number - wins) * ((low <= shares) & (shares <= high))
        for wins, (low, high) in enumerate(ends)
    )
    assert coverage.mean() == pytest.approx(0.95, abs=0.006)
    assert coverage.min() > 0.86  # it dips near shares of 0.1 and 0.9, as the paper says


@pytest.mark.parametrize("truth", [0.5, 0.74])
def test_the_interval_in_games_played(truth):
    wins = np.random.default_rng(7).binomial(40, truth, 4000)
    ends = np.array([win_interval(each, 40) for each in range(41)])[wins]
    held = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()
    assert held == pytest.approx(0.95, abs=0.02)


def _first_sure(truth: float, games: int, seed: int) -> np.ndarray:
    """After how many votes each game was sure, looking after each; PEEKS + 1 where it never was."""
    sure = np.array([[evidence(w, n) >= SURE if w <= n else False for w in range(PEEKS + 1)] for n in range(PEEKS + 1)])
    wins = (np.random.default_rng(seed).random((games, PEEKS)) < truth).cumsum(axis=1)
    found = sure[np.arange(1, PEEKS + 1), wins]
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1, PEEKS + 1)


def test_false_alarms_stay_rare_though_one_looks_after_each_vote():
    """By all paths, exactly; and in games. The interval read the same way would cry wolf far more often."""
    alive, alarmed = np.array([1.0]), 0.0
    for number in range(1, PEEKS + 1):
        alive = 0.5 * (np.append(alive, 0) + np.append(0, alive))
        sure = np.array([evidence(wins, number) >= SURE for wins in range(number + 1)])
        alarmed += alive[sure].sum()
        alive[sure] = 0
    assert 0.01 < alarmed <= 0.05
    in_games = (_first_sure(0.5, 4000, seed=11) <= PEEKS).mean()
    assert in_games == pytest.approx(alarmed, abs=0.01)
    wins = (np.random.default_rng(11).random((500, PEEKS)) < 0.5).cumsum(axis=1)
    ends = {(n, w): win_interval(w, n) for n in range(10, PEEKS + 1, 5) for w in set(wins[:, n - 1].tolist())}
    naive = [
        any(not ends[n, w][0] <= 0.5 <= ends[n, w][1] for n in range(10, PEEKS + 1, 5) for w in [int(game[n - 1])])
        for game in wins
    ]
    assert np.mean(naive) > 0.15


def test_a_real_difference_is_found():
    found = _first_sure(0.75, 2000, seed=3)
    assert (found <= PEEKS).mean() > 0.99
    assert 20 < np.median(found) < 60


def test_the_evidence_is_the_integral_it_says():
    shares = (np.arange(200_000) + 0.5) / 200_000
    assert evidence(17, 23) == pytest.approx(float((shares**17 * (1 - shares) ** 6).mean() * 2**23), rel=1e-6)
    assert evidence(0, 0) == 1
    fair = sum(comb(30, wins) * evidence(wins, 30) for wins in range(31)) / 2**30
    assert fair == pytest.approx(1), "a martingale: while neither is better it is 1 on average"
    assert evidence(100_000, 100_000) > 1e300


def test_how_many_votes_it_may_still_take():
    assert votes_to_go(8, 8) == 0
    assert votes_to_go(2, 2) == 6
    more = votes_to_go(17, 23)
    assert more is not None
    share = 17 / 23
    assert evidence(17 + share * more, 23 + more) >= SURE > evidence(17 + share * (more - 1), 23 + more - 1)
    assert votes_to_go(10, 20) is None
    assert votes_to_go(0, 0) is None


def test_votes_count_for_a_voice_whichever_was_shown_first():
    votes = [cast("first"), cast("first", turned=True), cast("second"), cast("tie"), cast("same"), cast("bad")]
    other = cast("first", voices=(TUNED, TUNED.model_copy(update={"strength": 0.5})))
    tally = tally_of([*votes, other], (BASE, TUNED))
    assert tally == Tally((1, 2), ties=2, same=1, bad=1)
    assert tally_of(votes, (TUNED, BASE)).wins == (2, 1)
    assert apart(tally) == "2 ties (1 of them word for word the same), 1 both bad"
    assert apart(Tally()) == ""


@pytest.mark.parametrize(
    ("wins", "state", "head", "words"),
    [
        ((0, 0), "none", "No clear votes yet", "Eight of them can be enough"),
        ((1, 0), "open", "base wins 1 to 0", "about 7 more clear votes will do"),
        ((3, 3), "open", "Level, 3 to 3, 95 % interval", "the two are level"),
        ((11, 10), "open", "base wins 11 to 10", "more than 200 further votes"),
        ((6, 34), "sure", "tuned wins 34 to 6", "Sure enough to stop"),
        ((31, 29), "close", "base wins 31 to 29", "Too close to call after 60 clear votes"),
        ((30, 30), "close", "Level", "Too close to call"),
    ],
)
def test_each_state_says_what_to_do(wins, state, head, words):
    verdict = verdict_of(Tally(wins))
    assert verdict.state == state
    assert headline(verdict, TITLES).startswith(head)
    assert words in how_sure(verdict)
