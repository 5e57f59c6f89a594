"""`votes`: the verdict in words or JSON, and the files."""

from __future__ import annotations

import json

import pytest

from studio.__main__ import main
from studio.answer.voice import Voice
from studio.answer.votes.kept import add_vote
from tests.answer.votes.casting import cast
from tests.prepared_runs import prepare_run


@pytest.fixture
def call(home, capsys):
    def run_it(*arguments: str) -> tuple[int, str, str]:
        status = main(["votes", "fox", *arguments, "--home", str(home.root)])
        return status, *capsys.readouterr()

    return run_it


def test_the_verdict_and_both_files(home, call, tmp_path):
    run = prepare_run(home, "fox")
    assert "Nobody has voted on fox yet" in call()[1]
    half = Voice.of_run("fox", strength=0.5)
    for vote in [cast("second"), cast("first"), cast("second"), cast("second"), cast("tie")]:
        add_vote(run, vote)
    add_vote(run, cast("first", voices=(half, Voice.of_run("fox", "checkpoint-4"))))
    _, told, _ = call()
    assert "base and tuned: tuned wins 3 to 1, 95 % interval" in told
    assert "Beside these: 1 tie." in told
    assert "tuned at 0.5 wins 1 to 0" in told
    assert "Preference pairs: 5; 40 or more" in told
    found = json.loads(call("--json", "--to", str(tmp_path / "pairs.jsonl"))[1])
    assert (found["votes"], found["pairs"], found["path"]) == (6, 5, str(tmp_path / "pairs.jsonl"))
    assert found["verdicts"][0]["tally"]["wins"] == [1, 3]
    lines = (tmp_path / "pairs.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"prompt": "Colour?", "chosen": "green", "rejected": "red"}
    call("--as", "votes", "--to", str(tmp_path / "votes.jsonl"))
    assert len((tmp_path / "votes.jsonl").read_text().splitlines()) == 6
    status, _, wrong = call("--to", str(tmp_path / "none" / "x.jsonl"))
    assert (status, "cannot be written" in wrong) == (1, True)
