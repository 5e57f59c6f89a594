"""What a person writes to try is read as meant, and written back the same."""

from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.recipe.recipe import Recipe
from studio.run.search.plan import Dimension, dimension_of, searchable, usual_dimension, written


@pytest.mark.parametrize(
    ("option", "text", "dimension"),
    [
        ("training.learning_rate", "1e-4..1e-2", {"low": 1e-4, "high": 1e-2, "log": True}),
        ("training.learning_rate", "1e-4, 3e-4", {"choices": (1e-4, 3e-4)}),
        ("method.rank", "4,8, 16", {"choices": (4, 8, 16)}),
        ("method.rank", "4..64", {"low": 4, "high": 64, "log": True, "whole": True}),
        ("method.dropout", "0..0.2", {"low": 0, "high": 0.2}),
        ("training.schedule", "linear, cosine", {"choices": ("linear", "cosine")}),
        ("training.gradient_checkpointing", "true, false", {"choices": (True, False)}),
    ],
)
def test_what_is_written_is_meant(option, text, dimension):
    found = dimension_of(Recipe(), option, text)
    assert found == Dimension(option=option, **dimension)
    assert dimension_of(Recipe(), option, written(found)) == found


@pytest.mark.parametrize("text", ["", "1e-2..1e-4", "a..b", "1,,2", "0..1e-2"])
def test_what_means_nothing_is_refused_with_an_example(text):
    with pytest.raises(StudioError, match=r"1e-4\.\.1e-2"):
        dimension_of(Recipe(), "training.learning_rate", text)


def test_usual_ranges_can_be_written_and_read():
    for option in searchable(Recipe()):
        usual = usual_dimension(Recipe(), option)
        assert written(dimension_of(Recipe(), option, written(usual))) == written(usual)
