"""Every shape of row that people save, recognised with its reason and read into the same examples."""

from __future__ import annotations

from typing import Any

import pytest

from studio.data.example import Examples
from studio.data.findings import Finding
from studio.data.part import DataPart, Mapped
from studio.data.shapes.columns import Mapping, examples, resolve
from studio.data.table import Table
from studio.errors import StudioError
from tests.data.files.tables import table


def read(rows: Table, **options: Any) -> tuple[Examples, list[Finding], Mapping]:
    part = DataPart(mapped=Mapped(**options))
    mapping = resolve(rows, part)
    return *examples(rows, mapping, part), mapping


def spoken(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


def said(each: Any) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in each.conversation]


TALK = [("user", "Hi"), ("assistant", "Hello"), ("user", "Who?"), ("assistant", "I")]
SHAREGPT = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}, {"from": "human", "value": "Who?"}]
SHAREGPT += [{"from": "gpt", "value": "I"}]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": spoken(*TALK)},
        {"conversations": SHAREGPT},
        {"id": "1", "items": SHAREGPT},
        {"messages": '[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},'
                     '{"role":"user","content":"Who?"},{"role":"model","content":"I"}]'},
        {"instruction": "Who?", "input": "", "output": "I", "history": [["Hi", "Hello"]]},
        {"messages": [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in TALK]},
        {"messages": [{"role": role, "content": [{"type": "text", "value": text}]} for role, text in TALK]},
        {"dialogue": [{"from": who, "value": text} for who, (_, text) in
                      zip(("prompter", "bard", "User", "Bing"), TALK, strict=True)]},
    ],
)  # fmt: skip
def test_conversations_of_every_form_are_the_same(row: dict[str, Any]) -> None:
    found, findings, mapping = read(table(row))
    assert [said(each) for each in found] == [TALK]
    assert (found[0].prompt, found[0].completion) == ("Who?", "I")
    assert (mapping.type, mapping.format, findings) == ("language modeling", "conversational", [])


def test_the_reason_says_which_column_and_why() -> None:
    reason = resolve(table({"id": 3, "conversations": SHAREGPT, "system": "S", "tools": "[]"}), DataPart()).reason
    assert "'conversations' is the conversation, because it holds lists of messages." in reason
    assert "'system' is the system prompt, where it is filled." in reason
    assert "'tools' are the tools, where it is filled." in reason
    assert "Not used: 'id'." in reason


def test_a_system_column_comes_first_and_yields_to_one_within() -> None:
    own = spoken(("system", "Own."), *TALK[:2])
    found, _, _ = read(table({"messages": spoken(*TALK[:2]), "system": "S"}, {"messages": own, "system": "S"}))
    assert [said(each)[0][1] for each in found] == ["S", "Own."]


def test_alpaca_with_a_system_column() -> None:
    row = {"instruction": "Sum up", "input": "this", "output": "that", "system": "Be brief.", "history": []}
    found, _, _ = read(table(row))
    assert said(found[0]) == [("system", "Be brief."), ("user", "Sum up\n\nthis"), ("assistant", "that")]


def test_weights_are_kept_and_one_question_with_its_answer_needs_no_messages() -> None:
    weighted = [*spoken(*TALK[:1]), {"role": "assistant", "content": "Hello", "loss_weight": "0.0"}, *spoken(*TALK[2:])]
    found, findings, _ = read(
        table({"messages": weighted}, {"messages": [*spoken(TALK[0]), {**spoken(TALK[1])[0], "weight": 1}]})
    )
    assert [turn.get("weight") for turn in found[0].conversation] == [None, 0, None, None]
    assert found[1].messages == ""
    assert findings == []


