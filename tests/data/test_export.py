"""The cleaned rows leave as JSONL or CSV, with a note of where they came from, and come back equal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from studio.data.dataset import Prepared, prepare
from studio.data.example import Example, Examples
from studio.data.export import export_file, export_zip, formula_safe, write_rows
from studio.data.mends.every import Drop, TrimSpaces
from studio.data.part import DataPart
from studio.errors import StudioError

ROWS = [(f"Question {n}? ", f"answer {n}") for n in range(1, 31)] + [("", "nothing asked"), ("Formula?", "=1+1")]
MENDS = (Drop(rows=(3, 5)), TrimSpaces())


@pytest.fixture
def part(tmp_path: Path) -> DataPart:
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("prompt", "completion"), *ROWS])
    return DataPart(path=str(path), mends=MENDS, held_out_share=0.2)


@pytest.fixture
def prepared(part: DataPart) -> Prepared:
    return prepare(part)


def written(rows: Examples, suffix: Any = ".jsonl") -> str:
    file = io.BytesIO()
    write_rows(rows, suffix, file)
    return file.getvalue().decode("utf-8-sig")


def test_exported_rows_come_back_equal(prepared: Prepared, part: DataPart, tmp_path: Path):
    export_file(prepared, part, tmp_path / "clean.jsonl")
    again = prepare(DataPart(path=str(tmp_path / "clean.jsonl"), held_out_share=0.2))
    assert again.fingerprint == prepared.fingerprint
    texts = [[(each.prompt, each.completion) for each in rows] for rows in (again.train, prepared.train)]
    assert texts[0] == texts[1]
    assert [each.prompt for each in again.held_out] == [each.prompt for each in prepared.held_out]
    assert len(again.examples) == again.report.usable == 29


def test_provenance_says_where_from_and_what_was_done(prepared: Prepared, part: DataPart, tmp_path: Path):
    beside = export_file(prepared, part, tmp_path / "clean.jsonl")
    assert beside.name == "clean.provenance.json"
    facts = json.loads(beside.read_text("utf-8"))
    assert facts["source"]["sha256"] == {"mine.csv": hashlib.sha256(Path(part.path).read_bytes()).hexdigest()}
    assert facts["source"]["rows"] == 32
    assert [mend["kind"] for mend in facts["mends"]] == ["drop", "trim-spaces"]
    assert facts["fingerprint"] == prepared.fingerprint
    assert facts["split"] == {"held_out_path": "", "held_out_share": 0.2, "split_seed": 42, "split_by": "prompt"}
    assert facts["files"] == {"clean.jsonl": {"rows": 29, "source_rows": "1-2,4,6-30,32"}}
    assert facts["type"] == "prompt-completion"
    assert "formula_safe" not in facts


def test_a_zip_holds_both_sides_of_the_split(prepared: Prepared, part: DataPart, tmp_path: Path):
    export_zip(prepared, part, tmp_path / "rows.zip", ".csv")
    with zipfile.ZipFile(tmp_path / "rows.zip") as archive:
        assert archive.namelist() == ["train.csv", "held_out.csv", "provenance.json"]
        sides = [list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))
                 for name in archive.namelist()[:2]]  # fmt: skip
        facts = json.loads(archive.read("provenance.json"))
    assert [len(side) for side in sides] == [len(prepared.train), len(prepared.held_out)]
    assert {"prompt": "Formula?", "completion": "'=1+1"} in sides[0] + sides[1]
    assert facts["formula_safe"].startswith("A cell that begins with =")
    assert facts["files"]["held_out.csv"]["rows"] == len(prepared.held_out)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str):
    assert formula_safe(f"{start}cmd") == f"'{start}cmd"
    row = Examples.of([Example(1, "Is it 3 - 2?", f'{start}HYPERLINK("http://x")\r\nx')])
    cells = list(csv.reader(io.StringIO(written(row, ".csv"), newline="")))
    assert cells == [["prompt", "completion"], ["Is it 3 - 2?", f'\'{start}HYPERLINK("http://x")\r\nx']]


TURNS = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Ho"},
]
TALK = Example(1, "Hi", "Ho", messages=json.dumps(TURNS), tools='[{"type": "function"}]')
SHORT = Example(2, "Hi", "Ho")


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (Examples.of([SHORT]), [{"prompt": "Hi", "completion": "Ho"}]),
        (
            Examples.of([TALK, SHORT], "language modeling"),
            [{"messages": TURNS, "tools": [{"type": "function"}]}, {"messages": TURNS[1:]}],
        ),
        (
            Examples.of([TALK, SHORT]),
            [
                {"prompt": TURNS[:2], "completion": TURNS[2:], "tools": [{"type": "function"}]},
                {"prompt": TURNS[1:2], "completion": TURNS[2:]},
            ],
        ),
        (Examples.of([Example(1, "", "Once.")], "language modeling"), [{"text": "Once."}]),
        (
            Examples.of([Example(1, "Hi", "Ho", rejected="No")], "preference"),
            [{"prompt": "Hi", "chosen": "Ho", "rejected": "No"}],
        ),
        (
            Examples.of([Example(1, "Hi", "Ho", messages=json.dumps(TURNS), rejected="No")], "preference"),
            [{"prompt": TURNS[:2], "chosen": TURNS[2:], "rejected": [{"role": "assistant", "content": "No"}]}],
        ),
        (
            Examples.of([Example(1, "a", "b", label="x", source="template 1 of row 3"), Example(2, "c", "d")]),
            [
                {"prompt": "a", "completion": "b", "label": "x", "source": "template 1 of row 3"},
                {"prompt": "c", "completion": "d", "label": "", "source": ""},
            ],
        ),
    ],
    ids=["pair", "conversation", "conversational pair", "text", "preference", "conversational preference", "extras"],
)
def test_each_shape_has_the_fields_of_trl(rows: Examples, lines: list[dict[str, Any]]):
    assert [json.loads(line) for line in written(rows).splitlines()] == lines


def test_a_csv_has_the_columns_of_every_row():
    rows = Examples.of([SHORT, TALK], "language modeling")
    found = list(csv.DictReader(io.StringIO(written(rows, ".csv"), newline="")))
    assert [json.loads(row["messages"]) for row in found] == [TURNS[1:], TURNS]
    assert [row["tools"] for row in found] == ["", '[{"type": "function"}]']


def test_lines_stay_lines_whatever_is_in_them():
    row = Examples.of([Example(1, "a\nb\u2028c\x85", "ü🙂")])
    assert written(row).count("\n") == 1
    assert json.loads(written(row)) == {"prompt": "a\nb\u2028c\x85", "completion": "ü🙂"}


def test_another_suffix_or_folder_is_refused(prepared: Prepared, part: DataPart, tmp_path: Path):
    with pytest.raises(StudioError, match=r"exported as .jsonl or .csv"):
        export_file(prepared, part, tmp_path / "clean.xlsx")
    with pytest.raises(StudioError, match="could not be written"):
        export_file(prepared, part, tmp_path / "none" / "clean.jsonl")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv"}


def turns(*texts: str, **last: Any) -> list[dict[str, Any]]:
    spoken = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)]
    return [*spoken[:-1], spoken[-1] | last]


CALL = {"id": "1", "type": "function", "function": {"name": "sky", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "sky", "parameters": {"type": "object", "properties": {}}}}
SHAPES: dict[str, Any] = {
    "instruction": lambda n: {"instruction": f"Do {n}", "input": f"with {n}", "output": f"done {n}"},
    "system": lambda n: {"system": "Be kind.", "prompt": f"What {n}?", "response": f"That {n}."},
    "history": lambda n: {"instruction": f"And {n}?", "output": f"So {n}.", "history": [["Hi", "Ho"]]},
    "messages": lambda n: {"messages": turns("Hi", "Ho", f"Why {n}?", f"So {n}.")},
    "single turns": lambda n: {
        "conversations": [{"from": "human", "value": f"Hi {n}"}, {"from": "gpt", "value": "Ho"}]
    },
    "tools": lambda n: {
        "messages": [
            {"role": "user", "content": f"Weather {n}?"},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "sun"},
            {"role": "assistant", "content": f"Sunny {n}."},
        ],
        "tools": [TOOL],
    },
    "muted": lambda n: {"messages": turns("Hi", "Ho", weight=0) + turns(f"Why {n}?", f"So {n}.")},
    "preference": lambda n: {"prompt": f"What {n}?", "chosen": f"Good {n}", "rejected": f"Bad {n}"},
    "text": lambda n: {"text": f"Once upon a time {n}.\n\nThere was a town."},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_comes_back_equal(shape: str, tmp_path: Path):
    lines = [json.dumps(SHAPES[shape](n)) + "\n" for n in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(lines), "utf-8")
    part = DataPart(path=str(tmp_path / "rows.jsonl"), held_out_share=0.2)
    before = prepare(part)
    export_file(before, part, tmp_path / "clean.jsonl")
    after = prepare(part.model_copy(update={"path": str(tmp_path / "clean.jsonl")}))
    assert [each.to_json() for each in after.train] == [each.to_json() for each in before.train]
    assert len(after.held_out) == len(before.held_out) == 4
    if shape != "history":  # answers are learned from that a prompt's never are, so it comes back as a conversation
        assert after.fingerprint == before.fingerprint
