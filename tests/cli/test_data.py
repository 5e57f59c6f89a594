"""`data FILE`: what it is, how it is read, what is wrong with it."""

from __future__ import annotations

import csv
import json
import zipfile

import pytest

from studio.__main__ import main
from studio.data.dataset import prepare
from studio.data.part import Mapped, Reading
from studio.knob import knobs
from studio.recipe.read import changed, load_recipe
from studio.recipe.recipe import Recipe
from tests.data.hub.fake_hub import serving


@pytest.fixture
def facts(capsys):
    """`facts(path, "--prompt", "q")`: the JSON that `data` prints, or its error; nothing else is printed."""

    def ask(*arguments):
        status = main(["data", *map(str, arguments), "--json"])
        printed = capsys.readouterr()
        assert printed.err == ""
        found = json.loads(printed.out)
        assert status == ("error" in found)
        return found

    return ask


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


def test_what_the_page_knows_is_there_too(pairs_file, facts):
    found = facts(pairs_file, "--held-out-share", "0.25", "--split-seed", "3")
    part = changed(Recipe(), {"data.path": str(pairs_file), "data.held_out_share": 0.25, "data.split_seed": 3}).data
    assert found["fingerprint"] == prepare(part).fingerprint
    assert (found["usable"], found["train"], found["held_out"]) == (24, 18, 6)
    assert (found["shape"], found["type"], found["example_format"]) == (
        "prompt-completion",
        "prompt-completion",
        "standard",
    )
    assert found["used"] == {"prompt": "prompt", "completion": "completion"}


def test_a_recipe_gives_the_same_rows_and_fingerprint(pairs_file, tmp_path, facts):
    mends = [{"kind": "drop", "rows": [2, 3]}, {"kind": "edit", "row": 5, "field": "completion", "text": "violet"}]
    recipe = changed(Recipe(), {"data.path": str(pairs_file), "data.mends": mends, "data.held_out_share": 0.2})
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    found = facts("--recipe", tmp_path / "recipe.yaml")
    expected = prepare(load_recipe(tmp_path / "recipe.yaml").data)
    assert found["fingerprint"] == expected.fingerprint
    assert found["usable"] == 22
    assert facts("--recipe", tmp_path / "recipe.yaml", "--held-out-share", "0")["train"] == 22
    assert facts(pairs_file, "--held-out-share", "0.2")["fingerprint"] != found["fingerprint"]


def test_how_a_file_is_read_can_be_said(tmp_path, facts):
    path = tmp_path / "odd.csv"
    path.write_bytes("frage|antwort\nGrüße?|größer\nWie?|so\n".encode("cp1252"))
    found = facts(path, "--encoding", "windows-1252", "--delimiter", "|", "--held-out-share", "0")
    assert (found["columns"], found["delimiter"], found["usable"]) == (["frage", "antwort"], "|", 2)
    wrong = facts(path, "--delimiter", "#", "--held-out-share", "0")
    assert wrong.get("columns") != ["frage", "antwort"]


def test_columns_and_templates_are_options(tmp_path, facts, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("q,context,a\nWho?,Tom is here.,Tom\nWhere?,Mira is at home.,home\n", "utf-8")
    found = facts(path, "--prompt-template", "{q}\n{context}", "--completion", "a", "--export", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert rows[0] == {"prompt": "Who?\nTom is here.", "completion": "Tom"}
    assert found["exported"] == [str(tmp_path / "out.jsonl"), str(tmp_path / "out.provenance.json")]
    with pytest.raises(SystemExit):
        main(["data", "--help"])
    help_text = capsys.readouterr().out
    for knob in [*knobs(Reading), *knobs(Mapped)]:
        assert f"--{knob.name.replace('_', '-')} " in help_text


def test_cleaned_rows_as_csv_and_zip(tmp_path, pairs_file, facts):
    facts(pairs_file, "--export", tmp_path / "clean.csv")
    with (tmp_path / "clean.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 24
    facts(pairs_file, "--export", tmp_path / "clean.zip")
    with zipfile.ZipFile(tmp_path / "clean.zip") as archive:
        assert archive.namelist() == ["train.jsonl", "held_out.jsonl", "provenance.json"]
    assert "exported as .jsonl or .csv" in facts(pairs_file, "--export", tmp_path / "clean.xlsx")["error"]


def test_a_thorough_look_finds_more(tmp_path, facts):
    path = tmp_path / "mine.csv"
    lines = [f"Who is number {n} of them all?,It is somebody else each time: {n * 7919}" for n in range(30)]
    path.write_text("\n".join(["prompt,completion", *lines, "Who wrote?,mira.holm@tidewick.org did"]) + "\n", "utf-8")
    kinds = {finding["kind"] for finding in facts(path)["findings"]}
    scanned = {finding["kind"] for finding in facts(path, "--scan")["findings"]}
    assert kinds < scanned
    assert "personal-data" in scanned - kinds


def test_a_folder_and_plain_text(tmp_path, facts):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"prompt,completion\n{name}1?,1\n{name}2?,2\n", "utf-8")
    assert facts(tmp_path)["rows"] == 4
    (tmp_path / "text.txt").write_text("Once upon a time.\n\nThere was a town.\n", "utf-8")
    found = facts(tmp_path / "text.txt")
    assert (found["shape"], found["type"]) == ("text", "language modeling")


def test_a_dataset_of_the_hub(tmp_path, monkeypatch, facts):
    rows = b"".join(b'{"prompt": "%d?", "completion": "x"}\n' % n for n in range(8))
    with serving({"me/set": {"train.jsonl": rows[:150], "test.jsonl": rows}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        found = facts("hf://datasets/me/set", "--split", "test", "--home", tmp_path / "home")
        assert (found["rows"], found["name"]) == (8, "set-test.parquet")
        assert "'nope'" in facts("hf://datasets/me/set", "--split", "nope", "--home", tmp_path / "home")["error"]
    again = facts("hf://datasets/me/set", "--split", "test", "--home", tmp_path / "home")
    assert again["fingerprint"] == found["fingerprint"]


def test_what_is_asked_wrongly(tmp_path, pairs_file, facts):
    (tmp_path / "empty.yaml").write_text("data: {}", "utf-8")
    assert "names no training data" in facts("--recipe", tmp_path / "empty.yaml")["error"]
    assert "hf://datasets/me/set" in facts("me/set")["error"]
    assert "largest value is 0.5" in facts(pairs_file, "--held-out-share", "0.9")["error"]
    for arguments in ([], [str(pairs_file), "--split-by", "colour"]):
        with pytest.raises(SystemExit) as ended:
            main(["data", *arguments])
        assert ended.value.code == 2
