"""Small bad and odd files, made here: each is read right, or refused in a sentence that says where and what to do."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.files import gather, json_lines, parquet, unpack, workbook
from studio.data.files.read import read
from studio.data.part import Reading
from studio.data.table import Table
from studio.errors import StudioError

HEADER = "prompt,completion\n"
ROWS = '{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n'
CONTROLS = "".join(map(chr, [*range(32), *range(127, 160), 0x202A, 0x202E, 0x2066, 0x200B, 0x2028]))


def parquet_of(columns: dict[str, Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


def book(*sheets: list[list[Any]], merged: str = "") -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for place, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"Sheet{place}")
        for row in rows:
            sheet.append(row)
        if merged:
            sheet.merge_cells(merged)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def zip_bomb(size: int) -> bytes:
    """A workbook whose one sheet unpacks to `size` zeros."""
    return zipped(**{"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": bytes(size)})


PAIRS = {"prompt": ["a", "c"], "completion": ["b", "d"]}
PARQUET = parquet_of(PAIRS)
BOOK = book([["prompt", "completion"], ["a", "b"], ["c", "d"]])
PACKED = gzip.compress(ROWS.encode())
AB = [("a", "b"), ("c", "d")]

# What is read: the file's name, its bytes, its rows, and what the table says of itself.
Case = tuple[str, str | bytes, list[tuple[str | None, ...]], dict[str, Any]]
READ: list[Case] = [
    ("latin-1.csv", (HEADER + "café,thé\n").encode("latin-1"), [("café", "thé")], {"encoding": "windows-1252"}),
    ("utf-16 mark.csv", (HEADER + "ä,ö\n").encode("utf-16"), [("ä", "ö")], {"encoding": "utf-16"}),
    ("utf-16.jsonl", ROWS.encode("utf-16-le"), AB, {"encoding": "utf-16", "format": "jsonl"}),
    ("utf-16 big.csv", (HEADER + "ä,ö\n").encode("utf-16-be"), [("ä", "ö")], {"encoding": "utf-16"}),
    ("utf-32 mark.jsonl", ROWS.encode("utf-32"), AB, {"encoding": "utf-32"}),
    ("utf-32.csv", (HEADER + "a,b\nc,d\n").encode("utf-32-le"), AB, {"encoding": "utf-32"}),
    ("mark.jsonl", codecs.BOM_UTF8 + ROWS.encode(), AB, {"encoding": "utf-8"}),
    ("mark.json", codecs.BOM_UTF8 + json.dumps([PAIRS]).encode(), [(None, None)], {"format": "json"}),
    ("mixed encodings.csv", HEADER.encode() + "äöü,größe\n".encode() + b"caf\xe9,b\n",
     [("äöü", "größe"), ("caf\ufffd", "b")], {"notes": "1 place could not be read"}),
    ("mojibake.csv", (HEADER + "cafÃ©,b\n").encode(), [("cafÃ©", "b")], {"encoding": "utf-8"}),
    ("formulas.csv", HEADER + '=1+1,"+cmd|\' /C calc\'!A0"\n@SUM(A1),-2+3\n',
     [("=1+1", "+cmd|' /C calc'!A0"), ("@SUM(A1)", "-2+3")], {}),
    ("right to left.csv", HEADER + "مرحبا,\u202eשלום\u202c\n", [("مرحبا", "\u202eשלום\u202c")], {}),
    ("emoji.jsonl", '{"prompt": "👩‍👩‍👧", "completion": "\\ud83d\\ude00"}', [("👩‍👩‍👧", "😀")], {}),
    ("zero width.csv", HEADER + "a\u200bb,\ufeffc\n", [("a\u200bb", "\ufeffc")], {}),
    ("control characters.csv", HEADER + "a\x1bb,c\x07d and some more text around it\n",
     [("a\x1bb", "c\x07d and some more text around it")], {}),
    ("line ends.csv", "prompt,completion\r\na,b\rc,d\n", AB, {}),
    ("line ends.jsonl", ROWS.replace("\n", "\r", 1) + "\r\n", AB, {}),
    ("nan.csv", HEADER + "NaN,null\nNone,#N/A\n", [("NaN", "null"), ("None", "#N/A")], {}),
    ("nan.jsonl", '{"prompt": NaN, "completion": null}\n{"prompt": -Infinity, "completion": 1.50}',
     [("NaN", None), ("-Infinity", "1.50")], {}),
    ("mixed kinds.jsonl", '{"prompt": 1, "completion": true}\n{"prompt": "a", "completion": [1.0]}\n{"other": -0}',
     [("1", "true", None), ("a", None, None), (None, None, "-0")], {"finding": "mixed-keys"}),
    ("whole numbers.jsonl", '{"a": 12345678901234567890123, "b": 1e5}\n{"a": 7, "b": 8}',
     [("12345678901234567890123", "1e5"), ("7", "8")], {}),
    ("ragged.csv", HEADER + "a\nb,c,d\ne,f\ng,h\n", [("a", None), ("e", "f"), ("g", "h")], {"finding": "extra-cells"}),
    ("one text column.csv", 'text\n"a, b"\nc\n', [("a, b",), ("c",)], {"notes": "one column, 'text'"}),
    ("single quotes.csv", "prompt,completion\n'a, b','c'\n'd','e, f'\n", [("a, b", "c"), ("d", "e, f")], {}),
    ("bare quotes.tsv", 'prompt\tcompletion\n"a\tb\nc\td\n', [('"a', "b"), ("c", "d")], {"notes": "quotes do not"}),
    ("lines.csv", ROWS, AB, {"format": "jsonl", "notes": "read as JSONL"}),
    ("list.csv", json.dumps([{"prompt": "a", "completion": "b"}]), [("a", "b")], {"format": "json"}),
    ("table.csv", PARQUET, AB, {"format": "parquet"}),
    ("table.jsonl", BOOK, AB, {"format": "xlsx"}),
    ("packed.csv", PACKED, AB, {"format": "jsonl", "notes": "unpacked from gzip"}),
    ("packed.csv.gz", gzip.compress((HEADER + "a,b\nc,d\n").encode()), AB, {"format": "csv"}),
    ("packed.parquet.gz", gzip.compress(PARQUET), AB, {"format": "parquet"}),
    ("packed.xlsx.gz", gzip.compress(BOOK), AB, {"format": "xlsx"}),
    ("two parts.jsonl.gz", gzip.compress(ROWS[:35].encode()) + gzip.compress(ROWS[35:].encode()), AB, {}),
    ("kinds.parquet",
     parquet_of({
         "day": [date(2026, 1, 2)], "at": [datetime(2026, 1, 2, 3, 4)], "number": [1.5], "whole": [2**60],
         "price": [Decimal("1.10")], "yes": [True], "none": pa.array([None], pa.null()), "nan": [float("nan")],
         "bytes": [b"text"], "class": pa.array(["x"]).dictionary_encode(),
     }),
     [("2026-01-02", "2026-01-02 03:04:00.000000", "1.5", str(2**60), "1.10", "true", None, None, "text", "x")], {}),
    ("picture.parquet", parquet_of({"text": ["a"], "image": [b"\xff\xd8\xff\x00"]}), [("a",)],
     {"notes": "bytes that are no text were left out: 'image'"}),
    ("no text.parquet", parquet_of({"text": pa.array([b"a\xff", None]).view(pa.string())}),
     [("a\ufffd",), (None,)], {}),
    ("values.xlsx", book([["n", "day", "yes", "x"], [1.0, datetime(2026, 1, 2), True, 2.5]]),
     [("1", "2026-01-02", "true", "2.5")], {}),
    ("leading rows.xlsx", book([[], [], ["prompt", "completion"], [], ["a", "b"]], merged="A6:B7"), [("a", "b")],
     {"notes": "the header is line 3"}),
    ("beyond.xlsx", book([["p", "q"], ["a", "b", "c"], ["d"]]), [("a", "b", "c"), ("d", None, None)], {}),
    ("empty first.xlsx", book([], [["p", "q"], ["a", "b"]]), [("a", "b")], {"choices": ("Sheet1", "Sheet2")}),
    ("prose.txt", "One line,\nand another.\n\n \n\n  The second, it is.\r\n", [("One line,\nand another.",),
     ("  The second, it is.",)], {"format": "text"}),
    ("scene.txt", "[Scene 1]\n{enter}, a king\n", [("[Scene 1]\n{enter}, a king",)], {"format": "text"}),
    ("rows.txt.gz", PACKED, AB, {"format": "jsonl", "name": "rows.txt.gz"}),
    ("notes.md", "# Title\n\n* a, b\n* c, d\n", [("# Title",), ("* a, b\n* c, d",)], {"format": "text"}),
    ("poem.txt", "Roses are red, violets are blue.\nSugar is sweet, and so are you.\n",
     [("Roses are red, violets are blue.\nSugar is sweet, and so are you.",)], {"format": "text"}),
    ("splits.json", '{"train": [["a", "b"], ["c", "d"]], "val": [["e", "f"]]}', AB, {"choices": ("train", "val")}),
    ("scalars.jsonl", '{"prompt": "a", "completion": "b"}\n\u00a0\n\n{"prompt": "c", "completion": "d"}', AB, {}),
    ("nul inside.jsonl", '{"prompt": "a\\u0000", "completion": "b"}', [("a\0", "b")], {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "rows", "said"), READ, ids=[case[0] for case in READ])
def test_reads(
    tmp_path: Path, name: str, content: str | bytes, rows: list[tuple[str | None, ...]], said: dict[str, Any]
) -> None:
    table = read(written(tmp_path, name, content))
    assert cells(table) == rows
    assert list(table.numbers[:1]) == [1]
    for key, expected in said.items():
        if key == "notes":
            assert expected in "; ".join(table.notes)
        elif key == "finding":
            assert expected in {each.kind for each in table.findings}
        elif key == "choices":
            assert expected in table.choices.values()
        else:
            assert getattr(table, key) == expected


REFUSED: list[tuple[str, str | bytes, str]] = [
    ("empty.jsonl", "", "'empty.jsonl' is empty"),
    ("blank.txt", " \n\t\n\u00a0\n", "is empty"),
    ("only mark.csv", codecs.BOM_UTF8, "is empty"),
    ("packed nothing.gz", gzip.compress(b""), "is empty"),
    ("header only.csv", HEADER, "and no rows below it"),
    ("header only.xlsx", book([["prompt", "completion"]]), "and no rows below it"),
    ("nul.jsonl", ROWS.encode() + b'{"prompt": "\0"}\n', "a NUL byte (line 3, byte"),
    ("late nul.csv", HEADER.encode() + b"a,b\n" * 100_000 + b"c\0,d\n", "a NUL byte (line 100002, byte"),
    ("open quote.csv", HEADER + 'a,b\n"c,d\ne,f\n', 'row 2 (it begins on line 3) has a quote (") that is never closed'),
    ("far quote.csv", HEADER + "a,b\n" * 100_000 + '"c" d,e\n', "row 100,001 (it begins on line 100,002) has a quote"),
    ("twice.csv", "a,a\n1,2\n", "names 'a' more than once"),
    ("twice.xlsx", book([["a", "a"], [1, 2]]), "names 'a' more than once"),
    ("wide.csv", ",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join("x" * 10_000) + "\n", "10,000 columns"),
    ("wide.jsonl", json.dumps({f"c{i}": "x" for i in range(10_000)}), "more than 1,000 different names"),
    ("deep.jsonl", ROWS + '{"prompt": ' + "[" * 500 + "]" * 500 + "}\n", "Line 3, lists or objects nest more than 100"),
    ("deep.json", "[" * 5000 + "]" * 5000, "nest more than 100 levels deep"),
    ("deep item.json", '[{"a": 1}, {"a": ' + "[" * 200 + "]" * 200 + "}]", "nest more than 100 levels deep"),
    ("trailing comma.json", '[{"a": 1},\n]', "line 2, column 1: a comma stands before ']', and nothing follows it"),
    ("comment.json", '[\n// rows\n{"a": 1}]', "line 2, column 1: a comment stands there ('// rows"),
    ("joined.json", '[{"a": 1}][{"a": 2}]', "the JSON is complete before '[{\"a\": 2}]', and more follows"),
    ("joined.jsonl", '{"a": 1}{"a": 2}\n{"a": 3}\n', "Line 1, column 9: the JSON is complete before"),
    ("scalars.json", "[1, 2, 3]", "is a list of 3 texts or numbers"),
    ("scalars.jsonl", "1\n2\n", "lines 1 and 2 cannot be read"),
    ("repeated.jsonl", ROWS + '{"prompt": "a", "prompt": "b"}\n', "Line 3, one object gives the name 'prompt' twice"),
    (
        "repeated inside.jsonl",
        '{"m": [{"a": "x", "a": "y\\""}]}\n' + ROWS,
        "Line 1, one object gives the name 'a' twice",
    ),
    ("raw control.jsonl", ROWS + '{"prompt": "a\tb"}\n', "Line 3, column 14: invalid control character"),
    ("csv.json", HEADER + "a,b\n", "If it is CSV"),
    ("other rows.csv", "a,b\n1,2,3\n4,5,6\n", "2 of 2 rows have more cells than the header's 2 (rows 1 and 2)"),
    ("cut.csv.gz", PACKED[:-12], "ends in the middle"),
    ("broken.jsonl.gz", PACKED[:14] + b"\xff\xff\xff" + PACKED[17:], "damaged"),
    ("twice packed.csv.gz", gzip.compress(PACKED), "a gzip archive inside another"),
    ("cut.parquet", PARQUET[:-20], "a Parquet file by its first bytes and cannot be read"),
    ("broken.parquet", PARQUET[:4] + bytes(len(PARQUET) - 12) + PARQUET[-8:], "cannot be read"),
    ("no rows.parquet", parquet_of({"a": pa.array([], pa.string())}), "a Parquet file with no rows"),
    ("cut.xlsx", BOOK[: len(BOOK) // 2], "an Excel workbook by its first bytes and cannot be read"),
    ("broken.xlsx", zipped(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<"}), "cannot be read"),
    ("nothing.xlsx", book([]), "has no sheet with rows ('Sheet1' are empty)"),
    ("archive.xlsx", zipped(**{"rows.csv": b"a,b\n"}), "a ZIP archive and no workbook"),
    ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook (XLS), or a newer one with a"),
    ("rows.tar", bytes(257) + b"ustar\x0000" + bytes(300), "a TAR archive"),
    ("rows.zst", b"\x28\xb5\x2f\xfd" + bytes(20), "a Zstandard archive"),
    ("base.csv", b"SQLite format 3\0" + bytes(20), "a SQLite database"),
    ("names\x1b[31m.csv", "a\x1b[31mb and more text around it\n", "one column only"),
]


@pytest.mark.parametrize(("name", "content", "expected"), REFUSED, ids=[ascii(case[0]) for case in REFUSED])
def test_refuses_and_says_where(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        read(written(tmp_path, name, content))
    message = str(caught.value)
    assert expected in message
    assert repr(name) in message
    assert_shows_no_controls(caught.value)


def test_many_kinds_of_file_are_covered() -> None:
    assert len(READ) + len(REFUSED) >= 80


class TestBombs:
    """Files that are small on the disk and vast in memory."""

    def test_gzip_of_a_high_ratio(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unpack, "RATIO_FREE_BYTES", 2**20)
        path = written(tmp_path, "a.csv.gz", gzip.compress(HEADER.encode() + b"a,b\n" * 2_000_000))
        with pytest.raises(StudioError, match="unpacks to more than 300 times its"):
            read(path)

    def test_gzip_of_many_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unpack, "MAX_BYTES", 100_000)
        path = written(tmp_path, "a.csv.gz", gzip.compress(HEADER.encode() + os.urandom(80_000).hex().encode()))
        with pytest.raises(StudioError, match="unpacks to more and at most"):
            read(path)

    def test_workbook(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.xlsx", zip_bomb(600 * 2**20))
        assert path.stat().st_size < 2**20
        with pytest.raises(StudioError, match="unpacks to 600 MiB, and at most 512 MiB"):
            read(path)

    def test_workbook_with_a_far_cell(self, tmp_path: Path) -> None:
        made = openpyxl.Workbook()
        made.active.append(["prompt", "completion"])
        made.active.append(["a", "b"])
        made.active["XFD900000"] = "far"
        stream = io.BytesIO()
        made.save(stream)
        with pytest.raises(StudioError, match=r"more than 1,000 different names|columns"):
            read(written(tmp_path, "a.xlsx", book([["a", "b"], *[["x"] * 1200]])))
        assert cells(read(written(tmp_path, "far.xlsx", stream.getvalue()), limit=1))[0] == ("a", "b")

    def test_parquet_that_says_its_size(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = written(tmp_path, "a.parquet", parquet_of({"a": ["x" * 1000 + str(i) for i in range(3000)]}))
        monkeypatch.setattr(parquet, "MAX_BYTES", 2**20)
        with pytest.raises(StudioError, match=r"unpacks to 0\.0 GiB or more, and at most"):
            read(path)

    def test_parquet_that_repeats_one_text(self, tmp_path: Path) -> None:
        """9 MB, 400,000 times: 3.6 TB that fit into a few kB. Nothing of it may be unpacked."""
        path = written(tmp_path, "a.parquet", parquet_of({"a": pa.DictionaryArray.from_arrays(
            pa.array([0] * 400_000, pa.int32()), pa.array(["x" * 9_000_000]))}, compression="zstd"))  # fmt: skip
        assert path.stat().st_size < 2**20
        with pytest.raises(StudioError, match="GiB or more, and at most 2 GiB is read"):
            read(path)

    def test_parquet_that_repeats_one_text_in_lists(self, tmp_path: Path) -> None:
        lists = pa.ListArray.from_arrays(
            pa.array([0, 300_000], pa.int32()),
            pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), pa.array(["x" * 100_000])),
        )
        path = written(tmp_path, "a.parquet", parquet_of({"a": lists}, compression="zstd"))
        with pytest.raises(StudioError, match="GiB or more, and at most 2 GiB is read"):
            read(path)

    def test_parquet_of_many_rows_or_values(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = written(tmp_path, "a.parquet", parquet_of({"a": [[1] * 100] * 30}))
        monkeypatch.setattr(parquet, "MAX_VALUES", 2999)
        with pytest.raises(StudioError, match="has 3,000 values in 'a"):
            read(path)
        monkeypatch.setattr(gather, "MAX_ROWS", 29)
        with pytest.raises(StudioError, match="more than 29 rows"):
            read(path)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.csv", HEADER + "a,b\n" * 30), ("b.csv", HEADER + 'a,5" b\n' * 30), ("c.jsonl", ROWS * 15),
         ("d.json", json.dumps([PAIRS] * 30)), ("e.txt", "a\n\n" * 30),
         ("f.xlsx", book([["p", "q"], *[["a", "b"]] * 30]))],
    )  # fmt: skip
    def test_rows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | bytes) -> None:
        path = written(tmp_path, name, content)
        assert len(read(path)) == 30
        monkeypatch.setattr(gather, "MAX_ROWS", 29)
        with pytest.raises(StudioError, match="more than 29 rows"):
            read(path)

    def test_one_line_of_many_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = written(tmp_path, "a.jsonl", ROWS + '{"prompt": "' + "x" * 3 * 2**20 + '"}\n')
        assert len(read(path)) == 3
        monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 2**20)
        with pytest.raises(StudioError, match=r"line 3 is longer than 1 MiB"):
            read(path)

    @pytest.mark.parametrize(
        ("name", "start", "end", "expected"),
        [
            (
                "a.jsonl",
                b'{"prompt": "',
                b'"}',
                "row 1 has a 'prompt' of 50,000,000 characters, and at most 10,000,000",
            ),
            ("a.json", b'[{"prompt": "', b'"}]', "row 1 has a 'prompt' of 50,000,000 characters"),
            ("a.csv", HEADER.encode() + b"a,", b"\n", "row 1 (it begins on line 2) has a cell of more than 10,000,000"),
            (
                "b.csv",
                HEADER.encode() + b'a,"',
                b"\n",
                "row 1 (it begins on line 2) has a cell of more than 10,000,000",
            ),
            ("c.csv", b"", b"", "one column only"),
            ("a.txt", b"", b"", "row 1 has a 'text' of 50,000,000 characters"),
        ],
    )
    def test_fifty_megabytes_in_one_line(
        self, tmp_path: Path, name: str, start: bytes, end: bytes, expected: str
    ) -> None:
        with pytest.raises(StudioError) as caught:
            read(written(tmp_path, name, start + b"x" * 50_000_000 + end))
        assert expected in str(caught.value)


class TestReading:
    """What the user says of a file goes before what is detected."""

    def test_encoding(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.csv", (HEADER + "ж,щ\n").encode("koi8-r"))
        table = read(path, reading=Reading(encoding="koi8-r"))
        assert cells(table) == [("ж", "щ")]
        assert "encoding koi8-r, as chosen" in table.notes

    @pytest.mark.parametrize("encoding", ["no such", "rot13", "punycode", "hex", "a\0b"])
    def test_no_encoding(self, tmp_path: Path, encoding: str) -> None:
        with pytest.raises(StudioError, match="is no encoding that is known"):
            read(written(tmp_path, "a.csv", HEADER + "a,b\n"), reading=Reading(encoding=encoding))

    @pytest.mark.parametrize(("chosen", "delimiter"), [(":", ":"), ("tab", "\t"), ("\\t", "\t"), (";", ";")])
    def test_delimiter(self, tmp_path: Path, chosen: str, delimiter: str) -> None:
        path = written(tmp_path, "a.txt", f"prompt, x{delimiter}completion\na, b{delimiter}c\n")
        table = read(path, reading=Reading(delimiter=chosen))
        assert (cells(table), table.delimiter) == ([("a, b", "c")], delimiter)

    def test_no_delimiter(self, tmp_path: Path) -> None:
        with pytest.raises(StudioError, match="has to be one character and no quote"):
            read(written(tmp_path, "a.csv", HEADER + "a,b\n"), reading=Reading(delimiter="--"))

    def test_quotes(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.csv", HEADER + "\"a,b\"\n'c','d'\n")
        assert cells(read(path, reading=Reading(quote="none"))) == [('"a', 'b"'), ("'c'", "'d'")]
        path = written(tmp_path, "b.csv", HEADER + "'c, d','e'\n")
        assert cells(read(path, reading=Reading(quote="'"))) == [("c, d", "e")]

    def test_sheet(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.xlsx", book([["p", "q"], ["a", "b"]], [["r", "s"], ["c", "d"]], []))
        table = read(path, reading=Reading(sheet="Sheet2"))
        assert (cells(table), table.choices["sheet"]) == ([("c", "d")], ("Sheet1", "Sheet2", "Sheet3"))
        with pytest.raises(StudioError, match="has no sheet 'Sheet4'"):
            read(path, reading=Reading(sheet="Sheet4"))
        with pytest.raises(StudioError, match="'Sheet3' is empty"):
            read(path, reading=Reading(sheet="Sheet3"))

    def test_split(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.json", '{"train": [{"a": "b"}], "test": [{"a": "c"}]}')
        assert cells(read(path, reading=Reading(split="test"))) == [("c",)]

    def test_nested_numbers_stay_as_written(self, tmp_path: Path) -> None:
        row = '{"m": [{"weight": 0, "t": 3.10, "big": 1e400, "half": "\\ud800"}], "d": {"a": -0}}'
        table = read(written(tmp_path, "a.jsonl", row))
        assert [each.to_pylist() for each in table.nested.values()] == [
            ['[{"weight":0,"t":3.10,"big":"1e400","half":"\ufffd"}]'],
            ['{"a":-0}'],
        ]


def test_parquet_lists_and_structs(tmp_path: Path) -> None:
    messages = [[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]]
    data = parquet_of({"messages": messages, "tags": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    table = read(written(tmp_path, "a.parquet", data))
    assert next(table.rows) == {"messages": messages[0], "tags": [["k", 1]]}
    assert list(table.nested) == ["messages", "tags"]


def test_a_folder_is_its_files_one_after_another(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    written(folder, "a.csv", HEADER + "a,b\nx,y,z\nc,d\ne,f\n")
    written(folder, "b.jsonl", '{"prompt": "g", "extra": [1]}\n')
    written(folder, "c.parquet", PARQUET)
    written(folder, ".hidden.csv", "nothing")
    written(folder, "paper.pdf", "nothing")
    written(folder, "README.md", "Some words about the rows.")
    table = read(folder)
    assert table.columns == ("prompt", "completion", "extra")
    assert [row["prompt"] for row in table.rows] == ["a", "c", "e", "g", "a", "c"]
    assert table.numbers.tolist() == [1, 3, 4, 5, 6, 7]
    assert [(each.rows, each.message.split(":")[0]) for each in table.findings] == [([2], "In 'a.csv'")]
    assert table.nested["extra"].to_pylist() == [None, None, None, "[1]", None, None]
    files = ["3 files", "'a.csv': csv", "'b.jsonl': jsonl", "'c.parquet': parquet"]
    assert [note.split(",")[0] for note in table.notes[:-1]] == files
    assert "'README.md'" in table.notes[-1]
    assert [row["prompt"] for row in read(folder, limit=4).rows] == ["a", "c", "e", "g"]


def test_every_broken_file_of_a_folder_is_named(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "")
    written(tmp_path, "b.jsonl", "{")
    written(tmp_path, "c.csv", HEADER + "a,b\n")
    with pytest.raises(StudioError) as caught:
        read(tmp_path)
    assert "a.csv" in str(caught.value)
    assert "b.jsonl" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", HEADER + "a,b\n" * 5_000_000), ("b.jsonl", ROWS * 300_000), ("c.csv", HEADER + 'a,5" b\n' * 3_000_000)],
)
def test_the_first_rows_need_only_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    path = written(tmp_path, name, content)
    done = 0
    pieces = unpack.Source.pieces

    def counted(source: unpack.Source) -> Iterator[bytes]:
        nonlocal done
        for piece in pieces(source):
            done += len(piece)
            yield piece

    monkeypatch.setattr(unpack.Source, "pieces", counted)
    table = read(path, limit=7)
    assert (len(table), table.numbers.tolist()) == (7, list(range(1, 8)))
    assert done < 15 * 2**20 < path.stat().st_size


def test_nothing_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working, home = tmp_path / "working", tmp_path / "home"
    for folder in (working, home, tmp_path / "files"):
        folder.mkdir()
    monkeypatch.chdir(working)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(home))
    for number, (name, content, *_) in enumerate([*READ, *REFUSED]):
        path = written(tmp_path / "files", f"{number} {name}", content)
        with contextlib.suppress(StudioError):
            read(path)
        assert path.read_bytes() == as_bytes(content)
    assert not list(working.iterdir())
    assert not list(home.iterdir())
    assert len(list((tmp_path / "files").iterdir())) == len(READ) + len(REFUSED)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=st.sampled_from(READ), places=st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=4)), max_size=5))
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, case: Case, places: list[tuple[float, bytes]]) -> None:
    name, content, *_ = case
    data = bytearray(as_bytes(content))
    for share, replaced in places:
        place = int(share * len(data))
        data[place : place + max(1, len(replaced))] = replaced
    try:
        assert len(list(read(written(tmp_path, name, bytes(data))).rows))
    except StudioError as error:
        assert_shows_no_controls(error)


@pytest.mark.parametrize("place", [b"name", b"yes"])
def test_a_parquet_column_whose_name_is_no_text(tmp_path: Path, place: bytes) -> None:
    data = parquet_of({"name": ["a"], "yes": ["b"]}, store_schema=False).replace(place, b"\xe5" + place[1:])
    with pytest.raises(StudioError, match="cannot be read"):
        read(written(tmp_path, "a.parquet", data))


HOSTILE: list[Callable[[str], tuple[str, str | bytes]]] = [
    lambda text: ("a.csv", f"{text}\n"),
    lambda text: ("a.csv", f"{text},{text}\nb,c\n"),
    lambda text: ("a.json", json.dumps({text: text}, ensure_ascii=False)),
    lambda text: ("a.json", json.dumps([text])),
    lambda text: ("a.json", json.dumps({text: [{}], "b" + text: [{"a": 1}]})),
    lambda text: ("a.jsonl", f"{{}}\n{text}\n"),
    lambda text: ("a.jsonl", "{}\n" + json.dumps(text)),
    lambda text: ("a.jsonl", "{}\n" + f"{{{json.dumps(text)}: 1, {json.dumps(text)}: 2}}"),
    lambda text: ("a.parquet", parquet_of({text: pa.array([], pa.string())})),
    lambda text: ("a.xlsx", zipped(**{"[Content_Types].xml": text.encode()})),
    lambda text: (f"{text.replace(chr(0), '').replace('/', '')}.csv", "a\n"),
]


@pytest.mark.parametrize("made", HOSTILE)
def test_messages_hold_no_control_characters(tmp_path: Path, made: Callable[[str], tuple[str, str | bytes]]) -> None:
    name, content = made(CONTROLS)
    with pytest.raises(StudioError) as caught:
        read(written(tmp_path, name, content))
    assert_shows_no_controls(caught.value)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(as_bytes(content))
    return path


def as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def cells(table: Table) -> list[tuple[str | None, ...]]:
    columns = [table.texts(column).to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def assert_shows_no_controls(error: StudioError) -> None:
    for problem in error.problems:
        assert not set(CONTROLS) & set(problem), problem
        assert len(problem) < 700


def test_the_limits_are_what_the_messages_say() -> None:
    assert unpack.MAX_BYTES == 2 * 2**30
    assert gather.MAX_ROWS == 5_000_000
    assert workbook.MAX_WORKBOOK_BYTES == 512 * 2**20
