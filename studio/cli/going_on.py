"""`resume`, `branch`, `extend`: going on from what a run has learned, in it or in a new one."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from studio.cli.train import changes_of
from studio.cli.watch import add_launcher, see_through

if TYPE_CHECKING:
    from studio.home import Home
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    resuming = _verb(verbs, common, "resume", "go on with a run that was stopped or paused, or broke off")
    resuming.set_defaults(verb=resume)
    branching = _verb(verbs, common, "branch", "a new run that goes on from a checkpoint of another one")
    branching.add_argument("--step", type=int, help="of which step; else the newest checkpoint")
    branching.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="what is otherwise in it")
    branching.set_defaults(verb=branch)
    extending = _verb(verbs, common, "extend", "go on with a run that is over, as a new one, for more epochs")
    extending.add_argument("--epochs", type=float, required=True, help="how many more")
    extending.set_defaults(verb=extend)
    for making in (branching, extending):
        making.add_argument("--no-start", action="store_true", help="only put it into the queue of an open studio")


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
    return see_through(home, run, options, cursor=seen)


def branch(options: argparse.Namespace) -> int:
    """Make a run that goes on from a checkpoint with changes, and see it through."""
    from studio.home import open_home
    from studio.run import branch as branching
    from studio.run.directory import find_run, step_of

    home = open_home(options.home)
    run = find_run(home, options.run)
    newest = max((step_of(path) for path in run.checkpoints()), default=0)
    step = newest if options.step is None else options.step
    return _begin(home, branching.branch(home, run, step, changes_of(options.set)), options)


def extend(options: argparse.Namespace) -> int:
    """Make a run that goes on for more epochs, and see it through."""
    from studio.home import open_home
    from studio.run import branch as branching
    from studio.run.directory import find_run

    home = open_home(options.home)
    return _begin(home, branching.extend(home, find_run(home, options.run), options.epochs), options)


def _verb(verbs: Any, common: argparse.ArgumentParser, name: str, help_text: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, parents=[common], help=help_text)
    verb.add_argument("run")
    add_launcher(verb)
    return verb


def _begin(home: Home, run: Run, options: argparse.Namespace) -> int:
    if options.no_start:
        print(json.dumps({"run": run.name, "folder": str(run.path)}) if options.json else run.path)
        return 0
    return see_through(home, run, options)
