"""The words of the command line. Imports nothing slow, so that --help answers at once."""

from __future__ import annotations

import argparse

from studio import __version__
from studio.cli import (
    answers,
    data,
    evaluations,
    export,
    forecast,
    going_on,
    report,
    runs,
    script,
    search,
    train,
    votes,
)

ROOMS = (data, forecast, train, search, runs, going_on, answers, evaluations, votes, report, export, script)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The verb and its options. Ends the process with status 2 where they are asked wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m studio", description="Atelier without a browser: the same verbs, the same runs."
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for room in ROOMS:
        room.add(verbs, _common())
    return parser.parse_args(arguments)


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", help="folder of runs and uploads (else $STUDIO_HOME, else ~/atelier)")
    common.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return common
