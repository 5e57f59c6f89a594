"""`train RECIPE`: queue it, wait for it, show progress; the run's folder is printed last."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.watch import add_launcher, see_through
from studio.errors import StudioError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from studio.recipe.recipe import Recipe


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
    verb.set_defaults(verb=train)


def add_recipe(verb: argparse.ArgumentParser) -> None:
    """Let a verb be told a recipe and where to train it."""
    verb.add_argument("recipe", help="a YAML file or the name of a preset")
    verb.add_argument("--model", help="base model: starter, owner/name on the Hub, or a folder")
    verb.add_argument("--data", help="training file; the recipe's held-out file is then not used")
    verb.add_argument("--held-out", help="file of held-out pairs")
    verb.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change an option (`train --help` lists them)"
    )
    add_launcher(verb)


def train(options: argparse.Namespace) -> int:
    """Do the run that the options ask for; status 1 where it failed."""
    from studio.home import open_home
    from studio.run.submit import submit

    home = open_home(options.home)
    return see_through(home, submit(home, asked_recipe(options)), options)


def named_recipe(name: str) -> Recipe:
    """The recipe in a YAML file, or the preset of that name. Raises StudioError where it is none."""
    from studio.recipe.presets import preset_named
    from studio.recipe.read import load_recipe

    path = Path(name)
    return load_recipe(path) if path.suffix or path.is_file() else preset_named(name).recipe


def asked_recipe(options: argparse.Namespace) -> Recipe:
    """The named file or preset with the changes asked for. Raises StudioError where it is none or they do not fit."""
    from studio.recipe.read import changed

    recipe = named_recipe(options.recipe)
    changes: dict[str, Any] = {}
    if options.model:
        changes["model.id"] = options.model
    if options.data:
        changes |= {"data.path": options.data, "data.held_out_path": ""}
        changes |= {"data.prompt_column": "", "data.completion_column": ""}
    if options.held_out:
        changes["data.held_out_path"] = options.held_out
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise StudioError(f"You gave --set {text!r:.60}, but it has no =. Write --set training.epochs=3.")
        changes[key.strip()] = value.strip()
    return changed(recipe, changes)


def _options_text() -> str:
    from studio.data.part import DataPart
    from studio.knob import knobs
    from studio.recipe.methods.every import METHODS, name_of
    from studio.recipe.recipe import ModelPart, TrainingPart

    lines = ["options of the recipe (for --set):"]
    parts: list[tuple[str, type[BaseModel]]] = [("model", ModelPart), ("data", DataPart)]
    parts += [*(("method", method) for method in METHODS), ("training", TrainingPart)]
    for prefix, part in parts:
        for knob in knobs(part):
            key = f"  {prefix}.{knob.name}"
            if not any(line.startswith(f"{key} ") for line in lines):
                lines.append(f"{key} = {knob.default!r}  {knob.help}")
    names = ", ".join(name_of(method) for method in METHODS)
    return "\n".join([*lines, f"  method.name = 'lora'  One of {names}."])
