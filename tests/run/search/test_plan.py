"""A plan that makes no sense is refused with all that is wrong with it; one that does covers its range."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from studio.errors import StudioError
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.search.plan import Dimension, SearchPlan, checked, searchable, usual_dimension

RATE = Dimension(option="training.learning_rate", low=1e-4, high=1e-2, log=True)


def test_a_grid_covers_its_range_in_equal_ratios():
    values = Dimension(option="x", low=1e-4, high=1e-1, log=True, points=4).grid()
    assert values == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert Dimension(option="x", low=1, high=3, whole=True, points=9).grid() == [1, 2, 3]
    assert Dimension(option="x", choices=("a", "b")).grid() == ["a", "b"]


def test_choices_keep_their_kind():
    choices = (4, 8.5, True, "linear")
    assert [type(each) for each in Dimension(option="x", choices=choices).choices] == [int, float, bool, str]


@pytest.mark.parametrize("values", [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}, {}])
def test_a_range_that_is_none_is_refused(values):
    with pytest.raises(ValidationError):
        Dimension(option="training.learning_rate", **values)


def test_all_that_is_wrong_is_said_at_once():
    plan = SearchPlan(over=(RATE, RATE, Dimension(option="method.rank", choices=(4, 100_000)),
                            Dimension(option="training.seed", low=1, high=2)))  # fmt: skip
    with pytest.raises(StudioError) as refused:
        checked(plan, changed(Recipe(), {"training.evaluations": 0}))
    words = str(refused.value)
    for part in ("searched over twice", "held-out checks to 1", "method.rank to 100000", "training.seed"):
        assert part in words
    with pytest.raises(StudioError, match="at least one option"):
        checked(SearchPlan(), Recipe())
    assert checked(SearchPlan(over=(RATE,)), Recipe()).over == (RATE,)


def test_every_option_has_a_usual_range_that_is_allowed():
    recipe = Recipe()
    for option in searchable(recipe):
        dimension = usual_dimension(recipe, option)
        assert len(dimension.grid()) > 1, option
        checked(SearchPlan(over=(dimension,)), recipe)
        for value in dimension.grid():
            changed(recipe, {option: value})
