"""`data FILE`: what it is, how it is read, what is wrong with it."""

from __future__ import annotations

import json

from studio.__main__ import main


def test_a_file_in_words_and_as_json(pairs_file, capsys):
    assert main(["data", str(pairs_file)]) == 0
    assert "colours.csv: 24 rows, 24 usable" in capsys.readouterr().out
    assert main(["data", str(pairs_file), "--json"]) == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert {"rows", "shape", "encoding", "columns", "findings"} <= set(facts)
    assert (facts["rows"], facts["columns"], facts["encoding"]) == (24, ["prompt", "completion"], "utf-8")
    assert printed.err == ""


def test_findings_say_what_where_and_how_often(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("prompt,completion\na,1\n,2\na,1\n", "utf-8")
    assert main(["data", str(path), "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert all({"kind", "count", "rows", "message"} <= set(finding) for finding in findings)
    assert [2] in [finding["rows"] for finding in findings]


def test_columns_chosen_by_hand(pairs_file, capsys):
    assert main(["data", str(pairs_file), "--prompt", "completion", "--completion", "prompt", "--json"]) == 0
    assert "by hand" in json.loads(capsys.readouterr().out)["mapping"]


def test_a_file_that_cannot_be_read(tmp_path, capsys):
    path = tmp_path / "none.csv"
    assert main(["data", str(path)]) == 1
    printed = capsys.readouterr()
    assert "none.csv" in printed.err
    assert printed.out == ""
    assert main(["data", str(path), "--json"]) == 1
    assert "none.csv" in json.loads(capsys.readouterr().out)["error"]
