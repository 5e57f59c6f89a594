"""`report` and `drift`: what they print and write; the models' part of drift is told by an evaluation made by hand."""

from __future__ import annotations

import json

import pytest

from studio.__main__ import main
from tests.prepared_runs import prepare_run
from tests.share.evaluated import evaluated
from tests.share.report.test_page import rows


@pytest.fixture
def call(home, capsys):
    def one(*words: str) -> tuple[int, str, str]:
        status = main([*words, "--home", str(home.root)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return one


def test_report_writes_a_file_and_prints_where(home, call, tmp_path):
    prepare_run(home, "2026-11-22-amber-fox")
    status, out, _ = call("report", "amber-fox", "--to", str(tmp_path / "a.html"), "--json")
    said = json.loads(out)
    assert (status, said["path"]) == (0, str(tmp_path / "a.html"))
    assert said["bytes"] == (tmp_path / "a.html").stat().st_size > 1000
    assert call("report", "nobody")[0] == 1


def test_drift_says_whether_to_tune_again(home, call, monkeypatch):
    run = prepare_run(home, "2026-11-22-amber-fox")
    marked = [row.model_copy(update={"source": "new" if row.row % 2 else "known"}) for row in rows(61)]
    asked = []

    def begin(home, run, part):
        asked.append(part.path)
        return evaluated(run, marked, "drift")

    monkeypatch.setattr("studio.answer.evaluation.begin.begin_drift", begin)
    monkeypatch.setattr("studio.cli.evaluations.see_through", lambda evaluation, tell: tell("reading"))
    status, out, err = call("drift", run.name, "new.csv", "--json")
    said = json.loads(out)
    assert (status, asked, said["new_rows"], said["known_rows"]) == (0, ["new.csv"], 30, 30)
    assert {each["key"] for each in said["comparisons"]} >= {"prompt length", "answer length", "words", "loss"}
    assert "reading" in err
    _, out, _ = call("drift", run.name, "new.csv")
    assert said["advice"][0] in out
    assert "Vocabulary: " in out