def test_openai_preferences() -> None:
    row = {
        "input": {"messages": spoken(("system", "S"), *TALK[:3]), "tools": [], "parallel_tool_calls": True},
        "preferred_output": spoken(("assistant", "good")),
        "non_preferred_output": spoken(("assistant", "bad")),
    }
    found, (note,), mapping = read(table(row))
    (each,) = found
    assert (each.prompt, each.completion, each.rejected) == ("Who?", "good", "bad")
    assert said(each) == [("system", "S"), *TALK[:3], ("assistant", "good")]
    assert [turn.get("weight") for turn in each.conversation if turn["role"] == "assistant"] == [0, None]
    assert (mapping.type, mapping.format) == ("preference", "conversational")
    assert (note.kind, note.left_out, note.severity) == ("parallel-calls", False, "note")


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "good", "rejected": "bad"},
        {"question": "Hi", "chosen": spoken(("assistant", "good")), "rejected": spoken(("assistant", "bad"))},
        {"conversations": SHAREGPT[:1], "chosen": {"from": "gpt", "value": "good"},
         "rejected": {"from": "gpt", "value": "bad"}},
        {"prompt": "Hi", "chosen": spoken(TALK[0], ("assistant", "good")),
         "rejected": spoken(TALK[0], ("assistant", "bad"))},
        {"chosen": spoken(TALK[0], ("assistant", "good")), "rejected": spoken(TALK[0], ("assistant", "bad"))},
        {"chosen": "\n\nHuman: Hi\n\nAssistant: good", "rejected": "\n\nHuman: Hi\n\nAssistant: bad"},
        {"chosen": "Hi good", "rejected": "Hi bad"},
        {"prompt": "Hi", "chosen_response": "good", "rejected_response": "bad"},
    ],
)  # fmt: skip
def test_preferences_of_every_form_are_the_same(row: dict[str, Any]) -> None:
    found, findings, mapping = read(table(row))
    assert [(each.prompt, each.completion, each.rejected) for each in found] == [("Hi", "good", "bad")]
    assert said(found[0]) == [("user", "Hi"), ("assistant", "good")]
    assert (mapping.type, found.type, findings) == ("preference", "preference", [])


def test_a_preference_without_a_common_beginning_is_left_out() -> None:
    found, (finding,), _ = read(table({"chosen": "yes", "rejected": "no"}))
    assert len(found) == 0
    assert (finding.kind, finding.left_out) == ("no-preference", True)


def test_plain_preferences_are_the_columns_of_the_table() -> None:
    rows = table({"prompt": "p", "chosen": "a", "rejected": "b"})
    found, _, mapping = read(rows)
    assert mapping.format == "standard"
    assert found.table["rejected"].chunk(0).buffers()[2].address == rows.cells["rejected"].chunk(0).buffers()[2].address


def test_conversational_prompts_and_completions() -> None:
    row = {"prompt": spoken(*TALK[:3]), "completion": spoken(TALK[3])}
    found, _, mapping = read(table(row))
    assert (mapping.type, mapping.format) == ("prompt-completion", "conversational")
    assert said(found[0]) == TALK
    assert [turn.get("weight") for turn in found[0].conversation] == [None, 0, None, None]


@pytest.mark.parametrize("pairs", [True, False])
def test_rows_labelled_false_are_left_out(pairs: bool) -> None:
    def row(text: str, label: bool) -> dict[str, Any]:
        body = (
            {"prompt": "q", "completion": text} if pairs else {"messages": spoken(("user", "q"), ("assistant", text))}
        )
        return {**body, "label": label}

    found, (finding,), mapping = read(table(row("good", True), row("bad", False), row("better", True)))
    assert [(each.row, each.completion) for each in found] == [(1, "good"), (3, "better")]
    assert (finding.kind, finding.rows, finding.left_out) == ("not-liked", [2], True)
    assert "rows labelled true are learned from" in mapping.reason


def texts_and_labels(text: str, label: str) -> Table:
    return table(*({text: f"a message number {i} of some length", label: ("ham", "spam")[i % 2]} for i in range(12)))


@pytest.mark.parametrize(("text", "label"), [("text", "label"), ("sentence", "sentiment"), ("v2", "v1")])
def test_texts_and_labels(text: str, label: str) -> None:
    found, _, mapping = read(texts_and_labels(text, label))
    assert mapping.columns == {"prompt": text, "completion": label, "label": label}
    assert (found[1].prompt[:9], found[1].completion, found[1].label) == ("a message", "spam", "spam")
    assert "'ham' and 'spam'" in mapping.reason


def test_labels_recognised_by_what_they_hold_say_so() -> None:
    reason = resolve(texts_and_labels("v2", "v1"), DataPart()).reason
    assert reason.startswith("No column has a usual name, so what they hold decides: 'v2' holds texts")


def test_columns_that_are_all_short_are_no_labels() -> None:
    rows = table(*({"v1": f"name {i}", "v2": str(i)} for i in range(30)))
    with pytest.raises(StudioError, match="has a usual name"):
        resolve(rows, DataPart())


@pytest.mark.parametrize("column", ["text", "content"])
def test_plain_text(column: str) -> None:
    found, _, mapping = read(table({column: "Once.", "url": "x"}, {column: "Upon."}))
    assert (mapping.type, mapping.format, mapping.columns) == ("language modeling", "standard", {"text": column})
    assert [(each.prompt, each.completion, each.conversation) for each in found] == [
        ("", "Once.", []),
        ("", "Upon.", []),
    ]
    assert "Not used: 'url'." in mapping.reason


