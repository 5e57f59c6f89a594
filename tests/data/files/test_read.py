"""Files as people bring them: read right, or refused with a sentence that says where and what to do."""

import json
import random
from pathlib import Path

import pytest

from studio.data.files import delimited, delimited_quick, dialect, unpack
from studio.data.files.read import read
from studio.errors import StudioError

HEADER = "prompt,completion\n"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def first(folder: Path, name: str, content: str | bytes) -> tuple[str, ...]:
    return tuple(next(read(written(folder, name, content)).rows).values())


BAD = [
    ("empty.csv", "", "'empty.csv' is empty"),
    ("mark only.csv", b"\xef\xbb\xbf", "is empty"),
    ("blank.jsonl", "\n \n\n", "is empty"),
    ("header.csv", HEADER, "a header ('prompt' and 'completion') and no rows"),
    ("one column.csv", "prompt\na\nb\n", "its first line 'prompt' is one column only"),
    ("page.csv", "<html>\n<body>a, b</body>", "one column only"),
    ("twice.csv", "prompt,prompt,completion\na,b,c\n", "names 'prompt' more than once"),
    ("wide.csv", ",".join(f"c{n}" for n in range(2000)) + "\n1\n", "2,000 columns and at most 1,000"),
    ("open quote.csv", HEADER + 'a,b\n\n"c,d\ne,f\n', 'row 2 (it begins on line 4) has a quote (") that is never'),
    (
        "mid quote.csv",
        HEADER + 'a,b\n"c" d,e\n',
        'row 2 (it begins on line 3) has a quote (") that closes in the middle',
    ),
    ("open header.csv", '"prompt,completion\na,b\n', "one column only"),
    ("commas.csv", HEADER + "a,b\na, b, c\nd,e,f\n", "2 of 3 rows have more cells than the header's 2 (rows 2 and 3)"),
    ("nul.csv", b"prompt,completion\na,b\nc\0,d\n", "a NUL byte (line 3, byte 24 of the file)"),
    ("noise.csv", random.Random(0).randbytes(4096), "binary file under another name"),
    ("controls.csv", bytes(range(1, 256)) * 4, "control characters near its beginning"),
    ("book.csv", b"PK\x03\x04rest", "an Excel workbook by its first bytes and cannot be read"),
    ("rows.jsonl", b"\x1f\x8brest", "a gzip archive that ends in the middle"),
    ("table.csv", b"PAR1rest", "a Parquet file by its first bytes and cannot be read"),
    ("paper.csv", b"%PDF-1.7", "a PDF"),
    ("comma.json", '[{"a": "b"},\n {"a" "b"}]', "broken JSON at line 2, column 7: expecting ':' delimiter"),
    ("cut.json", '[{"a": "b"},\n {"a":', "broken JSON at line 2, column 7: the text ends in the middle"),
    ("cut text.json", '[{"a": "b"},\n {"a": "b', "line 2, column 8: a text begins with '\"b' and its closing quote"),
    ("more.json", '[{"a": 1}] [{"a": 2}]', "complete before '[{\"a\": 2}]', and more follows"),
    ("csv.json", "prompt,completion\na,b\n", "If it is CSV"),
    ("lines.jsonl", '{"a": 1}\n\n{"a": \n["b"]\n{"a": 2},\n', "lines 3, 4 and 5 cannot be read"),
    ("first line.jsonl", '{"a": \n{"a": 1}\n{"a": 2}\n', "line 1 cannot be read"),
    ("names.json", '[{"a": 1, "a": 2}]', "gives the name 'a' twice"),
    ("deep.json", "[" * 100_000, "lists or objects nest more than 100 levels deep"),
    ("deep.jsonl", '{"a": 1}\n' + '{"a":' * 100_000, "Line 2, lists or objects nest more than 100 levels"),
    ("no rows.json", "[]", "is an empty list"),
    ("no names.json", "{}", "is an empty object"),
    ("empty objects.json", "[{}, {}]", "has 2 objects and all are empty"),
    ("text.json", '"hello"', "holds one text or number ('hello') and nothing else"),
    ("null.json", "null", "holds null and nothing else"),
    ("texts.json", '["a", "b"]', "is a list of 2 texts or numbers, not of objects"),
    ("lists.json", '[["a", "b"], ["c"]]', "is a list of 2 lists of 2, not of objects"),
    ("stray.json", '[{"a": 1}, 3, {"a": 2}]', "row 2 is not an object like the rest, but one text or number ('3')"),
    (
        "splits.json",
        '{"easy": [{"a": 1}], "hard": [{"a": 1}]}',
        "several lists of rows: 'easy' (1) and 'hard' (1). Choose one",
    ),
    ("uneven.json", '{"prompt": ["a", "b"], "completion": ["c"]}', "'prompt' has 2 and 'completion' has 1"),
    ("named.json", '{"val": [["a"]], "test": [["b"]]}', "an object of 2 lists holding lists of 1"),
    ("pandas.json", '{"prompt": {"0": "a"}, "completion": {"0": "b"}}', 'to_json(orient="records")'),
    ("row.json", '{"prompt": "a", "completion": "b"}', "one object with the names 'prompt' and 'completion'"),
    ("keys.jsonl", "\n".join(json.dumps({f"k{n}": 1}) for n in range(1100)), "more than 1,000 different names"),
]


