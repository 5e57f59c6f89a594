"""Reading a recipe: everything wrong with it is said at once, and no text can do harm."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.knob import knobs
from studio.recipe.methods.every import METHODS, method_named
from studio.recipe.methods.low_rank import Lora, QLora
from studio.recipe.read import LARGEST_RECIPE_BYTES, changed, load_recipe, read_recipe, recipe_of
from studio.recipe.recipe import Recipe, TrainingPart

NUMBERS = [
    *(("training", each) for each in knobs(TrainingPart) if each.kind in (int, float)),
    *(("data", each) for each in knobs(DataPart) if each.kind in (int, float)),
    *(("method", each) for each in knobs(Lora) if each.kind in (int, float)),
]
IDS = [f"{part}.{each.name}" for part, each in NUMBERS]


def refusals(call, *arguments) -> tuple[str, ...]:
    with pytest.raises(StudioError) as caught:
        call(*arguments)
    assert all(problem.strip() for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(("part", "each"), NUMBERS, ids=IDS)
def test_a_value_out_of_bounds_is_refused_with_the_bound(part, each):
    for value, bound in ((each.low - 1, each.low), (each.high + 1, each.high)):
        (words,) = refusals(changed, Recipe(), {f"{part}.{each.name}": value})
        assert f"You set {part}.{each.name} to {value!r}, but" in words
        assert f"{bound:g}" in words
        assert "Set it to" in words
    for value in (each.low, each.high):
        recipe = changed(Recipe(), {f"{part}.{each.name}": value})
        assert getattr(getattr(recipe, part), each.name) == value


@pytest.mark.parametrize(("part", "each"), NUMBERS, ids=IDS)
def test_what_is_no_number_is_refused(part, each):
    for value in (math.nan, math.inf, -math.inf, "much", "", None, [1], {"a": 1}, 10**5000):
        (words,) = refusals(changed, Recipe(), {f"{part}.{each.name}": value})
        assert f"{part}.{each.name}" in words


def test_all_problems_are_said_at_once():
    tree = {part: {each.name: each.high + 1 for p, each in NUMBERS if p == part} for part, _ in NUMBERS}
    tree["training"] |= {"precision": "float8", "speed": 9}
    found = refusals(recipe_of, tree)
    assert len(found) == len(NUMBERS) + 2
    for part, each in NUMBERS:
        assert sum(f"You set {part}.{each.name} " in words for words in found) == 1
    assert any("'auto', 'bfloat16', 'float16' or 'float32'" in words for words in found)
    assert any("training.speed, but the recipe has no such option" in words for words in found)


WITH_NUMBERS = [(kind, each) for kind in METHODS for each in knobs(kind) if each.kind in (int, float)]


@pytest.mark.parametrize(("method", "each"), WITH_NUMBERS, ids=[f"{m.__name__}.{k.name}" for m, k in WITH_NUMBERS])
def test_problems_of_a_method_name_the_key_as_it_is_written(method, each):
    (words,) = refusals(recipe_of, {"method": {"name": method().name, each.name: each.low - 1}})
    least = f"{each.low:g}"
    key = f"method.{each.name}"
    assert words.startswith(f"You set {key} to {each.low - 1!r}, but the smallest value is {least}. Set it to {least} ")


def test_an_unknown_method_is_answered_with_those_there_are():
    (words,) = refusals(changed, Recipe(), {"method.name": "magic"})
    assert "You set method.name to 'magic', but the methods are" in words
    for method in METHODS:
        assert repr(method().name) in words


def test_dotted_keys_change_what_they_name_and_nothing_else():
    recipe = changed(
        Recipe(), {"training.epochs": "7", "data.path": "a.csv", "training.gradient_checkpointing": "true"}
    )
    assert (recipe.training.epochs, recipe.data.path, recipe.training.gradient_checkpointing) == (7.0, "a.csv", True)
    back = changed(recipe, {"training.epochs": 3, "data.path": "", "training.gradient_checkpointing": False})
    assert back == Recipe()


@pytest.mark.parametrize(
    "dotted",
    [
        {"": 1},
        {".": 1},
        {"epochs": 1},
        {"training": "fast"},
        {"training.": 1},
        {"training.epochs.of": 1},
        {"method": "qlora"},
        {"method": {"name": ["lora"]}},
        {"method.name": None},
        {"method.name.x": "lora"},
        {"training.epochs": "3 epochs"},
    ],
)
def test_a_key_that_names_nothing_is_answered_in_words(dotted):
    assert "You set" in refusals(changed, Recipe(), dotted)[0]


def test_a_new_method_keeps_the_options_that_both_have():
    small = changed(Recipe(), {"method.rank": 4, "method.dropout": 0.1})
    quantized = changed(small, {"method.name": "qlora", "method.quant_type": "fp4"})
    assert quantized.method == QLora(rank=4, dropout=0.1, quant_type="fp4")
    assert changed(quantized, {"method.name": "lora"}).method == Lora(rank=4, dropout=0.1)


def test_a_new_method_begins_with_its_own_values():
    """What was not altered, or means something else there, is not carried over."""
    assert changed(Recipe(), {"method.name": "rslora"}).method == method_named("rslora")()
    wide = changed(Recipe(), {"method.rank": 200, "method.alpha": 400})
    for name in ("vera", "adalora"):
        assert changed(wide, {"method.name": name}).method.rank == method_named(name)().rank


@pytest.mark.parametrize("old", METHODS)
@pytest.mark.parametrize("new", METHODS)
def test_any_method_can_follow_any_other(old, new):
    highest = {f"method.{each.name}": each.high for each in knobs(old) if each.kind in (int, float)}
    recipe = changed(Recipe(), {"method.name": old().name, **highest})
    assert changed(recipe, {"method.name": new().name}).method.name == new().name


def test_a_recipe_needs_no_more_than_what_differs():
    assert read_recipe("{}") == Recipe()
    assert read_recipe("method: {rank: 4}").method == Lora(rank=4)
    assert read_recipe("training: {learning_rate: 1e-3}").training.learning_rate == 1e-3


@pytest.mark.parametrize("text", ["", "null", "3", "- a\n- b", "just words", "!!set {a}"])
def test_other_yaml_is_no_recipe(text):
    (words,) = refusals(read_recipe, text)
    assert "model, data, task, method, training, looks and launch" in words or "You set" in words


def test_a_mistake_in_the_yaml_is_named_by_its_line():
    assert "not YAML at line 3" in refusals(read_recipe, "model:\n  id: starter\n training: [\n")[0]


BILLION_LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        BILLION_LAUGHS,
        "model: &m {id: starter}\ndata: *m",
        "model: &m [*m]",
        "training: {epochs: " + "[" * 50_000 + "}",
        "{a: " * 900 + "1" + "}" * 900,
        "x" * (LARGEST_RECIPE_BYTES + 1),
        "model: !!python/object/apply:os.system ['true']",
        "model: !!python/name:os.system",
        "method: {rank: " + "9" * 5000 + "}",
        "method: {rank: 0x" + "f" * 5000 + "}",
        "training: {seed: 2024-99-99}",
        "training: {seed: !!timestamp soon}",
        "training: {seed: !!int many}",
        "training: {seed: !!bool perhaps}",
        "training: {seed: !!float 1..2}",
        "training: {seed: !!binary '!'}",
        "? [a, b]\n: c",
        "{1: 2, null: 3, true: 4}",
        "model: {id: \x00}",
        "<<: 3",
        "%YAML 9.9\n---\nmodel: {}",
    ],
    ids=lambda text: text[:24],
)
def test_no_text_can_do_harm(text):
    began = time.process_time()
    refusals(read_recipe, text)
    assert time.process_time() - began < 10


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="am:{}[]-&*!?|>'\"%@`#,. \n\t0123e=<~", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_recipe_or_answered_in_words(text):
    try:
        recipe = read_recipe(text)
    except StudioError:
        return
    assert isinstance(recipe, Recipe)


def test_a_file_that_is_missing_a_folder_or_no_text_is_answered_in_words(tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "binary.yaml"):
        assert str(path) in refusals(load_recipe, path)[0]
    good = tmp_path / "good.yaml"
    good.write_text(Recipe().to_yaml(), "utf-8")
    assert load_recipe(good) == Recipe()
