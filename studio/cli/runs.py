"""`runs`, `stop RUN`, `resume RUN`: every run with its computed status, ending one, and going on with it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from studio.cli.watch import add_launcher, see_through
from studio.errors import StudioError
from studio.run.wish import Wish

if TYPE_CHECKING:
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    listing = verbs.add_parser("runs", parents=[common], help="every run and how it stands")
    listing.set_defaults(verb=runs)
    stopping = verbs.add_parser("stop", parents=[common], help="end a run at its next step and keep the result")
    stopping.add_argument("run")
    stopping.set_defaults(verb=stop)
    resuming = verbs.add_parser("resume", parents=[common], help="go on with a run that was stopped or broke off")
    resuming.add_argument("run")
    add_launcher(resuming)
    resuming.set_defaults(verb=resume)


def runs(options: argparse.Namespace) -> int:
    """Print every run, oldest first."""
    from studio.home import open_home
    from studio.run.directory import list_runs

    facts = [_facts(run) for run in list_runs(open_home(options.home))]
    if options.json:
        print(json.dumps(facts))
    elif not facts:
        print("There is no run yet. Start one: python -m studio train starter")
    for fact in [] if options.json else facts:
        steps = f"{fact['step']}/{fact['steps']}"
        print(f"{fact['run']:36} {fact['status']:9} {steps:>13} {fact['method']:16} {fact['task']:28} {fact['base']}")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ask a run to end at its next step."""
    from studio.home import open_home
    from studio.run.directory import find_run

    run = find_run(open_home(options.home), options.run)
    if not run.status().over:
        run.ask(Wish.STOP)
    status = run.status().value
    print(json.dumps({"run": run.name, "status": status}) if options.json else f"{run.name}: {status}")
    return 0


def resume(options: argparse.Namespace) -> int:
    """Go on from the newest checkpoint; status 1 where the run then failed."""
    from studio.home import open_home
    from studio.run import resume as resuming
    from studio.run.directory import find_run

    home = open_home(options.home)
    run = find_run(home, options.run)
    _, seen = run.events()
    step = resuming.resume(run)
    print(f"{run.name} goes on from step {step}.", file=sys.stderr)
    return see_through(home, run, options, seen)


def _facts(run: Run) -> dict[str, Any]:
    from studio.run.events import that_count

    events = that_count(run.events()[0])
    return {
        "run": run.name,
        "status": run.status().value,
        "step": max((event.step for event in events), default=0),
        "steps": next((event.steps for event in reversed(events) if event.kind == "started"), 0),
        **_asked(run),
        "folder": str(run.path),
    }


def _asked(run: Run) -> dict[str, str]:
    """Base, method and task; question marks where the recipe was damaged, so that the other runs are still listed."""
    try:
        recipe = run.recipe
    except StudioError:
        return dict.fromkeys(("base", "method", "task"), "?")
    return {"base": recipe.model.id, "method": recipe.method.name, "task": recipe.task.name}
