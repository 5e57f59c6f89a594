"""The whole way of a file through this stage: read, mapped, mended, checked, split, mixed."""

from dataclasses import dataclass
from pathlib import Path

from studio.data.checks.check import check, usable
from studio.data.division.divided import Tell, by_share, related, with_file
from studio.data.division.findings import leaks
from studio.data.division.mix import mixed, read_sets
from studio.data.division.split import fingerprint
from studio.data.example import Examples
from studio.data.files.read import read
from studio.data.findings import Report
from studio.data.mends.every import apply_mends
from studio.data.part import DataPart
from studio.data.shapes.columns import Mapping, examples, resolve
from studio.data.source import located
from studio.data.table import Table
from studio.data.wording import quoted
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


def prepare(
    part: DataPart,
    tell: Tell = lambda what, done, total: None,
    table: Table | None = None,
    uploads: Path | None = None,
) -> Prepared:
    """Reads, maps, mends, checks, divides and mixes what a data part names.

    With `held_out_path` the held-out rows come from there, mapped in the same way and mended too, but for what was done
    to single rows, and the share is not used. `table` is the file where it was read already; `tell` hears what is being
    done, how far it is and of how many rows. Datasets of the Hub are kept in `uploads`, or in the home that is set.

    Raises StudioError where the file cannot be read or its columns are not known; what is wrong with single rows is
    in the report instead.
    """
    if table is None:
        tell("reading the file", 0, 0)
        table = read(located(part, uploads, tell), reading=part.reading)
    mapping = resolve(table, part)
    every, known = examples(table, mapping, part)
    known = [*table.findings, *known]
    every = apply_mends(every, part.mends)
    own = _own_file(part, mapping, uploads)
    sets = read_sets(part.mix, every, tell)
    tell("checking rows", 0, len(every))
    report = check(every, known)
    rows = usable(every, report)
    kin = related([rows, own.rows, *(each.rows for each in sets)], tell, needed=_may_straddle(part))
    if own.report:
        report = check(every, [*known, *leaks(rows, kin.near[0], own.rows, kin.near[1])])
        divided = with_file(rows, usable(every, report), own.rows, kin)
    else:
        divided = by_share(rows, part, kin)
    report = report.model_copy(update={"findings": [*report.findings, *divided.findings]})
    train, held_out, notes = mixed(divided, sets, kin.units[2:], part)
    return Prepared(every, train, held_out, report, mapping, table, fingerprint(train), own.report, notes)


@dataclass(frozen=True)
class _OwnFile:
    """The usable rows of a file of held-out rows and the report on it: none where there is no such file."""

    rows: Examples
    report: Report | None = None


def _own_file(part: DataPart, mapping: Mapping, uploads: Path | None) -> _OwnFile:
    if not part.held_out_path:
        return _OwnFile(Examples.of([], mapping.type))
    table = read(located(DataPart(path=part.held_out_path), uploads))
    every, known = examples(table, mapping, part)
    every = apply_mends(every, (mend for mend in part.mends if not mend.by_row))
    report = check(every, [*table.findings, *known])
    rows = usable(every, report)
    if not len(rows):
        raise StudioError(
            f"The held-out file {quoted(table.name)} has no usable row. Choose another one, or set none and hold out a "
            "share of the training file."
        )
    return _OwnFile(rows, report)


def _may_straddle(part: DataPart) -> bool:
    """Whether any row is held out, so that its near-duplicates have to be known."""
    return bool(part.held_out_path or part.held_out_share)
