"""`data FILE`: what it is, how it is read, what is wrong with it; and the cleaned rows as a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.data.dataset import Prepared
    from studio.data.findings import Finding
    from studio.data.hub.dataset import Tell
    from studio.data.part import DataPart
    from studio.knob import Knob

SHORT = {"prompt_column": "--prompt", "completion_column": "--completion"}
"""Options that have a shorter name as well."""


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser("data", parents=[common], help="what a file is and what is wrong with it")
    verb.add_argument("file", nargs="?", default="", help="a file, a folder of files, or hf://datasets/owner/name")
    verb.add_argument("--recipe", help="take its data part (a YAML file or a preset); what is said here comes first")
    verb.add_argument("--scan", action="store_true", help="look thoroughly as well, which takes longer")
    verb.add_argument("--export", type=Path, metavar="FILE", help="write the cleaned rows to a .jsonl, .csv or .zip")
    for key, knob in _knobs():
        names = [f"--{knob.name.replace('_', '-')}", *filter(None, [SHORT.get(knob.name)])]
        choices = [each for each in knob.choices if each] or None
        metavar = None if choices else "COLUMN" if "_column" in knob.name else "TEXT" if knob.kind is str else "NUMBER"
        help_text = knob.help.replace("%", "%%")
        verb.add_argument(*names, dest=key, choices=choices, metavar=metavar, help=help_text)
    verb.set_defaults(verb=data, refuse=verb.error)


def data(options: argparse.Namespace) -> int:
    """Print the report on a file; status 1 where it cannot be read, 2 where none is named."""
    if not options.file and not options.recipe:
        options.refuse("name a file, or a recipe with --recipe")
    try:
        facts = _facts(options)
    except StudioError as error:
        if not options.json:
            raise
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(facts) if options.json else _in_words(facts))
    return 0


def _knobs() -> Iterator[tuple[str, Knob]]:
    """Every option of the data part with its dotted key in a recipe; the path is the verb's own argument."""
    from studio.data.part import DataPart, Mapped, Reading
    from studio.knob import knobs

    for key, part in (("data", DataPart), ("data.reading", Reading), ("data.mapped", Mapped)):
        yield from ((f"{key}.{knob.name}", knob) for knob in knobs(part) if knob.name != "path")


def _part(options: argparse.Namespace) -> DataPart:
    """The data part asked for. Raises StudioError for all that does not fit in it, at once."""
    from studio.cli.train import named_recipe
    from studio.recipe.read import changed
    from studio.recipe.recipe import Recipe

    recipe = named_recipe(options.recipe) if options.recipe else Recipe()
    asked = {key: getattr(options, key) for key, _ in _knobs() if getattr(options, key) is not None}
    part = changed(recipe, asked | ({"data.path": options.file} if options.file else {})).data
    if not part.path:
        raise StudioError(f"The recipe {options.recipe} names no training data. Name a file as well.")
    return part


def _facts(options: argparse.Namespace) -> dict[str, Any]:
    from studio.data.dataset import prepare
    from studio.data.source import asked_of_hub, located
    from studio.home import open_home

    tell = _quiet if options.json else _Progress()
    part = _part(options)
    uploads = open_home(options.home).uploads if asked_of_hub(part) else None
    here = part.model_copy(update={"path": str(located(part, uploads, tell))}) if uploads else part
    prepared = prepare(here)
    scanned = _scanned(prepared, tell) if options.scan else []
    exported = _exported(prepared, part, options.export, uploads) if options.export else []
    report = prepared.report
    return {
        **prepared.table.facts,
        "notes": [*prepared.table.notes, *prepared.notes],
        "choices": {name: list(values) for name, values in prepared.table.choices.items()},
        "shape": _shape(prepared),
        "type": prepared.mapping.type,
        "example_format": prepared.mapping.format,
        "mapping": prepared.mapping.reason,
        "used": dict(prepared.mapping.columns),
        "usable": report.usable,
        "train": len(prepared.train),
        "held_out": len(prepared.held_out),
        "fingerprint": prepared.fingerprint,
        "findings": [finding.model_dump() for finding in [*report.findings, *scanned]],
        "exported": exported,
    }


def _quiet(what: str, done: int, total: int) -> None:
    """With --json nothing else is printed."""


class _Progress:
    """A line on standard error for each thing that begins."""

    def __init__(self) -> None:
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self._what = what
            print(f"{what} ...", file=sys.stderr, flush=True)


def _shape(prepared: Prepared) -> str:
    """What a row is, in the words of the option --shape."""
    mapping = prepared.mapping
    if mapping.type == "preference":
        return "preference"
    if mapping.format == "conversational":
        return "conversation"
    return "text" if mapping.type == "language modeling" else "prompt-completion"


def _scanned(prepared: Prepared, tell: Tell) -> list[Finding]:
    from studio.data.checks.check import usable
    from studio.data.checks.scan import scan

    return scan(usable(prepared.examples, prepared.report), tell)


def _exported(prepared: Prepared, part: DataPart, path: Path, uploads: Path | None) -> list[str]:
    from studio.data.export import export_file, export_zip

    if path.suffix == ".zip":
        export_zip(prepared, part, path, ".jsonl", uploads)
        return [str(path)]
    return [str(path), str(export_file(prepared, part, path, uploads))]


def _in_words(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['name']}: {facts['rows']} rows, {facts['usable']} usable; {facts['format']}, {facts['encoding']}",
        facts["mapping"],
        f"{facts['train']} to train on, {facts['held_out']} held out; fingerprint {facts['fingerprint'][:16]}",
        *facts["notes"],
        *(f"{finding['severity']}: {finding['message']}" for finding in facts["findings"]),
        *(f"written: {path}" for path in facts["exported"]),
    ]
    return "\n".join(lines)
