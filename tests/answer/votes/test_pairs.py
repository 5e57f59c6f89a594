"""Votes as preference pairs, and the data room reading them back."""

from __future__ import annotations

import io
import json

import pytest

from studio.answer.votes.pairs import keep_pairs, pairs_of, write_pairs
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.run.submit import prepare_part
from tests.answer.votes.casting import cast

VOTES = [
    cast("first"), cast("first", turned=True), cast("tie"), cast("bad"), cast("same", answers=("x", "x")),
    cast("first", answers=("", "x")),
]  # fmt: skip


def written(votes) -> list[dict[str, object]]:
    file = io.BytesIO()
    write_pairs(pairs_of(votes), file)
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_only_votes_for_one_answer_make_pairs():
    assert written(VOTES) == [
        {"prompt": "Colour?", "chosen": "red", "rejected": "green"},
        {"prompt": "Colour?", "chosen": "green", "rejected": "red"},
    ]


def test_with_a_system_prompt_all_are_conversations_in_trls_form():
    first, second = written([cast("second"), cast("second", system="Be brief.")])
    user = {"role": "user", "content": "Colour?"}
    said = {
        "chosen": [{"role": "assistant", "content": "green"}],
        "rejected": [{"role": "assistant", "content": "red"}],
    }
    assert first == {"prompt": [user], **said}
    assert second == {"prompt": [{"role": "system", "content": "Be brief."}, user], **said}


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_the_data_room_reads_them_as_preferences(home, system):
    votes = [
        cast("second", prompt=[*cast("tie", system=system).prompt[:-1], {"role": "user", "content": f"Colour {n}?"}])
        for n in range(12)
    ]
    path = keep_pairs(home.uploads, pairs_of(votes), "votes of fox")
    assert path == keep_pairs(home.uploads, pairs_of(votes), "votes of fox")
    prepared = prepare_part(DataPart(path=str(path)))
    assert prepared.train.type == "preference"
    example = prepared.train[0]
    assert (example.completion, example.rejected) == ("green", "red")
    assert len(example.asked) == (2 if system else 1)


def test_no_pairs_no_file(home):
    with pytest.raises(StudioError, match="40 pairs or more"):
        keep_pairs(home.uploads, pairs_of([cast("tie")]), "votes")
