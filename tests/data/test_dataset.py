"""One call, from a file to the rows to train on and the rows held out."""

import subprocess
import sys
from pathlib import Path

import pytest

from studio.data.split import fingerprint
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


def test_rows_that_go_on_in_an_input_column(tmp_path: Path) -> None:
    found = prepare_file(
        csv(tmp_path, "hi,,hello", "sum up,long text,short", "bye,,ciao", header="instruction,input,output")
    )
    assert found.report.left_out == [2]
    assert (found.report.rows, found.report.usable) == (3, 2)


def test_a_row_that_could_not_be_read_counts_as_a_row(tmp_path: Path) -> None:
    found = prepare_file(csv(tmp_path, "a,b", "c,d,e", "f,g"), held_out_share=0)
    assert (found.rows, found.report.usable, found.report.left_out) == (3, 2, [2])
    assert [pair.row for pair in found.train] == [1, 3]


def test_imports_nothing_heavy() -> None:
    code = f"import sys, studio.data.dataset; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
