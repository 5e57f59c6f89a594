"""Reading a recipe from YAML, plain values or dotted keys: all that is wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from studio.errors import StudioError
from studio.knob import Knob, knobs
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import TASKS

LARGEST_RECIPE_BYTES = 1_000_000
_NAMES = {str(kind.model_fields["name"].default) for kind in (*METHODS, *TASKS)}


def changed(recipe: Recipe, dotted: Mapping[str, Any]) -> Recipe:
    """The recipe with some options changed, named by dotted keys such as `training.learning_rate`.

    A new `method.name` keeps those options that were altered and mean the same in the new one.

    Raises:
        StudioError: unknown keys or values out of bounds, all of them at once.
    """
    tree = recipe.model_dump()
    if "method.name" in dotted:
        tree["method"] = _kept_options(tree["method"], dotted["method.name"])
    if "task.name" in dotted:
        tree["task"] = {}  # tasks have no options in common
    for key, value in dotted.items():
        branch = tree
        *parents, leaf = key.split(".")
        for parent in parents:
            branch = branch.setdefault(parent, {})
            if not isinstance(branch, dict):
                raise StudioError(f"You set {key}, but {parent} is one value, not a part of the recipe.")
        branch[leaf] = value
    return recipe_of(tree)


def recipe_of(tree: Any) -> Recipe:
    """A checked recipe from plain values.

    Raises:
        StudioError: every unknown key and every value out of bounds, in one error.
    """
    if not isinstance(tree, dict):
        raise StudioError(
            "A recipe holds the parts model, data, task, method, training, looks and launch; this text holds "
            "something else."
        )
    tree = dict(tree)
    for part, usual in (("method", "lora"), ("task", "language-modeling")):
        if isinstance(tree.get(part), dict):
            tree[part] = {"name": usual} | tree[part]
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise StudioError(*(_in_words(problem) for problem in error.errors())) from None


def read_recipe(text: str) -> Recipe:
    """A checked recipe from YAML text.

    Raises:
        StudioError: not YAML (line named), too large, or not a recipe (all problems at once).
    """
    if len(text) > LARGEST_RECIPE_BYTES:
        raise StudioError("This file is over 1 MB; a recipe is about 1 kB of YAML. Choose a recipe file.")
    try:
        tree = yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError) as error:  # tags on wrong values
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise StudioError(f"This is not YAML{where}. Start from a preset or from a run's recipe.yaml.") from None
    return recipe_of(tree)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file. Raises StudioError where it is missing, unreadable or no recipe."""
    try:
        with path.open(encoding="utf-8") as file:
            return read_recipe(file.read(LARGEST_RECIPE_BYTES + 1))
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"The recipe {path} cannot be read ({type(error).__name__}). Name a YAML file.") from None


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a recipe needs none, and nested ones can grow a small file without bound."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not used in recipes")
        return super().compose_node(parent, index)


def _kept_options(method: Mapping[str, Any], name: Any) -> dict[str, Any]:
    """The options that were altered and mean the same in the newly named method: same label, bounds and choices."""
    old, new = (next((m for m in METHODS if name_of(m) == each), None) for each in (method["name"], name))
    if old is None or new is None:
        return {}
    altered = {knob.name: _meaning(knob) for knob in knobs(old) if method[knob.name] != knob.default}
    return {knob.name: method[knob.name] for knob in knobs(new) if altered.get(knob.name) == _meaning(knob)}


def _meaning(knob: Knob) -> tuple[Any, ...]:
    return knob.label, knob.kind, knob.choices, knob.low, knob.high, knob.unit


def _in_words(problem: Any) -> str:
    path = [str(step) for step in problem["loc"]]
    if path[:1] in (["method"], ["task"]) and len(path) > 1 and path[1] in _NAMES:
        del path[1]  # pydantic names the union's branch there
    key, value, limit = ".".join(path), _shown(problem["input"]), problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            return f"You set {key}, but the recipe has no such option. Remove it, or look for its name in a preset."
        case "greater_than_equal":
            least = f"{limit['ge']:g}"
            return f"You set {key} to {value}, but the smallest value is {least}. Set it to {least} or more."
        case "less_than_equal":
            most = f"{limit['le']:g}"
            return f"You set {key} to {value}, but the largest value is {most}. Set it to {most} or less."
        case "literal_error":
            return f"You set {key} to {value}, but it can only be one of {limit['expected']}. Choose one of them."
        case "union_tag_invalid":
            tag = _shown(limit["tag"])
            return f"You set {key}.name to {tag}, but the {key}s are {limit['expected_tags']}. Choose one of them."
        case _:
            return f"You set {key} to {value}, but that does not fit: {problem['msg'].lower()}."


def _shown(value: Any) -> str:
    try:
        return repr(value)[:60]
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "a number of thousands of digits"
