"""Rows held out: the same ones for the same seed, and no prompt on both sides."""

import random
import subprocess
import sys

import pytest

from studio.data.example import Example, Examples
from studio.data.split import fingerprint, split
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
        "from studio.data.example import Example, Examples; from studio.data.split import split, fingerprint;"
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
