"""Files that nobody here wrote: every one is read, and holds what an independent reader finds in it."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from studio.data.files.read import SUFFIXES, read
from studio.data.part import Reading
from studio.home import CHECKOUT

FOLDER = CHECKOUT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared files are not here")

CONVERSATION = ("id", "conversations")
FILES: list[tuple[str, str, str, int, tuple[str, ...]]] = [
    ("bundestag/19005-BOM.txt", "text", "utf-8", 52, ("text",)),
    ("chatgpt-prompts/prompts-4MB.csv", "csv", "utf-8", 1529, ("act", "prompt", "for_devs", "type", "contributor")),
    ("chatgpt-prompts/prompts-BOM.csv", "csv", "utf-8", 169, ("act", "prompt")),
    ("chatgpt-prompts/prompts.xlsx", "xlsx", "utf-8", 169, ("act", "prompt")),
    ("clinc-oos/data_small.json", "json", "utf-8", 7500, ("column 1", "column 2")),
    ("clinc-oos/domains.json", "json", "utf-8", 15, ("banking", "credit_cards", "kitchen_and_dining", "home", "...")),
    ("deita/subset_train_sft.parquet", "parquet", "utf-8", 5, ("prompt", "prompt_id", "messages")),
    ("fastchat/dummy_conversation.json", "json", "utf-8", 500, CONVERSATION),
    ("fastchat/mt_bench_question.jsonl", "jsonl", "utf-8", 80, ("question_id", "category", "turns", "reference")),
    ("gsm8k/test.jsonl", "jsonl", "utf-8", 1319, ("question", "answer")),
    ("humaneval/HumanEval.jsonl.gz", "jsonl", "utf-8", 164, ("task_id", "prompt", "entry_point", "...")),
    ("llama-factory-demos/c4_demo.jsonl", "jsonl", "utf-8", 300, ("text",)),
    ("llama-factory-demos/dpo_en_demo.json", "json", "utf-8", 300, ("conversations", "chosen", "rejected")),
    ("llama-factory-demos/glaive_toolcall_en_demo.json", "json", "utf-8", 300, ("conversations", "tools")),
    ("llama-factory-demos/identity.json", "json", "utf-8", 91, ("instruction", "input", "output")),
    ("llama-factory-demos/kto_en_demo.json", "json", "utf-8", 300, ("messages", "label")),
    ("llama-factory-demos/v1_sft_demo.jsonl", "jsonl", "utf-8", 500, ("messages",)),
    ("oasst-zh/oaast_sft_zh.json", "json", "utf-8", 766, ("instruction", "input", "output", "history")),
    ("self-instruct/seed_tasks.jsonl", "jsonl", "utf-8", 175, ("id", "name", "instruction", "instances", "...")),
    ("shakespeare/input.txt", "text", "utf-8", 7222, ("text",)),
    ("sms-spam/spam.csv", "csv", "windows-1252", 5572, ("v1", "v2", "column 3", "column 4", "column 5")),
    ("xquad/xquad.ar.json", "json", "utf-8", 48, ("paragraphs", "title")),
]


def test_every_shared_file_is_here() -> None:
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.name.lower().endswith(SUFFIXES)}
    assert there - {"SOURCES.md"} == {file for file, *_ in FILES}


@pytest.mark.parametrize(("file", "kind", "encoding", "rows", "columns"), FILES, ids=[case[0] for case in FILES])
def test_reads(file: str, kind: str, encoding: str, rows: int, columns: tuple[str, ...]) -> None:
    table = read(FOLDER / file)
    assert (table.format, table.encoding, len(table), table.total) == (kind, encoding, rows, rows)
    named = tuple(column for column in columns if column != "...")
    assert table.columns[: len(named)] == named
    assert len(table.columns) == len(named) or columns[-1] == "..."
    assert table.numbers.tolist() == list(range(1, rows + 1))
    found = list(table.rows)
    for row, other in zip(found, independent(FOLDER / file), strict=True):
        assert [plain(cell) for cell in row.values()] == [plain(other.get(name)) for name in other_names(row, other)]
    head = read(FOLDER / file, limit=5)
    assert list(head.rows) == [{name: row[name] for name in head.columns} for row in found[:5]]


def test_a_split_is_chosen() -> None:
    table = read(FOLDER / "clinc-oos/data_small.json", reading=Reading(split="oos_val"))
    assert len(table) == 100
    assert "train" in table.choices["split"]


def test_several_files_at_once() -> None:
    table = read(FOLDER / "fastchat")
    assert (len(table), table.format) == (580, "several")
    assert table.columns == ("id", "conversations", "question_id", "category", "turns", "reference")


def other_names(row: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of a row's columns as the independent reader calls them: by place, where they have none."""
    return [name if name in other else f"unnamed {place}" for place, name in enumerate(row)]


def plain(cell: Any) -> Any:
    """A cell as text, as it is in a table; lists and objects as they are."""
    if isinstance(cell, (list, dict)):
        return cell
    return json.dumps(cell) if isinstance(cell, bool) else None if cell is None else str(cell)


def independent(path: Path) -> list[dict[str, Any]]:
    """The rows of a file by another way."""
    if path.suffix == ".parquet":
        import pandas

        return json.loads(pandas.read_parquet(path).to_json(orient="records"))
    if path.suffix == ".xlsx":
        import pandas

        return pandas.read_excel(path, dtype=str, keep_default_na=False).to_dict("records")
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = data.decode("cp1252" if path.name == "spam.csv" else "utf-8-sig")
    if path.suffix == ".csv":
        header, *rows = csv.reader(text.splitlines(keepends=True))
        names = [name or f"unnamed {place}" for place, name in enumerate(header)]
        return [dict(zip(names, row, strict=True)) for row in rows if row]
    if path.suffix == ".txt":
        text = re.sub("\r\n|\r", "\n", text)
        return [{"text": each.strip("\n")} for each in re.split(r"\n(?:[^\S\n]*\n)+", text) if each.strip()]
    if ".jsonl" in path.name:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    document = json.loads(text)
    if isinstance(document, list):
        return document
    if "data" in document:
        return document["data"]
    lists = document.get("train") or list(zip(*document.values(), strict=True))
    names = ["column 1", "column 2"] if "train" in document else list(document)
    return [dict(zip(names, row, strict=True)) for row in lists]
