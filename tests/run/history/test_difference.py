from __future__ import annotations

from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.history.difference import differences


def test_only_what_differs_with_its_name_on_the_page():
    one = Recipe()
    other = changed(one, {"method.rank": 4, "training.learning_rate": 1e-3, "data.mapped.prompt_template": "{q}"})
    found = {each.key: (each.label, each.values) for each in differences([one, other])}
    assert found == {
        "data.mapped.prompt_template": ("Prompt template", ("", "{q}")),
        "method.rank": ("Rank", (one.method.rank, 4)),
        "training.learning_rate": ("Learning rate", (one.training.learning_rate, 1e-3)),
    }
    assert differences([one, one, one]) == []


def test_options_that_only_one_method_has_are_absent_in_the_other():
    full = changed(Recipe(), {"method.name": "full"})
    found = {each.key: each for each in differences([Recipe(), full, Recipe()])}
    assert (found["method.name"].label, found["method.name"].values) == ("Method", ("lora", "full", "lora"))
    assert found["method.rank"].values[1] is None
    parts = [key.partition(".")[0] for key in found]
    assert parts == sorted(parts, key=list(Recipe.model_fields).index)
