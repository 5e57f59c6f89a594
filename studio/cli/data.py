"""`data FILE`: what it is, how it is read, what is wrong with it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from studio.errors import StudioError


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("data", parents=[common], help="what a file is and what is wrong with it")
    verb.add_argument("file", type=Path)
    verb.add_argument("--prompt", default="", metavar="COLUMN", help="the column that holds the prompt")
    verb.add_argument("--completion", default="", metavar="COLUMN", help="the column that holds the completion")
    verb.set_defaults(verb=data)


def data(options: argparse.Namespace) -> int:
    """Print the report on a file; status 1 where it cannot be read."""
    try:
        facts = _facts(options)
    except StudioError as error:
        if not options.json:
            raise
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(facts) if options.json else _in_words(facts))
    return 0


def _facts(options: argparse.Namespace) -> dict[str, Any]:
    from studio.data.dataset import prepare
    from studio.data.part import DataPart

    part = DataPart(path=str(options.file), prompt_column=options.prompt, completion_column=options.completion)
    prepared = prepare(part)
    return {
        **prepared.table.facts,
        "shape": "prompt-completion",
        "mapping": prepared.mapping.reason,
        "usable": prepared.report.usable,
        "findings": [finding.model_dump() for finding in prepared.report.findings],
    }


def _in_words(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['name']}: {facts['rows']} rows, {facts['usable']} usable; {facts['format']}, {facts['encoding']}",
        facts["mapping"],
        *facts["notes"],
        *(f"{finding['severity']}: {finding['message']}" for finding in facts["findings"]),
    ]
    return "\n".join(lines)
