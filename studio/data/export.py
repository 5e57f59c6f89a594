"""The cleaned rows as a file to keep or to pass on, with a note of where they came from and what was done to them."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, Literal

from studio import __version__
from studio.data.dataset import Prepared
from studio.data.example import TEXTS, Example, Examples
from studio.data.hub.dataset import provenance as hub_provenance
from studio.data.part import DataPart
from studio.data.source import located
from studio.data.wording import quoted
from studio.errors import StudioError

Suffix = Literal[".jsonl", ".csv"]
SUFFIXES: tuple[Suffix, ...] = (".jsonl", ".csv")
PROVENANCE = "provenance.json"

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes a cell that begins with one of these: whoever wrote a row could make it call out."""

FORMULA_SAFE = (
    "A cell that begins with = + - @ a tab or a carriage return has an apostrophe before it, so that no spreadsheet "
    "takes it for a formula. JSONL has every cell as it is."
)

Fields = Callable[[Example], dict[str, Any]]


def export_file(prepared: Prepared, part: DataPart, path: Path, uploads: Path | None = None) -> Path:
    """Write all usable rows, trained on and held out, in the file's order to `path`, which ends in .jsonl or .csv.

    Returns the file beside it that says where the rows came from. Read with the same recipe, the JSONL gives equal
    rows and the same fingerprint.

    Raises StudioError for another suffix, and where it cannot be written.
    """
    suffix = next((each for each in SUFFIXES if path.name.endswith(each)), None)
    if suffix is None:
        raise StudioError(f"You asked for {quoted(path.name)}, but rows are exported as .jsonl or .csv. Name it so.")
    rows = prepared.examples.without(prepared.report.left_out)
    beside = path.with_name(f"{path.stem}.{PROVENANCE}")
    facts = provenance(prepared, part, {path.name: rows}, suffix, uploads)
    _write(path, lambda file: write_rows(rows, suffix, file))
    _write(beside, lambda file: file.write(_dumped(facts)))
    return beside


def export_zip(prepared: Prepared, part: DataPart, path: Path, suffix: Suffix, uploads: Path | None = None) -> None:
    """Write what is trained on, what is held out and provenance.json into one archive.

    Raises StudioError where it cannot be written.
    """
    sets = {f"train{suffix}": prepared.train, f"held_out{suffix}": prepared.held_out}
    sets = {name: rows for name, rows in sets.items() if len(rows)}
    facts = provenance(prepared, part, sets, suffix, uploads)

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, rows in sets.items():
                with archive.open(name, "w", force_zip64=True) as member:
                    write_rows(rows, suffix, member)
            archive.writestr(PROVENANCE, _dumped(facts))

    _write(path, fill)


def write_rows(rows: Examples, suffix: Suffix, file: IO[bytes]) -> None:
    """The rows in TRL's fields: prompt and completion; messages; text; or prompt, chosen and rejected.

    Label, group and source follow where any row has one.
    """
    fields = _fields(rows)
    extras = [name for name in TEXTS[5:] if rows.has(name)]

    def cells_of(example: Example) -> dict[str, Any]:
        return fields(example) | {name: getattr(example, name) for name in extras}

    if suffix == ".jsonl":
        for example in rows:
            file.write(json.dumps(cells_of(example), ensure_ascii=False).encode() + b"\n")
        return
    columns = list(dict.fromkeys(name for example in rows for name in cells_of(example)))
    file.write(b"\xef\xbb\xbf" + _csv_line(columns))  # the mark by which spreadsheets know UTF-8
    for example in rows:
        cells = cells_of(example)
        file.write(_csv_line([formula_safe(cells.get(name, "")) for name in columns]))


def formula_safe(cell: Any) -> str:
    """A cell of a CSV as text that no spreadsheet computes."""
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULA) else text


def provenance(
    prepared: Prepared, part: DataPart, sets: dict[str, Examples], suffix: Suffix, uploads: Path | None = None
) -> dict[str, Any]:
    """Where the rows came from and what was done to them, ready for JSON. `sets` are the rows of each file."""
    source = located(part, uploads)
    hub = hub_provenance(source)
    return {
        "studio": __version__,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "source": {
            "name": prepared.table.name,
            "path": part.path,
            "sha256": _hashes(source),
            "rows": prepared.table.total,
            **({"hub": hub.model_dump(exclude={"kind"})} if hub else {}),
        },
        "type": prepared.examples.type,
        "mapping": prepared.mapping.reason,
        "mends": [mend.model_dump(mode="json") for mend in part.mends],
        "left_out": {each.kind: each.count for each in prepared.report.findings if each.left_out},
        "split": part.model_dump(include={"held_out_path", "held_out_share", "split_seed", "split_by"}),
        "mix": [each.model_dump() for each in part.mix],
        "fingerprint": prepared.fingerprint,
        "files": {name: {"rows": len(rows), "source_rows": _ranges(rows)} for name, rows in sets.items()},
        **({"formula_safe": FORMULA_SAFE} if suffix == ".csv" else {}),
    }


def _fields(rows: Examples) -> Fields:
    """One form for all rows of a set, so that every line has the same names and is read back as the same type."""
    conversations = rows.has("messages")
    if rows.type == "preference":
        return _conversational_preference if conversations else _preference
    if rows.type == "language modeling" or (conversations and any(map(_learns_before_the_end, rows))):
        return _conversation
    return _conversational_pair if conversations else _pair


def _learns_before_the_end(example: Example) -> bool:
    """Whether an answer before the last one is learned from: a prompt's answers never are."""
    return any(each["role"] == "assistant" and each.get("weight") != 0 for each in example.asked)


def _pair(example: Example) -> dict[str, Any]:
    return {"prompt": example.prompt, "completion": example.completion}


def _conversational_pair(example: Example) -> dict[str, Any]:
    *prompt, completion = example.conversation or [{"role": "assistant", "content": example.completion}]
    return {"prompt": prompt, "completion": [completion]} | _tools(example)


def _conversation(example: Example) -> dict[str, Any]:
    if not example.conversation:
        return {"text": example.completion}
    return {"messages": example.conversation} | _tools(example)


def _preference(example: Example) -> dict[str, Any]:
    return {"prompt": example.prompt, "chosen": example.completion, "rejected": example.rejected}


def _conversational_preference(example: Example) -> dict[str, Any]:
    *prompt, chosen = example.conversation
    rejected = {"role": "assistant", "content": example.rejected}
    return {"prompt": prompt, "chosen": [chosen], "rejected": [rejected]} | _tools(example)


def _tools(example: Example) -> dict[str, Any]:
    return {"tools": json.loads(example.tools)} if example.tools else {}


def _csv_line(cells: list[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _ranges(rows: Examples) -> str:
    """Source row numbers in the rows' order, such as `1-5,7`."""
    runs: list[tuple[int, int]] = []
    for row in rows.rows.tolist():
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _hashes(source: Path) -> dict[str, str]:
    """SHA-256 of the file, or of each file of a folder, by name."""
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    return {file.name: _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _dumped(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _write(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """The file whole, or not at all."""
    draft = path.with_name(f".{token_hex(8)}.part")
    try:
        with draft.open("wb") as file:
            fill(file)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StudioError(
            f"The rows could not be written to {path} ({error.strerror}). Name a file in a folder that is yours."
        ) from None
