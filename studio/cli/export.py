"""`export RUN`: the adapter as a zip to take away."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from studio.errors import StudioError


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("export", parents=[common], help="take the result away")
    verb.add_argument("run")
    verb.add_argument("--as", dest="form", choices=("adapter",), default="adapter", help="what it becomes")
    verb.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="the folder to write it into")
    verb.set_defaults(verb=export)


def export(options: argparse.Namespace) -> int:
    """Write the zip and print its path."""
    from studio.home import open_home
    from studio.run.directory import find_run
    from studio.share.adapter import zip_adapter

    path = zip_adapter(find_run(open_home(options.home), options.run), options.to)
    with ZipFile(path) as archive:
        torn = archive.testzip()
    if torn:
        raise StudioError(f"{torn} in {path} does not read back as it was written. Export again to another disk.")
    check = "every file in the zip was read back and is whole"
    facts = {"path": str(path.resolve()), "bytes": path.stat().st_size, "check": check}
    print(json.dumps(facts) if options.json else facts["path"])
    return 0
