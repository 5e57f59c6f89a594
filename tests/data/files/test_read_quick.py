"""The quick parsers read exactly what the exact ones read, or step aside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.files import delimited, delimited_quick, json_lines, json_rows, unpack
from studio.data.files.read import read
from studio.data.table import Table
from studio.errors import StudioError

LETTERS = st.text(st.sampled_from("ab,;\t|\"'\\ \n\r=é😀\u2028\x1f\x00{}[]:-.0"), max_size=12)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -0.0, 1e16, 1e22, 3.10, 2**63, 2**64, -(2**63) - 1])
)
CELLS = st.one_of(LETTERS, LETTERS, NUMBERS, st.none(), st.booleans())
NESTED = st.recursive(CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3))
OBJECTS = st.lists(st.dictionaries(st.sampled_from(["prompt", "completion", "id", ""]), NESTED, max_size=4), max_size=8)
RAW = st.lists(
    st.sampled_from(
        [
            *('{"a": "b"}', '{"a":"b","c":1}', '{"a": 3.10}', '{"a": -0}', '{"a": "x, -0 "}', '{"a": 1, "a": "b"}'),
            *(
                '{"m": [{"r": "x", "r": "y"}]}',
                '{"a": "\\""}',
                '{"a": "\\\\"}',
                '{"a\\"": "b", "a\\u0022": "c"}',
                "",
                " ",
            ),
            *(
                '{"a": NaN}',
                '{"a": 1e5}',
                '{"a": 1E5}',
                '{"a": 100000000000000000000}',
                "[1]",
                "null",
                '{"a": "\\ud800"}',
            ),
            *('{"a": 0.5, "b": "2.50"}', '{"a" : 0.5}', '{"a": "😀\x7f"}', '{"a": "x\\/y"}', "{}", "\u00a0", '{"": 1}'),
        ]
    ),
    max_size=6,
)
CSV_BYTES = st.text(st.sampled_from('ab,,;""\n\n\r \t|é'), max_size=40)


@contextmanager
def exact_only() -> Iterator[None]:
    """The quick parsers step aside for every file."""

    def never(*_: Any) -> None:
        raise delimited_quick.NotCleanError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "read_clean", never)
        patch.setattr(json_lines, "clean_rows", lambda *_: None)
        patch.setattr(json_lines, "clean_row", lambda *_: None)
        patch.setattr(json_rows, "_quick_list", lambda *_: None)
        yield


def outcome(path: Path, limit: int | None = None) -> tuple[Any, ...]:
    """Everything that is known of a file, or why it is not read."""
    try:
        table = read(path, limit=limit)
    except StudioError as error:
        return error.problems
    return facts_of(table)


def facts_of(table: Table) -> tuple[Any, ...]:
    return (
        {name: table.texts(name).to_pylist() for name in table.columns},
        {name: [text and json.loads(text) for text in each.to_pylist()] for name, each in table.nested.items()},
        (table.format, table.encoding, table.delimiter, table.notes, table.numbers.tolist()),
        [each.model_dump() for each in table.findings],
    )


def rows_of(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of the first rows their cells and numbers: how far behind them a parser looked is its own affair."""
    return (*found[:2], found[2][-1]) if isinstance(found[0], dict) else found


def assert_same(folder: Path, name: str, content: str, piece: int) -> None:
    path = folder / name
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpack, "PIECE_BYTES", piece)
        quick = outcome(path)
        head = outcome(path, limit=2)
    with exact_only():
        exact = outcome(path)
        assert repr(quick) == repr(exact)  # repr: NaN is not equal to itself
        if isinstance(exact[0], dict):  # the first rows may be read where what follows is broken
            assert repr(rows_of(head)) == repr(rows_of(outcome(path, limit=2)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")


PIECES = st.sampled_from([1, 2, 3, 7, 64, 2**20])


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(LETTERS, min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    piece=PIECES,
)
def test_written_csv(folder: Path, rows: list[list[str]], delimiter: str, end: str, quoting: Any, piece: int) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([["p", "q"], *rows])
    assert_same(folder, "a.csv", stream.getvalue(), piece)


@settings(max_examples=300, deadline=None)
@given(body=CSV_BYTES, start=st.sampled_from(["p,q\n", "", "\np;q\n", "sep=,\np,q\n", '"p","q"\r\n']), piece=PIECES)
def test_any_csv(folder: Path, start: str, body: str, piece: int) -> None:
    assert_same(folder, "a.csv", start + body, piece)


@settings(max_examples=300, deadline=None)
@given(
    rows=OBJECTS,
    ascii_only=st.booleans(),
    compact=st.booleans(),
    name=st.sampled_from(["a.jsonl", "a.json"]),
    piece=PIECES,
)
def test_written_json(
    folder: Path, rows: list[dict[str, Any]], ascii_only: bool, compact: bool, name: str, piece: int
) -> None:
    separators = (",", ":") if compact else None
    lines = [json.dumps(row, ensure_ascii=ascii_only, separators=separators) for row in rows]
    content = "\n".join(lines) if name == "a.jsonl" else "[" + ",\n".join(lines) + "]"
    assert_same(folder, name, content, piece)


@settings(max_examples=300, deadline=None)
@given(lines=RAW, end=st.sampled_from(["\n", "\r\n", "\r"]), name=st.sampled_from(["a.jsonl", "a.json"]), piece=PIECES)
def test_any_json(folder: Path, lines: list[str], end: str, name: str, piece: int) -> None:
    content = end.join(lines) if name == "a.jsonl" else "[" + f",{end}".join(lines) + "]"
    assert_same(folder, name, content, piece)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'p,q\r\n"a\n\n""b""","c,d"\r\n\r\ne,\r\n'),
        ("a.jsonl", '{"p": "a \\"b\\"", "q": 12, "m": [{"r": "x\\\\"}], "s": 0.25}\n{"p": null}\n'),
        ("a.json", '[{"p": "a", "q": 12},\n {"p": "b", "q": true}]'),
    ],
)
def test_common_files_are_read_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    """Otherwise the tests above would compare the exact parsers with themselves."""

    def unwanted(*_: Any) -> None:
        raise AssertionError("the exact parser was asked")

    path = tmp_path / name
    path.write_bytes(content.encode())
    monkeypatch.setattr(delimited, "_exactly", unwanted)
    monkeypatch.setattr(json_lines, "exact", unwanted)
    monkeypatch.setattr(json_rows, "items", unwanted)
    assert len(read(path)) == 2
