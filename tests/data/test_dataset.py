"""One call, from a file to the rows to train on and the rows held out."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from studio.data.dataset import prepare
from studio.data.division.split import fingerprint
from studio.data.mends.every import Drop, TrimSpaces
from studio.data.part import DataPart, Mapped
from studio.errors import StudioError
from tests.data.prepared import prepare_file

HEAVY = ("torch", "transformers", "peft", "trl", "pandas", "datasets", "openpyxl", "rensa", "scipy", "gradio")


def csv(folder: Path, *rows: str, header: str = "prompt,completion", name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", "utf-8")
    return path


ROWS = [f"question {n},answer {n}" for n in range(1, 41)]


def test_the_whole_way(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, *ROWS, ",no prompt", ROWS[0]), held_out_share=0.25, split_seed=3)
    assert (found.name, found.format, found.encoding, found.rows) == ("mine.csv", "csv", "utf-8", 42)
    assert (len(found.train), len(found.held_out), found.report.usable) == (30, 10, 40)
    assert found.report.left_out == [41, 42]
    assert (found.mapping.prompt, found.mapping.completion) == ("prompt", "completion")
    assert found.fingerprint == fingerprint(found.train)
    assert all(pair.prompt == f"question {pair.row}" for pair in [*found.train, *found.held_out])
    assert found.table.facts["rows"] == 42


def test_columns_by_hand_whole_and_in_part(tmp_path: Path) -> None:
    path = csv(tmp_path, "ham,hello", "spam,win", header="v1,v2")
    assert prepare_file(path, "v2", "v1").train[0].completion in {"ham", "spam"}
    with pytest.raises(StudioError, match="Choose the two columns by hand"):
        prepare_file(path, "v2", None)
    half = csv(tmp_path, "pirate,arr", "cook,salt", header="act,prompt")
    assert prepare_file(half, "act", "prompt", held_out_share=0).train[0].prompt == "pirate"
    mapping = prepare_file(csv(tmp_path, "a,b", "c,d", header="answer,what"), "what", "").mapping
    assert (mapping.prompt, mapping.completion) == ("what", "answer")
    with pytest.raises(StudioError, match="has no column 'x'"):
        prepare_file(path, "x", "v1")


def test_a_held_out_file_and_what_leaks_into_it(tmp_path: Path) -> None:
    path = csv(tmp_path, *ROWS)
    other = csv(tmp_path, "QUESTION  7,seven", "question 99,answer 99", ",empty", name="held.csv")
    found = prepare_file(path, held_out_share=0.5, held_out_path=other)
    assert [pair.row for pair in found.held_out] == [1, 2]
    assert [(each.kind, each.rows) for each in found.report.findings] == [("leak", [7])]
    assert len(found.train) == found.report.usable == 39
    assert found.held_out_report is not None
    assert found.held_out_report.left_out == [3]


def test_a_held_out_file_of_no_use(tmp_path: Path) -> None:
    path = csv(tmp_path, *ROWS)
    with pytest.raises(StudioError, match=r"'held\.csv' has no usable row"):
        prepare_file(path, held_out_path=csv(tmp_path, ",a", name="held.csv"))
    with pytest.raises(StudioError, match=r"'held\.csv' has no column 'prompt' and 'completion'"):
        prepare_file(path, held_out_path=csv(tmp_path, "a,b", header="v1,v2", name="held.csv"))
    same = prepare_file(path, held_out_path=path)
    assert same.train == []
    assert "No usable row is left" in same.report.errors[0]


def test_one_prompt_for_all(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, "Say it,a", "say it,b"))
    assert found.held_out == []
    assert "one-prompt" in {each.kind for each in found.report.findings}


def test_the_prompt_that_goes_on_in_an_input_column(tmp_path: Path) -> None:
    found = prepare_file(
        csv(tmp_path, "hi,,hello", "sum up,long text,short", header="instruction,input,output"), held_out_share=0
    )
    assert [pair.prompt for pair in found.train] == ["hi", "sum up\n\nlong text"]


def near_pairs(number: int) -> list[str]:
    """Rows in twos: the second of each says nearly the same as the first, under another prompt."""
    topics = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(number)]
    texts = [" ".join(topic[i : i + 4] for i in range(0, 64, 2)) for topic in topics]
    return [row for text in texts for row in (f"{text},yes", f"{text} please,yes")]


def test_near_duplicates_stay_on_one_side_and_it_is_said(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, *near_pairs(30)), held_out_share=0.3)
    assert {(row - 1) // 2 for row in found.train.rows}.isdisjoint((row - 1) // 2 for row in found.held_out.rows)
    assert len(found.held_out) == 18
    together = next(each for each in found.report.findings if each.kind == "kept-together")
    assert (together.count, together.left_out) == (60, False)
    assert "in 30 groups" in together.message


def test_near_duplicates_of_a_held_out_file_are_leaks(tmp_path: Path) -> None:
    rows = near_pairs(12)
    held = csv(tmp_path, *rows[:6:2], name="held.csv")
    found = prepare_file(csv(tmp_path, *rows), held_out_path=held)
    leaks = {each.kind: each.rows for each in found.report.findings if each.left_out}
    assert leaks == {"leak": [1, 3, 5], "near-leak": [2, 4, 6]}
    assert found.report.usable == len(found.train) == 18


def test_a_split_by_what_is_not_there_is_an_error_on_the_report(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, *ROWS), split_by="label")
    assert "no label column is chosen" in found.report.errors[0]
    assert len(found.held_out) == 0


def test_a_split_by_label_and_by_group(tmp_path: Path) -> None:
    rows = [f"question {n},answer {n},{'abc'[n % 3]}" for n in range(30)]
    path = csv(tmp_path, *rows, "question 30,answer 30,d", header="prompt,completion,kind")
    found = prepare_file(path, mapped=Mapped(label_column="kind"), split_by="label", held_out_share=0.2)
    assert Counter(each.label for each in found.held_out) == {"a": 2, "b": 2, "c": 2}
    alone = next(each for each in found.report.findings if each.kind == "lone-class")
    assert (alone.rows, "'d'" in alone.message) == ([31], True)
    found = prepare_file(path, mapped=Mapped(group_column="kind"), split_by="group", held_out_share=0.4)
    assert {each.group for each in found.held_out}.isdisjoint(each.group for each in found.train)
    assert len(found.held_out) == 11 or len(found.held_out) == 10
    one = csv(tmp_path, *(f"q{n},a{n},same" for n in range(9)), header="prompt,completion,kind", name="one.csv")
    found = prepare_file(one, mapped=Mapped(group_column="kind"), split_by="group")
    assert "one-group" in {each.kind for each in found.report.findings}


def test_the_same_part_gives_the_same_rows_and_fingerprint(tmp_path: Path) -> None:
    path = csv(tmp_path, *ROWS)
    first, second = (prepare_file(path, mends=(TrimSpaces(),), held_out_share=0.2) for _ in range(2))
    assert (first.train, first.held_out, first.fingerprint) == (second.train, second.held_out, second.fingerprint)
    other = prepare_file(path, mends=(Drop(rows=(1,)),), held_out_share=0.2)
    assert other.fingerprint != first.fingerprint
    assert 1 not in [*other.train.rows, *other.held_out.rows]


def test_it_tells_how_far_it_is_and_takes_a_table_that_was_read(tmp_path: Path) -> None:
    path = csv(tmp_path, *ROWS)
    part, told = DataPart(path=str(path)), []
    first = prepare(part, lambda what, done, total: told.append((what, done, total)))
    assert [what for what, _, _ in told][:2] == ["reading the file", "checking rows"]
    assert ("looking for near-duplicates", 40, 40) in told
    path.unlink()
    assert prepare(part, table=first.table).fingerprint == first.fingerprint


def test_a_row_that_could_not_be_read_counts_as_a_row(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, "a,b", "c,d,e", "f,g"), held_out_share=0)
    assert (found.rows, found.report.usable, found.report.left_out) == (3, 2, [2])
    assert [pair.row for pair in found.train] == [1, 3]


def test_imports_nothing_heavy() -> None:
    code = f"import sys, studio.data.dataset; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_held_out_file_is_mended_too_but_not_by_row_number(tmp_path: Path) -> None:
    held = csv(tmp_path, *(f"asked {n},  told {n} " for n in range(9)), name="held.csv")
    mends = (Drop(rows=(1, 2)), TrimSpaces())
    found = prepare_file(csv(tmp_path, *ROWS), held_out_path=held, mends=mends)
    assert [example.completion for example in found.held_out] == [f"told {n}" for n in range(9)]
    assert (len(found.train), len(found.examples)) == (38, 38)
