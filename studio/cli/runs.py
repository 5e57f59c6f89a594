"""`runs`, `stop RUN`: every run with its computed status, and the wish to end one."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    listing = verbs.add_parser("runs", parents=[common], help="every run and how it stands")
    listing.set_defaults(verb=runs)
    stopping = verbs.add_parser("stop", parents=[common], help="end a run at its next step and keep the result")
    stopping.add_argument("run")
    stopping.set_defaults(verb=stop)


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
        print(f"{fact['run']:36} {fact['status']:9} {steps:>13} {fact['method']:6} {fact['base']}")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ask a run to end at its next step."""
    from studio.home import open_home
    from studio.run.directory import find_run

    run = find_run(open_home(options.home), options.run)
    if not run.status().over:
        run.ask_to_stop()
    status = run.status().value
    print(json.dumps({"run": run.name, "status": status}) if options.json else f"{run.name}: {status}")
    return 0


def _facts(run: Run) -> dict[str, Any]:
    events, _ = run.events()
    base, method = _asked(run)
    return {
        "run": run.name,
        "status": run.status().value,
        "step": max((event.step for event in events), default=0),
        "steps": next((event.steps for event in events if event.kind == "started"), 0),
        "base": base,
        "method": method,
        "folder": str(run.path),
    }


def _asked(run: Run) -> tuple[str, str]:
    """Base model and method; question marks where the recipe was damaged, so that the other runs are still listed."""
    try:
        return run.recipe.model.id, run.recipe.method.name
    except StudioError:
        return "?", "?"
