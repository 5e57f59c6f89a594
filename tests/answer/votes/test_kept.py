"""Votes in the run's folder: appended whole, read past what was torn, taken back by a line of their own."""

from __future__ import annotations

import json
import os
import threading

import pytest

from studio.answer.votes.kept import add_vote, read_votes, undo_vote, votes_path
from studio.errors import StudioError
from studio.run.directory import Run
from tests.answer.votes.casting import BASE, TUNED, cast


@pytest.fixture
def run(tmp_path) -> Run:
    (tmp_path / "fox").mkdir()
    return Run(tmp_path / "fox")


def test_a_vote_comes_back_as_it_was_cast(run):
    assert read_votes(run) == []
    vote = cast("second", row=7, system="Be brief.", answers=("a\n\u2028b", "<b>\x1b[0m"))
    add_vote(run, vote)
    assert read_votes(run) == [vote]
    (line,) = votes_path(run).read_text("utf-8").split("\n")[:-1]
    said = json.loads(line)
    assert (said["choice"], said["row"], said["answers"][1]) == ("second", 7, "<b>\x1b[0m")
    assert said["voices"][1]["source"] == {"run": "fox", "part": "result"}
    assert vote.winner == TUNED
    assert cast("first", turned=True).better_and_worse == ("green", "red")
    assert cast("bad").winner is cast("tie").better_and_worse is None


def test_a_vote_is_taken_back_and_the_file_only_grows(run):
    votes = [cast("first"), cast("second"), cast("tie")]
    for vote in votes:
        add_vote(run, vote)
    before = votes_path(run).read_bytes()
    undo_vote(run, votes[1].id)
    assert read_votes(run) == [votes[0], votes[2]]
    assert votes_path(run).read_bytes().startswith(before)
    with pytest.raises(StudioError, match="not there any more"):
        undo_vote(run, votes[1].id)


def test_torn_and_strange_lines_are_skipped_and_ended_before_the_next_vote(run):
    first, second = cast("first"), cast("second")
    add_vote(run, first)
    with votes_path(run).open("ab") as file:
        file.write(b'[1]\n{"choice": "maybe"}\n\xff\xfe\n' + second.model_dump_json().encode()[:60])
    assert read_votes(run) == [first]
    add_vote(run, second)
    assert read_votes(run) == [first, second]


def test_a_vote_is_on_the_disk_before_it_is_said_to_be(run, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    add_vote(run, cast("first"))
    assert synced == [votes_path(run).stat().st_size]


def test_votes_of_many_threads_are_all_whole(run):
    votes = [cast("first", answers=("x" * 5000, str(number))) for number in range(40)]
    threads = [threading.Thread(target=add_vote, args=(run, vote)) for vote in votes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {vote.id for vote in read_votes(run)} == {vote.id for vote in votes}


def test_where_it_cannot_be_kept_it_says_what_to_do(run, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StudioError, match=r"No space left on device.*Free some space"):
            add_vote(run, cast("first"))
    assert read_votes(run) == []
    run.path.rmdir() if not votes_path(run).exists() else votes_path(run).unlink()
    votes_path(run).mkdir()
    with pytest.raises(StudioError, match="cannot be read"):
        read_votes(run)
    assert BASE != TUNED
