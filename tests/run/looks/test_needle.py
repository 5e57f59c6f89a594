"""When the needle says that a model has begun to forget, and when it does not."""

from __future__ import annotations

import random

import pytest
from scipy.stats import binom

from studio.run.events import Look, Resumed, Warned
from studio.run.looks.needle import LEVEL, TOLERATED, needle_of

ALL = {"fact": "1" * 10, "sum": "1" * 10, "format": "1" * 10, "text": "1" * 10}


def after(step: int, **lost: int) -> Look:
    return Look(step=step, right={name: "0" * lost.get(name, 0) + "1" * (10 - lost.get(name, 0)) for name in ALL})


def test_it_says_what_was_lost_since_when_and_how_much_by_now():
    needle = needle_of([Look(right=ALL), after(10, sum=2), after(20, sum=9, fact=1), after(30, sum=10, fact=8)])
    assert needle is not None
    assert (needle.begun, needle.still) == (20, True)
    assert (needle.known, needle.lost) == (40, 18)
    assert needle.families[0].name == "sum"
    assert "at step 20 it had lost sums (9 of 10) of what" in needle.words
    assert "facts" not in needle.words, "one of ten is no more than chance"
    assert "22 of 40" in needle.words


def test_what_came_back_is_said_too():
    needle = needle_of([Look(right=ALL), after(10, sum=9), after(20)])
    assert needle is not None
    assert (needle.begun, needle.still) == (10, False)
    assert "came back" in needle.words
    assert "40 of 40 are right again" in needle.words


@pytest.mark.parametrize("lost", [{}, {"sum": 1}, {"sum": 3, "fact": 2}, {"fact": 2, "sum": 2, "format": 2, "text": 2}])
def test_a_few_lost_are_no_forgetting(lost):
    needle = needle_of([Look(right=ALL), after(10, **lost)])
    assert needle is not None
    assert needle.begun is None
    assert f"{40 - sum(lost.values())} of 40" in needle.words


def test_what_was_right_by_a_hair_cannot_be_forgotten():
    first = Look(right={"sum": "1" * 20}, sure={"sum": "1" * 8 + "0" * 12})
    by_a_hair = needle_of([first, Look(step=5, right={"sum": "1" * 8 + "0" * 12})])
    assert (by_a_hair.begun, by_a_hair.known, by_a_hair.lost) == (None, 8, 0)
    assert needle_of([first, Look(step=5, right={"sum": "0" * 20})]).begun == 5


def test_what_the_base_had_wrong_cannot_be_forgotten():
    first = Look(right={"sum": "0" * 38 + "11"})
    assert needle_of([first, Look(step=5, right={"sum": "0" * 38 + "11"})]).begun is None
    assert needle_of([first, Look(step=5, right={"sum": "1" * 38 + "11"})]).lost == 0


def test_nothing_known_or_one_look_only_is_no_needle():
    assert needle_of([]) is None
    assert needle_of([Look(right=ALL)]) is None
    assert needle_of([Look(right={"sum": "000"}), Look(step=3, right={"sum": "000"})]) is None
    assert needle_of([Look(texts={"p1": "Hello"}), Look(step=3, texts={"p1": "Ho"})]) is None


def test_looks_that_were_taken_back_do_not_count():
    events = [Look(right=ALL), after(20, sum=10), Resumed(step=10), after(20, sum=1)]
    assert needle_of(events).begun is None
    assert needle_of([*events, Warned(message="else")]).lost == 1


def test_the_rule_is_the_exact_binomial_test():
    """The fewest lost of one family that trip it are those that scipy's tail says; so are those of all."""
    alone = next(k for k in range(1, 11) if binom.sf(k - 1, 10, TOLERATED) < LEVEL / len(ALL))
    assert needle_of([Look(right=ALL), after(1, sum=alone)]).begun == 1
    assert needle_of([Look(right=ALL), after(1, sum=alone - 1)]).begun is None
    together = next(k for k in range(1, 41) if binom.sf(k - 1, 40, TOLERATED) < LEVEL)
    each = [together // 4 + (place < together % 4) for place in range(4)]
    assert max(each) < alone
    assert needle_of([Look(right=ALL), after(1, **dict(zip(ALL, each, strict=True)))]).begun == 1


def test_noise_seldom_trips_it():
    """Of 400 looks at a model that loses each probe with a chance of 5 %, at most 1 in 100 trips."""
    chance = random.Random(1)

    def noisy() -> Look:
        return Look(
            step=1, right={name: "".join("01"[chance.random() > 0.05] for _ in right) for name, right in ALL.items()}
        )

    tripped = sum(needle_of([Look(right=ALL), noisy()]).begun is not None for _ in range(400))
    assert tripped <= 4
