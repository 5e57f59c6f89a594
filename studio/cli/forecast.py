"""`forecast RECIPE`: memory and time before anything is loaded; with --rehearse two real steps on the longest rows."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.train import add_changes, asked_recipe

if TYPE_CHECKING:
    from studio.home import Home
    from studio.recipe.recipe import Recipe
    from studio.run.study.wire import Doing


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("forecast", parents=[common], help="memory and time of a recipe before it is trained")
    verb.add_argument("recipe", help="a YAML file or the name of a preset")
    add_changes(verb)
    verb.add_argument(
        "--rehearse", action="store_true", help="do two real steps on the longest rows as well: true peak and speed"
    )
    verb.set_defaults(verb=forecast)


def forecast(options: argparse.Namespace) -> int:
    """Print what the recipe will cost."""
    from studio.home import open_home

    home, recipe = open_home(options.home), asked_recipe(options)
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is not the answer
        facts = _forecast(recipe, home)
        if options.rehearse:
            facts["rehearsal"] = _rehearsal(recipe, home)
    print(json.dumps(facts) if options.json else _in_words(facts))
    return 0


def _forecast(recipe: Recipe, home: Home) -> dict[str, Any]:
    from studio.recipe.models import fetch_tokenizer, locate
    from studio.run.forecast.machine import machine
    from studio.run.forecast.make import forecast as make
    from studio.run.forecast.rows import count_rows
    from studio.run.forecast.start import start_bytes

    folder = fetch_tokenizer(locate(recipe.model.id))
    rows = count_rows(recipe, home, folder)
    told = make(recipe, folder, rows, machine(home, lambda: start_bytes(home)))
    return told.model_dump() | {"fits": told.fits, "rows": rows.rows if rows else None}


def _rehearsal(recipe: Recipe, home: Home) -> dict[str, Any]:
    from studio.run.rehearsal.child import rehearse

    log: Path = home.root / "forecast.log"
    return rehearse(recipe, home, _tell, lambda: False, log).model_dump(exclude={"id", "kind"})


def _tell(doing: Doing) -> None:
    print(f"{doing.what} ...", file=sys.stderr, flush=True)


def _in_words(facts: dict[str, Any]) -> str:
    gigabytes = {part: f"{size / 1e9:.3f} GB" for part, size in facts["parts"].items()}
    lines = [
        f"Peak memory {facts['memory_bytes'] / 1e9:.2f} GB of {facts['capacity_bytes'] / 1e9:.1f} GB "
        f"({facts['device']}), {facts['moment']}; measured peaks lay within {100 * facts['error']:.0f} %",
        "It fits." if facts["fits"] else "It does not fit: lower the batch size or the longest row.",
        *(f"  {part}: {size}" for part, size in gigabytes.items()),
        f"{facts['steps']} steps, {facts['step_seconds']:.2f} s each: {facts['seconds'] / 60:.1f} minutes "
        f"({facts['seconds_low'] / 60:.1f} to {facts['seconds_high'] / 60:.1f})",
        f"Trains {facts['trainable_parameters']:,} of {facts['parameters']:,} weights; stores "
        f"{facts['stored_bytes'] / 1e6:.2f} MB",
        *facts["assumed"],
    ]
    if rehearsed := facts.get("rehearsal"):
        lines.append(
            f"Rehearsed: peak {rehearsed['peak_bytes'] / 1e9:.2f} GB, {rehearsed['step_seconds']:.2f} s a step with "
            f"{rehearsed['batch']} rows of {rehearsed['longest']} tokens; largest safe batch "
            f"{rehearsed['largest_batch']}"
        )
    return "\n".join(lines)
