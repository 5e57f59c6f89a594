"""`export RUN`: the adapter, or the whole model, as a zip to take away."""

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
        "--as", dest="form", choices=("adapter", "model"), help="what it is to be; unsaid: what the run's method leaves"
    )
    verb.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="the folder to write it into")
    verb.set_defaults(verb=export)


def export(options: argparse.Namespace) -> int:
    """Write the zip and print its path."""
    from studio.home import open_home
    from studio.run.directory import find_run
    from studio.share.result import zip_result

    run = find_run(open_home(options.home), options.run)
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
