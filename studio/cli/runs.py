"""`runs`, `stop`, `pause`, `cancel`, `queue`: every run with its computed status, ending one, and the order of those
that wait."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.run.wish import Wish

if TYPE_CHECKING:
    from studio.home import Home
    from studio.run.directory import Run

ENDINGS = {
    Wish.STOP: "end a run at its next step and keep the result",
    Wish.PAUSE: "end a run at its next step and keep a checkpoint to go on from",
    Wish.CANCEL: "end a run and throw away what it learned",
}


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    listing = verbs.add_parser("runs", parents=[common], help="every run and how it stands")
    listing.set_defaults(verb=runs)
    for wish, help_text in ENDINGS.items():
        ending = verbs.add_parser(wish.value, parents=[common], help=help_text)
        ending.add_argument("run")
        ending.add_argument("--now", action="store_true", help="end its processes at once: for a run that hangs")
        ending.set_defaults(verb=end, wish=wish)
    queueing = verbs.add_parser("queue", parents=[common], help="the runs that wait, in their order, or move one")
    queueing.add_argument("run", nargs="?", help="the run to move")
    where = queueing.add_mutually_exclusive_group()
    where.add_argument("--up", type=int, metavar="N", help="so many places sooner")
    where.add_argument("--down", type=int, metavar="N", help="so many places later")
    where.add_argument("--first", action="store_true", help="its turn comes next")
    where.add_argument("--last", action="store_true", help="its turn comes last")
    queueing.set_defaults(verb=queue)


def runs(options: argparse.Namespace) -> int:
    """Print every run, oldest first."""
    from studio.home import open_home
    from studio.run.directory import list_runs
    from studio.run.order import waiting

    home = open_home(options.home)
    places = {run: place for place, run in enumerate(waiting(home), 1)}
    facts = [_facts(run, places.get(run, 0)) for run in list_runs(home)]
    if options.json:
        print(json.dumps(facts))
    elif not facts:
        print("There is no run yet. Start one: python -m studio train starter")
    for fact in [] if options.json else facts:
        steps, status = f"{fact['step']}/{fact['steps']}", _status(fact)
        print(f"{fact['run']:36} {status:12} {steps:>13} {fact['method']:16} {fact['task']:28} {fact['base']}")
    return 0


def end(options: argparse.Namespace) -> int:
    """Ask a run to end so, or end it."""
    from studio.home import open_home
    from studio.run.directory import find_run
    from studio.run.escalation import ask, end_now

    run = find_run(open_home(options.home), options.run)
    ask(run, options.wish)
    status = end_now(run) if options.now else run.status()
    print(json.dumps({"run": run.name, "status": status}) if options.json else f"{run.name}: {status}")
    return 0


def queue(options: argparse.Namespace) -> int:
    """Print the runs that wait, the next one first, after moving one where that is asked."""
    from studio.home import open_home
    from studio.run.order import waiting

    home = open_home(options.home)
    if options.run:
        _move(home, options)
    names = [run.name for run in waiting(home)]
    if options.json:
        print(json.dumps(names))
    elif not names:
        print("No run waits.")
    for place, name in enumerate([] if options.json else names, 1):
        print(f"{place:3}  {name}")
    return 0


def _move(home: Home, options: argparse.Namespace) -> None:
    from studio.run.directory import find_run
    from studio.run.order import FIRST, LAST, move

    places = FIRST * options.first + LAST * options.last + (options.down or 0) - (options.up or 0)
    if not places:
        raise StudioError(
            f"You named {options.run}, but not where to move it. Add --up 1, --down 1, --first or --last."
        )
    move(home, find_run(home, options.run), places)


def _facts(run: Run, place: int) -> dict[str, Any]:
    """What is printed of a run; `place` in the queue, 0 where it does not wait."""
    from studio.run.events import that_count
    from studio.run.owner import read_owner

    events, owner = that_count(run.events()[0]), read_owner(run.owner_path)
    status = run.status()
    return {
        "run": run.name,
        "status": status.value,
        "step": max((event.step for event in events), default=0),
        "steps": next((event.steps for event in reversed(events) if event.kind == "started"), 0),
        **_asked(run),
        "place": place,
        "devices": list(owner.devices or ()) if owner and status.active else [],
        "folder": str(run.path),
    }


def _status(fact: dict[str, Any]) -> str:
    return f"{fact['status']} {fact['place']}" if fact["place"] else fact["status"]


def _asked(run: Run) -> dict[str, str]:
    """Base, method and task; question marks where the recipe was damaged, so that the other runs are still listed."""
    try:
        recipe = run.recipe
    except StudioError:
        return dict.fromkeys(("base", "method", "task"), "?")
    return {"base": recipe.model.id, "method": recipe.method.name, "task": recipe.task.name}
