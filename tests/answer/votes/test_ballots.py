"""Ballots: held until the vote, used once, gone after an hour; the order of two answers is a matter of chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studio.answer.settings import Settings
from studio.answer.votes.ballots import KEPT, MOST, Ballot, Ballots, shuffled
from studio.errors import StudioError
from studio.run.directory import Run
from tests.answer.votes.casting import ASKED, BASE, TUNED

BALLOT = Ballot(Run(Path("fox")), ASKED, (TUNED, BASE), ("green", "red"), Settings(), row=3, made=0.0)


def test_a_ballot_is_used_once():
    ballots = Ballots(lambda: 1.0)
    id = ballots.hand_out(BALLOT)
    vote = ballots.use(id, lambda ballot: ballot.vote("second"))
    assert (vote.winner, vote.row, vote.answers) == (BASE, 3, ("green", "red"))
    for gone in (id, "", "no such"):
        with pytest.raises(StudioError, match="All votes so far are kept"):
            ballots.use(gone, lambda ballot: ballot)


def test_a_ballot_whose_vote_could_not_be_kept_stays_open():
    ballots = Ballots(lambda: 1.0)
    id = ballots.hand_out(BALLOT)

    def fail(ballot: Ballot) -> None:
        raise StudioError("full")

    with pytest.raises(StudioError, match="full"):
        ballots.use(id, fail)
    assert ballots.use(id, lambda ballot: ballot) is BALLOT


def test_ballots_expire_and_there_are_only_so_many():
    now = [1.0]
    ballots = Ballots(lambda: now[0])
    old = ballots.hand_out(BALLOT)
    now[0] = KEPT + 1
    with pytest.raises(StudioError, match="more than an hour"):
        ballots.use(old, lambda ballot: ballot)
    ids = [ballots.hand_out(replace(BALLOT, made=now[0])) for _ in range(MOST + 1)]
    with pytest.raises(StudioError, match="gone"):
        ballots.use(ids[0], lambda ballot: ballot)
    assert ballots.use(ids[-1], lambda ballot: ballot.row) == 3


def test_ids_cannot_be_guessed_and_orders_cannot_be_foreseen():
    ballots = Ballots(lambda: 1.0)
    ids = {ballots.hand_out(BALLOT) for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id) >= 32 for id in ids)
    firsts = [shuffled("ab")[0] for _ in range(600)]
    assert 200 < firsts.count("a") < 400  # 8 standard deviations


def test_the_same_words_are_noticed():
    assert replace(BALLOT, answers=("green", " green\n")).same
    assert replace(BALLOT, answers=("", "  ")).same
    assert not BALLOT.same
