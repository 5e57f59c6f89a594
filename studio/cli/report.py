"""`report RUN`: all that is known of a run as one HTML file. `drift RUN FILE`: is new data what it was trained on?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.answer.drift import Drift


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    reporting = verbs.add_parser("report", parents=[common], help="write one page about a run, to read or print")
    reporting.add_argument("run")
    reporting.add_argument("--to", type=Path, metavar="FILE", help="the HTML file; unsaid: RUN-report.html, here")
    reporting.set_defaults(verb=report)
    drifting = verbs.add_parser(
        "drift", parents=[common], help="compare new data with what a run was trained on: tune again?"
    )
    drifting.add_argument("run")
    drifting.add_argument("file", help="the new data, with answers; any file that can be trained on")
    drifting.set_defaults(verb=drift)


def report(options: argparse.Namespace) -> int:
    """Write the report and print its path."""
    from studio.home import open_home
    from studio.run.directory import find_run
    from studio.share.report.page import write_report

    run = find_run(open_home(options.home), options.run)
    path = write_report(run, options.to or Path(f"{run.name}-report.html"))
    facts = {"path": str(path.resolve()), "bytes": path.stat().st_size}
    print(json.dumps(facts) if options.json else facts["path"])
    return 0


def drift(options: argparse.Namespace) -> int:
    """Let the run's models read the new data, and print how it compares."""
    from studio.answer.drift import drift as drift_of
    from studio.answer.evaluation.begin import begin_drift
    from studio.cli.evaluations import see_through
    from studio.data.part import DataPart
    from studio.home import open_home
    from studio.run.directory import find_run

    home = open_home(options.home)
    run = find_run(home, options.run)
    evaluation = begin_drift(home, run, DataPart(path=options.file))
    try:
        see_through(evaluation, _say)
    finally:
        print(file=sys.stderr)
    found = drift_of(run, evaluation)
    print(json.dumps({"evaluation": evaluation.id} | found.model_dump(mode="json")) if options.json else _table(found))
    return 0


def _say(words: str) -> None:
    print(f"\r{words:<60}", end="", file=sys.stderr, flush=True)


def _table(found: Drift) -> str:
    lines = [f"{found.run}: {found.new_rows:,} new rows", *found.advice, ""]
    lines += [f"{each.title}: {each.verdict}. {each.words}" for each in found.comparisons]
    return "\n".join([*lines, *found.notes])
