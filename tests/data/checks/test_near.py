"""Rows that say nearly the same are found; rows made from one template are not."""

import csv
import json
import random

import numpy as np
import pytest

from studio.data.checks.near import near_groups
from studio.data.checks.screens import Texts
from studio.data.checks.shingles import words
from studio.data.example import Example, Examples
from studio.home import ASSETS, CHECKOUT

SAMPLES = ASSETS / "samples"
SHARED = CHECKOUT.parent / "shared" / "data"


def made(*pairs: tuple[str, str]) -> Examples:
    return Examples.of(Example(number, *pair) for number, pair in enumerate(pairs, 1))


def text(seed: int, length: int = 60) -> str:
    drawn = random.Random(seed)
    return " ".join("".join(drawn.choices("abcdefghijklmnop", k=drawn.randint(2, 9))) for _ in range(length))


def groups(examples: Examples) -> set[frozenset[int]]:
    found = near_groups(examples)
    rows = examples.rows
    return {frozenset(rows[found == each].tolist()) for each in np.unique(found) if np.count_nonzero(found == each) > 1}


def test_a_changed_word_in_a_long_text_is_nearly_the_same() -> None:
    long = text(1).split()
    changed = " ".join([*long[:30], "otherwise", *long[31:]])
    found = near_groups(made((" ".join(long), "Yes."), (text(2), "Yes."), (changed, "yes")))
    assert found.tolist() == [0, 1, 0]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2+3?", "What is 2+4?"),
        ("What is 2+3?", "What is 2-3?"),
        ("Name a red fruit.", "Name a red flower."),
        (text(3) + " on 3 May 1998 and 7 June", text(3) + " on 4 May 1999 and 8 June"),
    ],
)
def test_every_word_of_a_short_text_and_every_number_counts(one: str, other: str) -> None:
    assert groups(made((one, "An answer."), (other, "An answer."))) == set()


def test_case_punctuation_and_spacing_do_not_count() -> None:
    assert groups(made(("What is it?", "A pen."), ("what  is it", "a pen"), ("¿Qué es?", "Ñ"), ("¿qué ES?", "ñ"))) == {
        frozenset({1, 2}),
        frozenset({3, 4}),
    }


def test_texts_without_blanks_are_compared_letter_by_letter() -> None:
    one = "从现在起请你做为一个终端来跟我互动不必为我解释任何指令也不用进行以外的对话当我想跟你说话时会将文字放在引号"
    other = "请根据以下问题提供一个与全球变暖相关的解释为什么海平面会上升并且写出三条可行的建议来减少家庭能源的消耗"
    assert groups(made((one, "好"), (other, "好"), (one + "吧", "好"))) == {frozenset({1, 3})}


def test_a_template_does_not_make_its_rows_the_same() -> None:
    frame = text(5, 50)
    rows = [(f"{frame} the thing is {text(n, 3)}", "It is so.") for n in range(100, 200)]
    assert groups(made(*rows)) == set()


def test_a_few_words_are_the_same_or_not() -> None:
    assert (
        groups(made(("Name one of the large red fruits there", ""), ("Name one of the large red fruits", ""))) == set()
    )


def test_several_questions_about_one_text_are_not_the_same() -> None:
    told = text(6, 120)
    assert groups(made((f"{told}\nWho came?", "Her brother did."), (f"{told}\nWhen?", "On a rainy morning."))) == set()


def test_the_order_of_rows_changes_nothing_but_the_names_of_groups() -> None:
    rows = [(text(n % 40, 30) + (" indeed" if n > 39 else ""), "ok") for n in range(120)]
    examples = made(*rows)
    shuffled = examples.take(np.random.default_rng(0).permutation(len(examples)))
    assert groups(examples) == groups(shuffled)
    assert len(groups(examples)) == 40
    assert near_groups(examples).tolist() == near_groups(examples).tolist()


def test_each_group_is_named_by_its_first_place() -> None:
    found = near_groups(made(("a b", "c"), ("x", "y"), ("A b.", "c"), ("x!", "y")))
    assert found.tolist() == [0, 1, 0, 1]
    assert near_groups(made()).tolist() == []
    assert near_groups(made(("", ""), ("!", "?"))).tolist() == [0, 0]


def test_conversations_are_compared_as_a_whole() -> None:
    def spoken(first: str, row: int) -> Example:
        turns = [{"role": "user", "content": first}, {"role": "assistant", "content": "Go on."}]
        turns += [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "The end."}]
        return Example(row, "And then?", "The end.", messages=json.dumps(turns))

    every = Examples.of([spoken(text(7), 1), spoken(text(8), 2), spoken(text(7) + " so", 3)])
    assert near_groups(every).tolist() == [0, 1, 0]


def test_the_samples_made_from_templates_have_no_groups() -> None:
    lines = (SAMPLES / "tickets" / "train.jsonl").read_text("utf-8").splitlines()
    tickets = made(*((row["prompt"], row["completion"]) for row in map(json.loads, lines)))
    assert groups(tickets) == set()
    with (SAMPLES / "house-voice" / "train.csv").open(encoding="utf-8", newline="") as file:
        voice = made(*((row[0], row[1]) for row in csv.reader(file)))
    assert groups(voice) == set()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_school_mathematics_has_no_groups() -> None:
    lines = (SHARED / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()
    assert groups(made(*((row["question"], row["answer"]) for row in map(json.loads, lines)))) == set()


def test_words_are_what_a_person_would_count() -> None:
    import pyarrow as pa

    texts = [
        "Hello, World",
        "hello world",
        "",
        "a+b",
        "a-b",
        "日本 語",
        "日本語x",
        "internationalisation",
        "Ünïcode ÜNÏCODE",
    ]
    found = words(pa.array(texts, pa.large_string()))
    assert found.lengths.tolist() == [2, 2, 0, 3, 3, 3, 4, 1, 2]
    assert found.wholes[0] == found.wholes[1]
    assert found.wholes[3] != found.wholes[4]
    assert found.hashes[-1] == found.hashes[-2]
    assert len(Texts.of(texts)) == len(texts)


def test_told_how_far_it_is() -> None:
    heard: list[int] = []
    near_groups(made(*((text(n, 5), "a") for n in range(4_100))), told=heard.append)
    assert heard == [2_000, 4_000, 4_100]
