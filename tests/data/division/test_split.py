"""Rows held out: the same ones for the same seed, and no prompt on both sides."""

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from studio.data.division.split import fingerprint, split
from studio.data.example import Example, Examples
from studio.errors import StudioError

PAIRS = Examples.of(Example(number, f"prompt {number % 80}", f"completion {number}") for number in range(1, 101))


def of(*examples: Example) -> Examples:
    return Examples.of(examples)


def test_the_same_seed_gives_the_same_rows_in_whatever_order() -> None:
    shuffled = PAIRS.take(random.Random(1).sample(range(len(PAIRS)), len(PAIRS)))
    assert set(split(PAIRS, 0.2, 7)[1]) == set(split(shuffled, 0.2, 7)[1])
    assert split(PAIRS, 0.2, 7) != split(PAIRS, 0.2, 8)


def test_the_held_out_rows_are_fixed_for_ever() -> None:
    _, held_out = split(PAIRS[:20], 0.2, 0)
    assert [pair.row for pair in held_out] == [9, 10, 13, 18]


def test_another_process_with_another_hash_seed_agrees() -> None:
    code = (
        "from studio.data.example import Example, Examples; from studio.data.division.split import split, fingerprint;"
        "ps=Examples.of(Example(n, f'prompt {n % 80}', f'completion {n}') for n in range(1, 101));"
        "print(fingerprint(split(ps, 0.2, 7)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONHASHSEED": "5"})
    assert done.stdout.strip() == fingerprint(split(PAIRS, 0.2, 7)[1]), done.stderr


def test_the_share_is_met() -> None:
    train, held_out = split(PAIRS, 0.2, 3)
    assert (len(train), len(held_out)) == (80, 20)
    assert [pair.row for pair in train] == sorted(pair.row for pair in train)


@pytest.mark.parametrize(("share", "sizes"), [(0.0, (2, 0)), (0.001, (1, 1)), (0.999, (1, 1))])
def test_two_rows(share: float, sizes: tuple[int, int]) -> None:
    train, held_out = split(of(Example(1, "a", "b"), Example(2, "c", "d")), share, 0)
    assert (len(train), len(held_out)) == sizes


def test_one_prompt_cannot_be_parted() -> None:
    assert split(of(Example(1, "A  b", "c"), Example(2, "a B", "d")), 0.5, 0)[1] == []


def test_one_huge_group_and_a_single_row() -> None:
    pairs = of(*(Example(number, "same", str(number)) for number in range(99)), Example(99, "other", "x"))
    assert [pair.row for pair in split(pairs, 0.5, 0)[1]] == [99]


@pytest.mark.parametrize("share", [-0.1, 1, 10, float("nan")])
def test_a_share_that_cannot_be(share: float) -> None:
    with pytest.raises(StudioError, match="at least 0 and below 1"):
        split(PAIRS, share, 0)


def test_fingerprint_is_of_the_texts_in_their_order() -> None:
    first, second = Example(1, "a", "b"), Example(2, "c", "d")
    assert fingerprint(of(first, second)) == fingerprint(of(Example(5, "a", "b"), Example(9, "c", "d")))
    others = [(first, second), (second, first), (first,), (), (Example(1, "ab", ""), second)]
    assert len({fingerprint(of(*each)) for each in others}) == 5


def test_the_fingerprint_of_pairs_is_fixed_for_ever() -> None:
    assert fingerprint(of(Example(1, "a", "b"), Example(2, "é", "\U0001f600"))).startswith("048ec5860ae7e652")


def test_the_fingerprint_is_of_all_that_is_learned_and_of_nothing_else() -> None:
    bare = Example(1, "a", "b")
    more = [{"messages": "[]"}, {"tools": "[]"}, {"rejected": "c"}, {"label": "c"}]
    assert len({fingerprint(of(replace(bare, **each))) for each in ({}, *more)}) == 5
    assert fingerprint(of(replace(bare, source="set.csv", group="g"))) == fingerprint(of(bare))
    assert fingerprint(Examples.of([bare], "language modeling")) != fingerprint(of(bare))
    mixed = of(bare, replace(bare, label="c"))
    assert fingerprint(mixed.take([0])) == fingerprint(of(bare)), "a field that only other rows fill changes nothing"