def test_any_column_is_plain_text_by_hand() -> None:
    rows = table({"prompt": "a", "completion": "b"})
    assert [each.completion for each in read(rows, text_column="prompt")[0]] == ["a"]
    assert [each.completion for each in read(table({"story": "s"}), shape="text")[0]] == ["s"]


def test_the_paragraphs_of_a_text_file_are_one_group() -> None:
    found, _, _ = read(table({"text": "One."}, {"text": "Two."}, format="text"))
    assert [each.group for each in found] == ["a.text", "a.text"]


def test_a_shape_by_hand_wins_over_the_one_recognised() -> None:
    rows = table({"prompt": "p", "completion": "c", "messages": spoken(*TALK), "chosen": "a", "rejected": "b"})
    assert read(rows)[2].type == "preference"
    assert read(rows, shape="conversation")[2].columns["messages"] == "messages"
    assert read(rows, shape="prompt-completion")[2].completion == "completion"
    assert read(rows, chosen_column="completion")[0][0].completion == "c"


def test_questions_without_answers_say_what_they_need() -> None:
    with pytest.raises(StudioError, match="'turns' holds questions and nobody answers them"):
        resolve(table({"question_id": 1, "category": "writing", "turns": ["One?", "Two?"]}), DataPart())


SQUAD = {
    "title": "T",
    "paragraphs": [
        {
            "context": " Ada wrote it. ",
            "qas": [
                {"question": "Who?", "answers": [{"text": "Ada", "answer_start": 1}], "id": "1"},
                {"question": "When?", "answers": [], "id": "2"},
            ],
        },
        {"context": "It rained.", "qas": [{"question": "What?", "answers": [{"text": "Rain"}]}]},
    ],
}


def test_documents_make_an_example_for_each_question() -> None:
    found, (finding,), mapping = read(table(SQUAD, SQUAD))
    assert [(each.row, each.prompt, each.completion) for each in found][:2] == [
        (1, "Who?\n\nAda wrote it.", "Ada"),
        (2, "What?\n\nIt rained.", "Rain"),
    ]
    assert (finding.kind, finding.rows, finding.left_out) == ("no-real-answer", [1, 2], False)
    assert "(as in SQuAD)" in mapping.reason


def test_the_first_of_several_answers_is_the_completion_with_the_context_under_the_question() -> None:
    rows = table(
        {
            "id": "1",
            "question": "Who?",
            "context": "Ada did.",
            "answers": {"text": ["Ada", "Her"], "answer_start": [0]},
        },
        {"id": "2", "question": "When?", "context": "Then.", "answers": {"text": [], "answer_start": []}},
        {"id": "3", "question": "What?", "context": "", "answers": ["It"]},
    )
    found, (finding,), mapping = read(rows)
    assert [(each.row, each.prompt, each.completion) for each in found] == [
        (1, "Who?\n\nAda did.", "Ada"),
        (3, "What?", "It"),
    ]
    assert (finding.kind, finding.rows, finding.left_out) == ("no-answer-listed", [2], True)
    assert "the first of 'answers' is answered" in mapping.reason


def test_examples_are_counted_from_1_where_rows_make_several_and_none_is_missing() -> None:
    row = {"instruction": "Do", "instances": [{"input": "this", "output": "done"}, {"input": "", "output": "ok"}]}
    found, findings, _ = read(table(row, row))
    assert list(found.rows) == [1, 2, 3, 4]
    assert [each.prompt for each in found] == ["Do\n\nthis", "Do", "Do\n\nthis", "Do"]
    assert findings == []


def test_examples_are_counted_on_where_the_numbers_of_rows_are_taken() -> None:
    row = {"instruction": "Do", "instances": [{"output": "done"}, {"output": "ok"}]}
    found, (finding,), _ = read(table(row, {"instruction": "b", "instances": []}))
    assert (list(found.rows), finding.rows) == ([3, 4], [2])


def test_a_single_instance_keeps_its_rows_number() -> None:
    rows = table({"instruction": "a", "instances": []}, {"instruction": "b", "instances": [{"output": "x"}]})
    found, (finding,), _ = read(rows)
    assert [(each.row, each.prompt) for each in found] == [(2, "b")]
    assert (finding.kind, finding.rows) == ("broken-document", [1])
