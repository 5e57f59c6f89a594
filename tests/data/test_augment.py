"""Prompts asked again through templates: only those trained on, each once, marked, and looked at before they join."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.data.augment import TEMPLATES, augmented, join, templates_of
from studio.data.example import Example, Examples
from studio.errors import StudioError

TRAIN = Examples.of([Example(5, "Where is Mira?", "At home."), Example(9, "Who is Tom?", "A smith.")])
PLEASE = "Please: {prompt}"


def test_every_row_is_asked_through_every_template():
    new = augmented(TRAIN, [PLEASE, "{prompt}\nBe brief."]).examples
    assert [(each.prompt, each.completion, each.source) for each in new] == [
        ("Please: Where is Mira?", "At home.", "template 1 of row 5"),
        ("Please: Who is Tom?", "A smith.", "template 1 of row 9"),
        ("Where is Mira?\nBe brief.", "At home.", "template 2 of row 5"),
        ("Who is Tom?\nBe brief.", "A smith.", "template 2 of row 9"),
    ]
    assert [each.row for each in new] == [1, 2, 3, 4]


def test_a_prompt_is_never_read_as_a_template():
    odd = Examples.of([Example(1, "{prompt} {0} {x}", "b")])
    assert augmented(odd, [PLEASE]).examples[0].prompt == "Please: {prompt} {0} {x}"


def test_what_is_asked_already_is_dropped():
    asked = [Example(1, "please:  WHERE is Mira?", "x")]
    proposed = augmented(TRAIN, [PLEASE], held_out=asked)
    assert [each.prompt for each in proposed.examples] == ["Please: Who is Tom?"]
    assert proposed.copies == 1
    twice = augmented(TRAIN, [PLEASE, "please: {prompt}"])
    assert (len(twice.examples), twice.copies) == (2, 2)


def test_only_so_many_are_made_and_the_rest_is_counted():
    proposed = augmented(TRAIN, TEMPLATES, most=3)
    assert len(proposed.examples) == 3
    assert proposed.over == 2 * len(TEMPLATES) - 3


def test_mixed_in_and_made_rows_are_not_asked_again():
    mixed = Examples.of([*TRAIN, Example(1, "General?", "Yes.", source="general")])
    assert [each.prompt for each in augmented(mixed, [PLEASE]).examples] == [
        "Please: Where is Mira?",
        "Please: Who is Tom?",
    ]


def test_a_conversation_changes_its_last_question_only():
    turns = [("user", "Hi"), ("assistant", "Ho"), ("user", "Why?"), ("assistant", "So.")]
    messages = json.dumps([{"role": role, "content": text} for role, text in turns])
    talk = Examples.of([Example(1, "Why?", "So.", messages=messages)], "language modeling")
    new = augmented(talk, [PLEASE]).examples[0]
    assert [message["content"] for message in new.conversation] == ["Hi", "Ho", "Please: Why?", "So."]
    assert new.prompt == "Please: Why?"


def test_plain_text_has_nothing_to_ask():
    with pytest.raises(StudioError, match="Plain text has no prompts"):
        augmented(Examples.of([Example(1, "", "Once.")], "language modeling"), [PLEASE])


def test_templates_are_typed_one_a_line():
    assert templates_of("Please: {prompt}\n\n  {prompt}\\nBe brief.\nPlease: {prompt}") == (
        "Please: {prompt}",
        "{prompt}\nBe brief.",
    )
    assert templates_of("\n".join(each.replace("\n", "\\n") for each in TEMPLATES)) == TEMPLATES


def test_all_lines_that_are_no_templates_are_named_at_once():
    with pytest.raises(StudioError) as caught:
        templates_of("Please.\n{prompt} {prompt}\n{question}?\n {prompt} \n{prompt} is fine")
    assert len(caught.value.problems) == 4
    assert "'{question}?': {question} is not known" in caught.value.problems[2]
    with pytest.raises(StudioError, match="There is no template"):
        templates_of(" \n")


def test_accepted_rows_join_as_a_file_that_is_mixed_in_once(tmp_path: Path):
    new = augmented(TRAIN, [PLEASE, "{prompt} Thanks."]).examples
    mix = join(tmp_path, new.take([0, 2, 3]), len(TRAIN))
    assert (mix.weight * len(TRAIN), mix.held_out) == (3, False)
    lines = [json.loads(line) for line in Path(mix.path).read_text("utf-8").splitlines()]
    assert [line["source"] for line in lines] == ["template 1 of row 5", "template 2 of row 5", "template 2 of row 9"]
    assert list(lines[0]) == ["prompt", "completion", "source"]
    assert join(tmp_path, new.take([0, 2, 3]), len(TRAIN)) == mix
    assert len(list(tmp_path.iterdir())) == 1


def test_none_or_too_many_do_not_join(tmp_path: Path):
    new = augmented(TRAIN, [f"{n} {{prompt}}" for n in range(11)]).examples
    with pytest.raises(StudioError, match="No new row is chosen"):
        join(tmp_path, new.take([]), len(TRAIN))
    with pytest.raises(StudioError, match="22 new rows for 2 rows, and at most 10"):
        join(tmp_path, new, len(TRAIN))
