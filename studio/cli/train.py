"""`train RECIPE`: queue it, wait for it, show progress; the run's folder is printed last."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.watch import add_launcher, launcher_of, see_through, warmed
from studio.errors import StudioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from studio.recipe.recipe import Recipe

LISTS = ("data.mends", "data.mix")
"""Options whose value is a list."""


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "train",
        parents=[common],
        help="tune a model",
        epilog=_options_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_recipe(verb)
    verb.add_argument("--no-start", action="store_true", help="make the run's folder, print it, and do not wait for it")
    verb.set_defaults(verb=train)


def add_recipe(verb: argparse.ArgumentParser) -> None:
    """Let a verb be told a recipe and where to train it."""
    verb.add_argument("recipe", help="a YAML file or the name of a preset")
    add_changes(verb)
    add_launcher(verb)


def add_changes(verb: argparse.ArgumentParser) -> None:
    """Let a verb change the recipe that it was told."""
    verb.add_argument("--model", help="base model: starter, owner/name on the Hub, a folder, or run:NAME")
    verb.add_argument(
        "--data", help="training file; the recipe's held-out file, columns, mends and mixed sets are then not used"
    )
    verb.add_argument("--held-out", help="file of held-out pairs")
    verb.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change an option (`train --help` lists them)"
    )


def train(options: argparse.Namespace) -> int:
    """Do the run that the options ask for; status 1 where it failed."""
    from studio.home import open_home
    from studio.run.submit import submit

    home, recipe = open_home(options.home), asked_recipe(options)
    if options.no_start:
        run = submit(home, recipe)
        print(json.dumps({"run": run.name, "folder": str(run.path)}) if options.json else run.path)
        return 0
    with warmed(launcher_of(options, home)) as launcher:  # its imports take as long as reading the rows
        return see_through(home, submit(home, recipe), options, launcher)


def named_recipe(name: str) -> Recipe:
    """The recipe in a YAML file, or the preset of that name. Raises StudioError where it is none."""
    from studio.recipe.presets import preset_named
    from studio.recipe.read import load_recipe

    path = Path(name)
    return load_recipe(path) if path.suffix or path.is_file() else preset_named(name).recipe


def asked_recipe(options: argparse.Namespace) -> Recipe:
    """The named file or preset with the changes asked for. Raises StudioError where it is none or they do not fit."""
    from studio.home import open_home
    from studio.recipe.read import changed
    from studio.run.merge import OF_RUN, base_named

    recipe = named_recipe(options.recipe)
    changes: dict[str, Any] = {}
    if options.model:
        result = options.model.startswith(OF_RUN)
        changes["model.id"] = base_named(open_home(options.home), options.model) if result else options.model
    if options.data:
        recipe = recipe.model_copy(update={"data": recipe.data.for_other_rows(options.data)})
    if options.held_out:
        changes["data.held_out_path"] = options.held_out
    return changed(recipe, changes | changes_of(options.set))


def changes_of(texts: Sequence[str]) -> dict[str, Any]:
    """What was given with --set, each as key=value. Raises StudioError where one is not."""
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise StudioError(f"You gave --set {text!r:.60}, but it has no =. Write --set training.epochs=3.")
        changes[key.strip()] = _value(key.strip(), value)
    return changes


def _value(key: str, text: str) -> Any:
    """A value as it was written; lists are written as JSON."""
    if key not in LISTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise StudioError(f"You gave --set {key}={text!r:.60}, but {key} is a list, written as JSON: [].") from None


def _options_text() -> str:
    """Every option with its default; those of methods and tasks with the names of those that have it."""
    from studio.data.part import DataPart
    from studio.recipe.methods.every import METHODS
    from studio.recipe.recipe import LaunchPart, LooksPart, ModelPart, TrainingPart
    from studio.recipe.tasks import TASKS

    kinds: list[tuple[str, Sequence[type[BaseModel]]]] = [("model", [ModelPart]), ("data", [DataPart])]
    kinds += [("task", TASKS), ("method", METHODS), ("training", [TrainingPart]), ("looks", [LooksPart])]
    kinds += [("launch", [LaunchPart])]
    lines = ["options of the recipe (for --set):"]
    for prefix, parts in kinds:
        if len(parts) > 1:
            names = ", ".join(map(_name, parts))
            lines.append(f"  {prefix}.name = {_name(parts[0])!r}  One of {names}.")
        lines += _lines_of(prefix, parts)
    return "\n".join(lines)


def _lines_of(prefix: str, parts: Sequence[type[BaseModel]]) -> list[str]:
    from studio.knob import knobs

    owners: dict[str, list[str]] = {}
    for part in parts:
        for knob in knobs(part):
            owners.setdefault(f"  {prefix}.{knob.name} = {knob.default!r}  {knob.help}", []).append(_name(part))
    every = len(parts)
    return [line if len(names) == every else f"{line} [{', '.join(names)}]" for line, names in owners.items()]


def _name(part: type[BaseModel]) -> str:
    return str(part.model_fields["name"].default) if "name" in part.model_fields else ""
