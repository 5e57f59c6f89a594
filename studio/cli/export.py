"""`export RUN`: the adapter, the model, or the run as one file to take away. `import FILE`: such a file back in."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("export", parents=[common], help="take the result away")
    verb.add_argument("run")
    verb.add_argument(
        "--as",
        dest="form",
        choices=("adapter", "model", "run"),
        help="what it is to be; unsaid: what the run's method leaves. run: all of the run, for another studio",
    )
    verb.add_argument("--checkpoints", action="store_true", help="with --as run: the checkpoints too, to go on there")
    verb.add_argument(
        "--strength",
        type=float,
        metavar="S",
        help="with --as adapter: what it learned, times this: 0 is the base, 1 as trained, 1.5 the most",
    )
    verb.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="the folder to write it into")
    verb.set_defaults(verb=export)
    back = verbs.add_parser("import", parents=[common], help="make a run of a file that `export --as run` made")
    back.add_argument("file", type=Path)
    back.set_defaults(verb=take_in)


def export(options: argparse.Namespace) -> int:
    """Write the zip and print its path."""
    from studio.home import open_home
    from studio.run.directory import find_run
    from studio.share.result import zip_result
    from studio.share.run_file import write_run_file

    run = find_run(open_home(options.home), options.run)
    if options.strength is not None:
        path = _at_strength(run, options)
    elif options.form == "run":
        path = write_run_file(run, options.to, options.checkpoints)
    else:
        _refuse_other(run, options.form)
        path = zip_result(run, options.to)
    with ZipFile(path) as archive:
        torn = archive.testzip()
    if torn:
        raise StudioError(f"{torn} in {path} does not read back as it was written. Export again to another disk.")
    check = "every file in the zip was read back and is whole"
    facts = {"path": str(path.resolve()), "bytes": path.stat().st_size, "check": check}
    print(json.dumps(facts) if options.json else facts["path"])
    return 0


def take_in(options: argparse.Namespace) -> int:
    """Make a run of a run's file and print its name."""
    from studio.home import open_home
    from studio.share.run_import import read_run_file

    run = read_run_file(open_home(options.home), options.file)
    facts = {"run": run.name, "status": run.status().value, "folder": str(run.path)}
    print(json.dumps(facts) if options.json else f"{run.name}: {facts['status']}")
    return 0


def _at_strength(run: Run, options: argparse.Namespace) -> Path:
    from studio.answer.voice import STRONGEST, Voice
    from studio.share.heard import write_heard

    if options.form not in (None, "adapter"):
        raise StudioError(f"You set --strength, but --as {options.form} takes the run as it is. Set --as adapter.")
    if not 0 <= options.strength <= STRONGEST:
        raise StudioError(
            f"You set --strength to {options.strength:g}, but 0 is the base and {STRONGEST:g} the most. Set it between."
        )
    return write_heard(Voice.of_run(str(run.path), strength=options.strength), options.to)


def _refuse_other(run: Run, form: str | None) -> None:
    """What a run left cannot be turned into the other kind."""
    keeps = run.recipe.method.keeps
    if form in (None, keeps):
        return
    title = run.recipe.method.title
    if keeps == "model":
        raise StudioError(
            f"You asked for the adapter of {run.name}, but {title} moves the base itself and leaves a whole model. "
            "Take it with --as model."
        )
    raise StudioError(
        f"You asked for {run.name} as a whole model, but {title} leaves an adapter beside its base. "
        "Take it with --as adapter; the README in it says how to load both."
    )