@pytest.mark.parametrize(("name", "content", "expected"), BAD, ids=[case[0] for case in BAD])
def test_refuses_and_says_why(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        read(written(tmp_path, name, content))
    message = str(caught.value)
    assert expected in message
    assert name in message
    assert max(map(len, caught.value.problems)) < 700


GOOD = [
    ("plain.csv", HEADER + "a,b\n", ("a", "b")),
    ("blank lines.csv", "\n\n" + HEADER + "\na,b\n", ("a", "b")),
    ("semicolon.csv", "prompt;completion\na, and more;b, c, d\n", ("a, and more", "b, c, d")),
    ("tab.tsv", "prompt\tcompletion\na, b\tc\n", ("a, b", "c")),
    ("bar.txt", "prompt|completion\na|b\n", ("a", "b")),
    ("hint.csv", "sep=;\r\nprompt;completion\r\na;b\r\n", ("a", "b")),
    ("spaced.csv", 'prompt, completion\na, "b, c"\n', ("a", "b, c")),
    ("lines.csv", HEADER + '"a\nb","c\r\n\r\nd"\n', ("a\nb", "c\r\n\r\nd")),
    ("old mac.csv", "prompt,completion\ra,b\r", ("a", "b")),
    ("doubled.csv", HEADER + '"say ""a""",b\n', ('say "a"', "b")),
    ("backslash.csv", HEADER + 'a,"he said \\"b\\", c"\n', ("a", 'he said "b", c')),
    ("inch.csv", HEADER + 'a,5" pipe\n', ("a", '5" pipe')),
    ("trailing.csv", HEADER + "a,b,,\n", ("a", "b")),
    ("long.csv", HEADER + f'a,"{"b" * 150_000}"\n', ("a", "b" * 150_000)),
    ("no suffix", "question,answer\na,b\n", ("a", "b")),
    ("json.csv", '{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n', ("a", "b")),
    ("list.json", '[{"prompt": "a", "completion": "b"}]', ("a", "b")),
    ("splits.json", '{"val": [["c", "d"]], "train": [["a", "b"]]}', ("a", "b")),
    ("lists.json", '[["a", "b"], ["c", "d"]]', ("a", "b")),
    ("wrapped.json", '{"version": 1, "data": [{"prompt": "a", "completion": "b"}]}', ("a", "b")),
    ("columns.json", '{"prompt": ["a", "c"], "completion": ["b", "d"]}', ("a", "b")),
    ("lines.json", '{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}', ("a", "b")),
    ("list.jsonl", '[{"prompt": "a", "completion": "b"},\n{"prompt": "c", "completion": "d"}]', ("a", "b")),
    ("one line.jsonl", '{"prompt": "a", "completion": "b"}', ("a", "b")),
    ("separator.jsonl", '{"prompt": "a\u2028b", "completion": "c\x85d"}\n{"prompt": "e"}', ("a\u2028b", "c\x85d")),
    ("numbers.json", '[{"prompt": 3.10, "completion": 1e400}]', ("3.10", "1e400")),
    ("digits.json", '[{"prompt": ' + "9" * 5000 + ', "completion": NaN}]', ("9" * 5000, "NaN")),
    ("half.json", '[{"prompt": "a\\ud83d", "completion": "\\ud83d\\ude00"}]', ("a\ufffd", "😀")),
]


@pytest.mark.parametrize(("name", "content", "expected"), GOOD, ids=[case[0] for case in GOOD])
def test_reads(tmp_path: Path, name: str, content: str | bytes, expected: tuple[str, str]) -> None:
    assert first(tmp_path, name, content) == expected


RUSSIAN = "вопрос,ответ\n" + "Как вас зовут сегодня,Меня зовут Иван и я живу в Москве\n" * 3
JAPANESE = "質問,答え\n" + "あなたの名前は何ですか,私の名前は太郎です\n" * 5
ENCODED = [
    (HEADER + "Größe,süß\n", "utf-8", "utf-8"),
    (HEADER + "Größe,süß\n", "utf-8-sig", "utf-8"),
    (HEADER + "Größe,süß\n", "utf-16", "utf-16"),
    (HEADER + "Größe,süß\n", "utf-16-le", "utf-16"),
    (HEADER + "Größe,süß\n", "utf-16-be", "utf-16"),
    (HEADER + "Größe,süß\n", "utf-32", "utf-32"),
    (HEADER + "Größe – „ja“,süß €\n", "cp1252", "windows-1252"),
    (HEADER + "Gr\x81öße,süß\n", "latin-1", "latin-1"),
    (RUSSIAN, "cp1251", "cp1251"),
    (JAPANESE, "shift_jis", "cp932"),
]


@pytest.mark.parametrize(("content", "encoding", "expected"), ENCODED, ids=[case[1] for case in ENCODED])
def test_finds_the_encoding(tmp_path: Path, content: str, encoding: str, expected: str) -> None:
    table = read(written(tmp_path, "a.csv", content.encode(encoding)))
    assert table.encoding == expected
    assert list(next(table.rows).values()) == content.splitlines()[1].split(",")
    assert table.columns == tuple(content.splitlines()[0].split(","))


def test_utf8_cut_in_a_character_stays_utf8(tmp_path: Path) -> None:
    table = read(written(tmp_path, "a.csv", (HEADER + "é,ö\nü,ä日").encode()[:-1]))
    assert table.encoding == "utf-8"
    assert [*list(table.rows)[1].values()] == ["ü", "ä\ufffd"]
    assert "1 place could not be read" in table.notes[0]


def test_ragged_rows_are_named_and_only_the_doubtful_are_left_out(tmp_path: Path) -> None:
    content = HEADER + "a,b\n\nc,d,e\nf\ng,h,\ni,j\n"
    table = read(written(tmp_path, "a.csv", content))
    assert table.numbers.tolist() == [1, 3, 4, 5]
    assert [(each.kind, each.rows, each.left_out) for each in table.findings] == [
        ("extra-cells", [2], True),
        ("missing-cells", [3], False),
    ]
    assert table.total == 5


def test_nameless_columns_get_numbers(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a.csv", "v1,v2,,\na,b,,\n")).columns == ("v1", "v2", "column 3", "column 4")


def test_mixed_names_are_a_note(tmp_path: Path) -> None:
    rows = '[{"prompt": "a", "completion": "b"}, {"prompt": "c"}, {"prompt": "d", "completion": "e"}]'
    (note,) = read(written(tmp_path, "a.json", rows)).findings
    assert (note.kind, note.rows, note.severity) == ("mixed-keys", [2], "note")


def test_a_later_reader_may_lower_the_cell_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (delimited, delimited_quick, dialect):
        monkeypatch.setattr(module, "MAX_CELL_CHARACTERS", 100)
    with pytest.raises(StudioError, match=r"row 2 \(it begins on line 3\) has a cell of more than 100 characters"):
        read(written(tmp_path, "a.csv", HEADER + f"a,b\nc,{'d' * 101}\n"))


def test_hostile_names_are_shown_harmless_and_short(tmp_path: Path) -> None:
    with pytest.raises(StudioError) as caught:
        read(written(tmp_path, "a.csv", "pro\x1b[31m\u202empt" + "k" * 50_000 + "\n"))
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, message in (
        (tmp_path / "none.csv", "There is no file"),
        (tmp_path, "is a folder without a file that is read"),
        (Path("/dev/null"), "is not a regular file"),
        (Path("a\0b"), "cannot be opened"),
    ):
        with pytest.raises(StudioError, match=message):
            read(path)
    monkeypatch.setattr(unpack, "MAX_BYTES", 10)
    with pytest.raises(StudioError, match="at most"):
        read(written(tmp_path, "a.csv", HEADER + "a,b\n"))


def test_the_users_name_decides_over_the_path(tmp_path: Path) -> None:
    path = written(tmp_path, "upload-17", '{"prompt": "a", "completion": "b"}')
    table = read(path, "mine.jsonl")
    assert (table.name, table.format) == ("mine.jsonl", "jsonl")