def test_near_duplicates_stay_together() -> None:
    ids = np.arange(len(PAIRS)) // 10
    train, held_out = split(PAIRS.take(np.arange(80)), 0.5, 0, together=ids[:80])
    assert {row // 10 for row in train.rows - 1}.isdisjoint(row // 10 for row in held_out.rows - 1)
    assert (len(train), len(held_out)) == (40, 40)


def test_ids_and_prompts_link_on_and_on() -> None:
    """1 and 2 are near-duplicates, 2 and 3 share a prompt, 3 and 4 are near-duplicates."""
    rows = of(Example(1, "a", ""), Example(2, "b", ""), Example(3, "B ", ""), Example(4, "c", ""), Example(5, "d", ""))
    assert split(rows, 0.5, 0, together=np.array([7, 7, 8, 8, 9]))[1] == [rows[4]]


def test_all_rows_of_a_group_are_on_one_side_and_rows_without_one_are_free() -> None:
    rows = of(*(Example(n, f"p{n}", "c", group=f"g{n % 4}" if n < 80 else "") for n in range(100)))
    train, held_out = split(rows, 0.3, 1, by="group")
    names = [{each.group for each in side} - {""} for side in (train, held_out)]
    assert names[0].isdisjoint(names[1])
    assert names[1]
    assert 25 <= len(held_out) <= 30
    assert {"" in {each.group for each in side} for side in (train, held_out)} == {True}


def test_which_groups_are_held_out_depends_on_their_names() -> None:
    """So that a group does not change sides when rows join it."""
    some, others = (
        of(*(Example(n, f"{word} {n}", "c", group=f"g{n % 10}") for n in range(100))) for word in ("some", "other")
    )
    held = [{each.group for each in split(rows, 0.3, 1, by="group")[1]} for rows in (some, others)]
    assert held[0] == held[1]
    assert len(held[0]) == 3


def test_every_class_is_held_out_by_the_same_share() -> None:
    rows = of(*(Example(n, f"p{n}", "c", label="rare" if n % 20 == 0 else "usual") for n in range(400)))
    assert Counter(each.label for each in split(rows, 0.1, 3, by="label")[1]) == {"usual": 38, "rare": 2}


def test_many_small_classes_add_up_to_the_share() -> None:
    rows = of(*(Example(n, f"p{n}", "c", label=str(n % 100)) for n in range(400)))
    held_out = split(rows, 0.1, 3, by="label")[1]
    assert len(held_out) == 40
    assert set(Counter(each.label for each in held_out).values()) == {1}


def test_units_too_large_for_a_class_overshoot_a_little_rather_than_leave_it_out() -> None:
    rows = of(*(Example(n, f"p{n // 3}", str(n), label="ab"[n // 30]) for n in range(60)))
    assert Counter(each.label for each in split(rows, 0.07, 3, by="label")[1]) == {"a": 3, "b": 3}


def test_a_class_of_one_row_or_one_prompt_stays_in_training() -> None:
    rows = of(*(Example(n, f"p{n}", "c", label=f"only {n}") for n in range(9)))
    assert split(rows, 0.5, 0, by="label")[1] == []
    rows = of(*(Example(n, f"p{n % 2}", str(n), label=str(n % 2)) for n in range(9)))
    assert split(rows, 0.5, 0, by="label")[1] == []


@pytest.mark.parametrize("by", ["group", "label"])
def test_a_column_that_is_not_there(by: Literal["group", "label"]) -> None:
    with pytest.raises(StudioError, match=f"no {by} column is chosen"):
        split(PAIRS, 0.1, 0, by=by)


def test_conversations_with_the_same_turns_before_the_answer_are_one_prompt() -> None:
    def row(number: int, system: str, answer: str) -> Example:
        turns = [("system", system), ("user", "Hi"), ("assistant", answer)]
        return Example(number, "Hi", answer, json.dumps([{"role": r, "content": c} for r, c in turns]))

    assert split(of(row(1, "Be brief", "a"), row(2, "be  BRIEF", "b")), 0.5, 0)[1] == []
    assert len(split(of(row(1, "Be brief", "a"), row(2, "Be long", "b")), 0.5, 0)[1]) == 1
