"""Looks stay within their share of the time: the film strip shrinks first, then the look is left out."""

from __future__ import annotations

from studio.run.looks.budget import Budget


def test_a_look_happens_when_its_share_allows_it():
    budget = Budget(0.1, began=0.0)
    budget.looked(needle=0.2, film=0.8, part=1.0)
    assert budget.film_affordable(5.0) is None, "1 s was spent in 5"
    assert budget.film_affordable(12.0) == 0.0, "there is time for the needle alone"
    assert budget.film_affordable(14.0) == 0.25
    assert budget.film_affordable(20.0) == 1.0


def test_what_a_whole_frame_takes_is_worked_out_from_a_part():
    budget = Budget(0.1, began=0.0)
    budget.looked(needle=0.1, film=0.2, part=0.25)
    assert budget.film == 0.8
    budget.looked(needle=0.1, film=0.0, part=0.0)
    assert budget.film == 0.8, "no film, nothing learned of it"


def test_the_share_is_kept_whatever_looks_take():
    budget, now, training = Budget(0.05, began=0.0), 0.0, 0.0
    budget.looked(0.3, 0.7, 1.0)
    now += 1.0
    for _ in range(400):
        now, training = now + 0.5, training + 0.5
        if (part := budget.film_affordable(now)) is not None:
            budget.looked(0.3, 0.7 * part, part)
            now += 0.3 + 0.7 * part
    assert budget.spent <= 0.05 * now + 1e-9
    assert budget.spent > 0.03 * now, "and it is made use of"


def test_no_share_is_no_look():
    budget = Budget(0.0, began=0.0)
    budget.looked(0.1, 0.1, 1.0)
    assert budget.film_affordable(1e6) is None
