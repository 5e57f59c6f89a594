"""The whole way of a file through this stage: read, mapped, checked, split."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.data.check import check, usable
from studio.data.columns import Mapping, Pair, pairs, recognise, require_columns, unjoined
from studio.data.findings import Finding, Report, finding
from studio.data.read import read
from studio.data.split import fingerprint, split
from studio.data.table import Table, text_of
from studio.data.wording import names, quoted, rows_named, sentence
from studio.errors import StudioError


@dataclass(frozen=True)
class Prepared:
    """What a run needs of a file. `fingerprint` is that of the rows trained on.

    Where `report.errors` is not empty, there is nothing to train on yet: the page shows the report, a run must not
    start. `held_out_report` is there where the held-out rows came in a file of their own.
    """

    train: list[Pair]
    held_out: list[Pair]
    report: Report
    mapping: Mapping
    table: Table
    fingerprint: str
    held_out_report: Report | None = None

    @property
    def name(self) -> str:
        """What the user calls the file."""
        return self.table.name

    @property
    def format(self) -> str:
        """csv, json or jsonl."""
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
    path: Path,
    prompt_column: str | None = "",
    completion_column: str | None = "",
    held_out_share: float = 0.1,
    seed: int = 0,
    held_out_path: Path | None = None,
) -> Prepared:
    """Reads and divides a file. An empty column name means: recognise it.

    With `held_out_path` the held-out rows come from there, with the same columns, and the share is not used.

    Raises StudioError where the file cannot be read or its columns are not known; what is wrong with single rows is
    in the report instead.
    """
    table = read(Path(path))
    mapping = resolve(table, prompt_column, completion_column)
    every, known = _pairs(table, mapping)
    if held_out_path:
        return _with_file(table, mapping, every, known, Path(held_out_path))
    report = check(every, known)
    train, held_out = split(usable(every, report), held_out_share, seed)
    if held_out_share and len(train) > 1 and not held_out:
        report = check(every, [*known, _one_prompt(len(train))])
    return Prepared(train, held_out, report, mapping, table, fingerprint(train))


def resolve(table: Table, prompt_column: str | None = "", completion_column: str | None = "") -> Mapping:
    """The columns that were chosen, and those recognised in place of the ones that were not.

    Raises StudioError where one is neither chosen nor recognised, or not in the table.
    """
    if prompt_column and completion_column:
        require_columns(table, prompt_column, completion_column)
        return Mapping(prompt_column, completion_column, "The columns were chosen by hand.")
    chosen = [column for column in (prompt_column, completion_column) if column]
    rest = recognise([column for column in table.columns if column not in chosen])
    prompt = prompt_column or rest.prompt
    completion = completion_column or rest.completion
    if prompt is None or completion is None:
        raise StudioError(f"{quoted(table.name)}: {recognise(table.columns).reason}{_nested(table)}")
    require_columns(table, prompt, completion)
    return Mapping(prompt, completion, rest.reason if not chosen else f"{quoted(chosen[0])} was chosen by hand.")


def _nested(table: Table) -> str:
    """A sentence on the columns that cannot be chosen, since no text is in them."""
    columns = [column for column, cell in table.rows[0].items() if text_of(cell) is None]
    return f" Lists or objects, which are no text, are in {names(columns)}." if columns else ""


def _pairs(table: Table, mapping: Mapping) -> tuple[list[Pair], list[Finding]]:
    """The pairs of a table, and what is known of them already."""
    assert mapping.prompt is not None
    assert mapping.completion is not None
    found = pairs(table, mapping.prompt, mapping.completion)
    return found, [*table.findings, *unjoined(table, mapping.prompt)]


def _with_file(table: Table, mapping: Mapping, every: list[Pair], known: list[Finding], path: Path) -> Prepared:
    other = read(path)
    held_every, held_known = _pairs(other, mapping)
    held_report = check(held_every, held_known)
    held_out = usable(held_every, held_report)
    if not held_out:
        raise StudioError(
            f"The held-out file {quoted(other.name)} has no usable row. Choose another one, or set none and hold out a "
            "share of the training file."
        )
    report = check(every, [*known, *_leaks(every, held_out)])
    train = usable(every, report)
    return Prepared(train, held_out, report, mapping, table, fingerprint(train), held_report)


def _leaks(every: Iterable[Pair], held_out: Iterable[Pair]) -> list[Finding]:
    asked = {pair.same_prompt for pair in held_out}
    rows = [pair.row for pair in every if pair.same_prompt in asked]
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
