"""`search RECIPE`: try several settings, each a run of its own, and say which was best."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from studio.cli.train import add_recipe, asked_recipe
from studio.cli.watch import launcher_of
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.home import Home
    from studio.recipe.recipe import Recipe
    from studio.run.search.plan import Dimension
    from studio.run.search.search import Search, Trial

TICK = 0.5  # seconds between looks


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("search", parents=[common], help="try several settings and keep the best")
    add_recipe(verb)
    verb.add_argument(
        "--over",
        action="append",
        required=True,
        metavar="KEY=VALUES",
        help="an option and what to try: training.learning_rate=1e-4..1e-2 (a range), method.rank=4,8,16 (choices)",
    )
    verb.add_argument("--how", choices=("grid", "random", "tpe"), default="tpe", help="grid, random, or Optuna's TPE")
    verb.add_argument("--trials", type=int, default=8, help="runs at most")
    verb.add_argument("--keep-hopeless", action="store_true", help="let every run finish, however bad it is")
    verb.add_argument("--seed", type=int, default=0, help="of what is drawn by chance")
    verb.set_defaults(verb=search)


def search(options: argparse.Namespace) -> int:
    """Do the search, and print its runs; the best first."""
    from studio.home import open_home
    from studio.run.search.plan import SearchPlan
    from studio.run.search.search import begin_search

    home, recipe = open_home(options.home), asked_recipe(options)
    over = tuple(_dimension(recipe, text) for text in options.over)
    try:
        plan = SearchPlan(
            how=options.how, trials=options.trials, prune=not options.keep_hopeless, seed=options.seed, over=over
        )
    except ValueError as error:
        raise StudioError(f"This search cannot be done: {error!s:.300}") from None
    begun = begin_search(home, recipe, plan)
    with contextlib.redirect_stdout(sys.stderr):
        trials = _wait(home, begun, options)
    return _say(begun, trials, options.json)


def _dimension(recipe: Recipe, text: str) -> Dimension:
    from studio.run.search.plan import dimension_of

    option, equals, values = text.partition("=")
    if not equals:
        raise StudioError(f"You gave --over {text!r:.60}. Write --over training.learning_rate=1e-4..1e-2.")
    return dimension_of(recipe, option.strip(), values)


def _wait(home: Home, begun: Search, options: argparse.Namespace) -> list[Trial]:
    """Do the search here, unless an open studio does."""
    from studio.run.queue import Queue
    from studio.run.search.conductor import Conductor
    from studio.run.search.search import SearchStatus

    queue = Queue(home, launcher_of(options, home), spare=False)
    conductor = Conductor(home, queue.in_charge, queue.poke)
    queue.start()
    conductor.start()
    told: dict[str, str] = {}
    try:
        while True:
            try:
                trials = begun.trials(home)
                _report(trials, told)
                if begun.status(trials) is SearchStatus.OVER:
                    return trials
                time.sleep(TICK)
            except KeyboardInterrupt:
                begun.ask_to_stop()
                print("Ending the search: the run under way ends at its next step.", file=sys.stderr)
    finally:
        conductor.close()
        queue.close()


def _report(trials: list[Trial], told: dict[str, str]) -> None:
    """Print what is new to standard error."""
    for trial in trials:
        now = "given up" if trial.given_up and trial.status.over else trial.status.value
        if told.get(trial.run.name) != now:
            told[trial.run.name] = now
            loss = f"  held-out loss {trial.best:.4f}" if trial.status.over else ""
            print(f"  run {trial.number + 1} {now}: {_settings(trial)}{loss}", file=sys.stderr, flush=True)


def _settings(trial: Trial) -> str:
    return ", ".join(f"{name.partition('.')[2]} {value}" for name, value in trial.changes.items())


def _say(begun: Search, trials: list[Trial], as_json: bool) -> int:
    ranked = sorted(trials, key=lambda trial: trial.best)
    if as_json:
        facts = [
            {"run": trial.run.name, "changes": trial.changes, "held_out_loss": trial.best, "status": trial.status.value,
             "given_up": trial.given_up}
            for trial in ranked
        ]  # fmt: skip
        print(json.dumps({"search": begun.name, "folder": str(begun.path), "trials": facts}))
    else:
        for trial in ranked:
            print(
                f"{trial.run.name:36} {trial.best:8.4f}  {_settings(trial)}{'  (given up)' if trial.given_up else ''}"
            )
    error = begun.path / "error"
    if error.is_file():
        raise StudioError(error.read_text("utf-8"))
    if not ranked:
        raise StudioError("The search made no run.")
    return 0
