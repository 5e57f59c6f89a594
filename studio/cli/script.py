"""`script RECIPE|RUN`: the same training as a program of its own, with its rows, and nothing of the studio."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.train import add_changes, asked_recipe
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.home import Home
    from studio.recipe.recipe import Recipe
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("script", parents=[common], help="a recipe or a run as a plain TRL program with its rows")
    verb.add_argument("recipe", metavar="recipe|run", help="a YAML file, the name of a preset, or a run")
    add_changes(verb)
    verb.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="the folder to write the zip into")
    verb.set_defaults(verb=script)


def script(options: argparse.Namespace) -> int:
    """Write the zip and print its path."""
    from studio.home import open_home
    from studio.share.script_zip import zip_script

    home = open_home(options.home)
    path = zip_script(home, _asked(home, options), options.to)
    facts = {"path": str(path.resolve()), "bytes": path.stat().st_size}
    print(json.dumps(facts) if options.json else facts["path"])
    return 0


def _asked(home: Home, options: argparse.Namespace) -> Run | Recipe:
    """The run of that name, or the recipe with its changes. Raises StudioError where it is neither."""
    from studio.recipe.presets import presets
    from studio.run.directory import find_run

    name = options.recipe
    if Path(name).is_file() or name in {preset.name for preset in presets()}:
        return asked_recipe(options)
    changes = [name for name in ("model", "data", "held_out", "set") if getattr(options, name)]
    if changes:
        raise StudioError(
            f"You gave --{changes[0].replace('_', '-')} for a run, but a run is what it was. Name a recipe or a preset."
        )
    try:
        return find_run(home, name)
    except StudioError as error:
        raise StudioError(
            f"{name!r:.80} is no run, no preset and no recipe file. `python -m studio runs` lists the runs."
        ) from error
