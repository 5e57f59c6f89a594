"""What is tried next: all of a grid, what was drawn the same way each time, and more of what did well."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from studio.run.directory import Run, Status
from studio.run.search.plan import Dimension, SearchPlan
from studio.run.search.propose import hopeless, next_changes
from studio.run.search.search import Trial

RATE = Dimension(option="training.learning_rate", low=1e-4, high=1e-2, log=True)
RANK = Dimension(option="method.rank", choices=(4, 8, 16))


def trial(number: int, changes: dict, losses: tuple[float, ...], status: Status = Status.FINISHED, given_up=False):
    return Trial(Run(Path(f"run{number}")), number, changes, status, losses, given_up)


def all_of(plan: SearchPlan, loss=lambda changes: 1.0) -> list[Trial]:
    """The trials of a whole search whose runs have the loss that their changes give."""
    trials: list[Trial] = []
    while (changes := next_changes(plan, trials)) is not None:
        trials.append(trial(len(trials), changes, (9.0, loss(changes))))
        assert len(trials) <= plan.trials
    return trials


def test_a_grid_tries_every_combination_once_and_then_ends():
    plan = SearchPlan(how="grid", trials=50, over=(Dimension(option="a", choices=(1, 2)), RANK))
    tried = [tuple(each.changes.values()) for each in all_of(plan)]
    assert sorted(tried) == [(a, rank) for a in (1, 2) for rank in (4, 8, 16)]
    assert len(all_of(plan.model_copy(update={"trials": 4}))) == 4


@pytest.mark.parametrize("how", ["random", "tpe"])
def test_what_is_drawn_is_within_the_ranges_and_repeats_with_its_seed(how):
    plan = SearchPlan(how=how, trials=8, over=(RATE, RANK))
    first, again, other = (
        [each.changes for each in all_of(each)] for each in (plan, plan, plan.model_copy(update={"seed": 1}))
    )
    assert first == again != other
    assert len({str(changes) for changes in first}) > 4
    for changes in first:
        assert 1e-4 <= changes["training.learning_rate"] <= 1e-2
        assert changes["method.rank"] in (4, 8, 16)
        assert type(changes["method.rank"]) is int


def test_tpe_looks_where_it_was_good():
    """The loss is lowest at 3e-3: later runs lie nearer to it than random ones do."""

    def loss(changes):
        return (math.log10(changes["training.learning_rate"]) + 2.523) ** 2

    def late_distance(how):
        found = []
        for seed in range(4):
            trials = all_of(SearchPlan(how=how, trials=20, over=(RATE,), seed=seed), loss)
            found += [loss(each.changes) for each in trials[12:]]
        return sum(found)

    assert late_distance("tpe") < 0.5 * late_distance("random")


def test_a_run_that_failed_teaches_nothing_and_stops_nothing():
    plan = SearchPlan(trials=4, over=(RATE,))
    trials = [trial(0, {"training.learning_rate": 1e-3}, (), Status.FAILED)]
    assert next_changes(plan, trials) is not None


DONE = [trial(n, {"training.learning_rate": 1e-3}, (3.0, 2.0, 1.5, 1.0 + n / 10)) for n in range(3)]


@pytest.mark.parametrize(
    ("losses", "given_up"),
    [((3.0, 2.9, 2.9), True), ((3.0, 2.9), False), ((3.0, 2.9, 2.9, 2.9), True), ((3.0, 1.9, 1.4, 1.0), False),
     ((3.0,), False), ((), False)],
)  # fmt: skip
def test_only_a_run_worse_than_most_at_its_check_is_hopeless(losses, given_up):
    running = trial(3, {"training.learning_rate": 1e-4}, losses, Status.RUNNING)
    plan = SearchPlan(over=(RATE,))
    found = hopeless(plan, [*DONE, running])
    assert found == ([running] if given_up else [])
    assert hopeless(plan.model_copy(update={"prune": False}), [*DONE, running]) == []
    assert hopeless(plan, [*DONE[:2], running]) == []
