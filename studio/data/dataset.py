"""The whole way of a file through this stage: read, mapped, mended, checked, split, mixed."""

from collections.abc import Iterable
from dataclasses import dataclass

from studio.data.check import check, usable
from studio.data.columns import Mapping, examples, resolve
from studio.data.example import Example, Examples
from studio.data.findings import Finding, Report, finding
from studio.data.mends import apply_mends
from studio.data.part import DataPart
from studio.data.read import read
from studio.data.source import data_file
from studio.data.split import fingerprint, split
from studio.data.table import Table
from studio.data.wording import quoted, rows_named, sentence
from studio.errors import StudioError


@dataclass(frozen=True)
class Prepared:
    """What a run needs of its data. `fingerprint` is that of the rows trained on.

    `examples` are all rows of the main file, mapped and mended, those included that are left out of training. Where
    `report.errors` is not empty, there is nothing to train on yet: the page shows the report, a run must not start.
    `held_out_report` is there where the held-out rows came in a file of their own.
    """

    examples: Examples
    train: Examples
    held_out: Examples
    report: Report
    mapping: Mapping
    table: Table
    fingerprint: str
    held_out_report: Report | None = None
    notes: tuple[str, ...] = ()
    """What was decided after reading, such as how sets were mixed."""

    @property
    def name(self) -> str:
        """What the user calls the file."""
        return self.table.name

    @property
    def format(self) -> str:
        """csv, json, jsonl, parquet, xlsx or text."""
        return self.table.format

    @property
    def encoding(self) -> str:
        """How its bytes were read."""
        return self.table.encoding

    @property
    def rows(self) -> int:
        """How many data rows it has, those included that are left out."""
        return self.report.rows


def prepare(part: DataPart) -> Prepared:
    """Reads, maps, mends, checks and divides what a data part names.

    With `held_out_path` the held-out rows come from there, mapped in the same way, and the share is not used.

    Raises StudioError where the file cannot be read or its columns are not known; what is wrong with single rows is
    in the report instead.
    """
    table = read(data_file(part.path), reading=part.reading)
    mapping = resolve(table, part)
    every, known = examples(table, mapping, part)
    known = [*table.findings, *known]
    every = apply_mends(every, part.mends)
    if part.held_out_path:
        return _with_file(table, mapping, every, known, part)
    report = check(every, known)
    train, held_out = split(usable(every, report), part.held_out_share, part.split_seed)
    if part.held_out_share and len(train) > 1 and not len(held_out):
        report = check(every, [*known, _one_prompt(len(train))])
    return Prepared(every, train, held_out, report, mapping, table, fingerprint(train))


def _with_file(table: Table, mapping: Mapping, every: Examples, known: list[Finding], part: DataPart) -> Prepared:
    other = read(data_file(part.held_out_path))
    held_every, held_known = examples(other, mapping, part)
    held_report = check(held_every, [*other.findings, *held_known])
    held_out = usable(held_every, held_report)
    if not len(held_out):
        raise StudioError(
            f"The held-out file {quoted(other.name)} has no usable row. Choose another one, or set none and hold out a "
            "share of the training file."
        )
    report = check(every, [*known, *_leaks(every, held_out)])
    train = usable(every, report)
    return Prepared(every, train, held_out, report, mapping, table, fingerprint(train), held_report)


def _leaks(every: Iterable[Example], held_out: Iterable[Example]) -> list[Finding]:
    asked = {example.same_prompt for example in held_out}
    rows = [example.row for example in every if example.same_prompt in asked]
    if not rows:
        return []
    message = (
        f"{sentence(rows_named(rows))}: the prompt is also in the held-out file, and a score on what was trained says "
        "nothing. Left out of training."
    )
    return [finding("leak", rows, message, "warning", left_out=True)]


def _one_prompt(number: int) -> Finding:
    message = (
        f"All {number:,} usable rows share one prompt, so none can be held out without being known from training. Add "
        "other prompts, or train without a held-out score."
    )
    return finding("one-prompt", [], message, "warning")
