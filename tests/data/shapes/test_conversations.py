"""Malformed conversations: a finding that names the rows and says what is wrong, never a crash."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.example import Examples
from studio.data.findings import Finding
from studio.data.part import DataPart, Mapped
from studio.data.shapes.columns import examples, resolve
from tests.data.files.tables import table

USER, BOT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
GOOD = [USER, BOT]
CALL = {"name": "f", "arguments": {"a": 1}}


def read(*rows: dict[str, Any]) -> tuple[Examples, list[Finding]]:
    part = DataPart(mapped=Mapped(messages_column="messages"))
    made = table(*rows)
    return examples(made, resolve(made, part), part)


def kinds(messages: Any, **more: Any) -> dict[str, bool]:
    """{kind of the finding: whether it leaves the row out} for a bad row after a good one."""
    found, findings = read({"messages": GOOD}, {"messages": messages, **more})
    out = any(each.left_out for each in findings)
    assert list(found.rows) == ([1] if out else [1, 2])
    assert all(each.rows == [2] for each in findings)
    return {each.kind: each.left_out for each in findings}


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([], "empty-conversation"),
        (None, "empty-conversation"),
        ("", "empty-conversation"),
        ("hello", "no-conversation"),
        ("[{'role': 'user'}]", "no-conversation"),
        ({"a": 1}, "no-conversation"),
        ([1], "broken-turn"),
        ([[]], "broken-turn"),
        ([{"content": "x"}], "broken-turn"),
        ([USER, {"role": "assistant"}], "broken-turn"),
        ([USER, {"role": "assistant", "content": [{"type": "text"}]}], "broken-turn"),
        ([{"role": "narrator", "content": "x"}, BOT], "unknown-role"),
        ([{"role": 5, "content": "x"}, BOT], "unknown-role"),
        ([{"role": None, "content": "x"}, BOT], "unknown-role"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, BOT], "not-text"),
        ([USER], "no-answer"),
        ([USER, {"role": "assistant", "content": " "}], "no-answer"),
        ([BOT], "no-question"),
        ([{"role": "system", "content": "s"}, BOT], "no-question"),
        ([BOT, USER], "no-question"),
        ([USER, {**BOT, "weight": 0}], "nothing-trained"),
        ([USER, {"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}], "broken-tool-call"),
        ([USER, {"role": "assistant", "tool_calls": ["f()"]}], "broken-tool-call"),
        (
            [USER, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}],
            "broken-tool-call",
        ),
        ([USER, {"from": "function_call", "value": "f(1)"}], "broken-tool-call"),
    ],
)
def test_rows_that_nothing_can_be_learned_from_are_left_out(messages: Any, kind: str) -> None:
    assert kinds(messages) == {kind: True}


@pytest.mark.parametrize("tools", ["search", '[{"description": "no name"}]', "3", {"a": 1}])
def test_broken_tools_leave_the_row_out(tools: Any) -> None:
    part = DataPart(mapped=Mapped(messages_column="messages"))
    made = table({"messages": GOOD, "tools": "[]"}, {"messages": GOOD, "tools": tools})
    found, (finding,) = examples(made, resolve(made, part), part)
    assert (list(found.rows), finding.kind, finding.rows) == ([1], "broken-tools", [2])


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([BOT, USER, BOT], "starts-with-answer"),
        ([USER, USER, BOT], "same-role-twice"),
        ([USER, BOT, BOT], "same-role-twice"),
        ([USER, {"role": "system", "content": "s"}, BOT], "late-system"),
        ([USER, BOT, USER], "ends-with-question"),
        ([USER, {**BOT, "weight": 0.5}], "odd-weight"),
        ({"messages": GOOD, "parallel_tool_calls": False}, "parallel-calls"),
    ],
)
def test_odd_rows_are_kept_and_told(messages: Any, kind: str) -> None:
    assert kinds(messages) == {kind: False}


def test_an_answer_before_the_first_question_is_not_learned_from() -> None:
    found, _ = read({"messages": [BOT, USER, BOT]})
    assert [turn.get("weight") for turn in found[0].conversation] == [0, None, None]


def test_all_that_is_wrong_is_said_at_once_what_is_left_out_first() -> None:
    rows = [[USER, USER, BOT], [], [USER], [{"role": "elf", "content": "x"}], [USER], GOOD]
    found, findings = read(*({"messages": each} for each in rows))
    assert [(each.kind, each.rows) for each in findings] == [
        ("empty-conversation", [2]),
        ("no-answer", [3, 5]),
        ("unknown-role", [4]),
        ("same-role-twice", [1]),
    ]
    assert list(found.rows) == [1, 6]
    message = findings[2].message
    assert message == (
        "Row 4: a turn is spoken by 'elf', and known are user (human), assistant (gpt), system and tool (observation). "
        "Left out."
    )
    assert all(each.why for each in findings)


def test_tool_calls_of_every_form_are_the_same() -> None:
    tools = [{"name": "f", "parameters": {}}]
    ours = {"type": "function", "function": CALL}
    written = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    result = {"role": "tool", "content": "3", "tool_call_id": "c1"}
    forms = [
        [USER, {"from": "function_call", "value": json.dumps(CALL)}, {"from": "observation", "value": "3"}, BOT],
        [USER, {"role": "assistant", "content": None, "tool_calls": [written]}, result, BOT],
        [USER, {"role": "assistant", "content": "", "function_call": CALL}, {"role": "function", "content": "3"}, BOT],
    ]
    found, findings = read(*({"messages": each, "tools": tools} for each in forms))
    assert findings == []
    for each in found:
        call = each.conversation[1]["tool_calls"][0]
        assert {key: call[key] for key in ("type", "function")} == ours
        assert [turn["role"] for turn in each.conversation] == ["user", "assistant", "tool", "assistant"]
        assert json.loads(each.tools) == [{"type": "function", "function": tools[0]}]
    assert found[1].conversation[1]["tool_calls"][0]["id"] == found[1].conversation[2]["tool_call_id"] == "c1"


def test_a_last_answer_that_is_a_call_is_shown_as_its_json() -> None:
    found, _ = read({"messages": [USER, {"from": "function_call", "value": json.dumps(CALL)}]})
    assert json.loads(found[0].completion) == [CALL]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CONVERSATION = st.lists(st.tuples(TEXT.map(lambda text: f"q{text}"), TEXT.map(lambda text: f"a{text}")), min_size=1)


@settings(deadline=None)
@given(CONVERSATION, st.booleans())
def test_any_conversation_comes_through_unchanged(turns: list[tuple[str, str]], sharegpt: bool) -> None:
    names = ("human", "gpt") if sharegpt else ("user", "assistant")
    keys = ("from", "value") if sharegpt else ("role", "content")
    flat = [(i, text) for turn in turns for i, text in enumerate(turn)]
    found, findings = read({"messages": [dict(zip(keys, (names[i], text), strict=True)) for i, text in flat]})
    assert findings == []
    assert found[0].conversation == [{"role": ("user", "assistant")[i], "content": text} for i, text in flat]
    assert (found[0].prompt, found[0].completion) == turns[-1]
    assert found[0].asked == found[0].conversation[:-1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | TEXT | st.sampled_from(["user", "assistant", "tool", "0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "from", "content", "value", "tool_calls", "function", "name", "arguments", "weight"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(JSON, min_size=1, max_size=4), JSON)
def test_nothing_in_a_cell_ends_in_a_crash(cells: list[Any], tools: Any) -> None:
    found, findings = read(*({"messages": cell, "tools": tools} for cell in cells))
    gone = {row for each in findings if each.left_out for row in each.rows}
    assert gone | set(found.rows.tolist()) == set(range(1, len(cells) + 1))
    assert not gone & set(found.rows.tolist())


def test_what_is_nested_too_deep_is_no_conversation() -> None:
    part = DataPart(mapped=Mapped(messages_column="messages"))
    made = table({"messages": GOOD}, {"messages": ["deep"]})
    deep = pa.chunked_array([[json.dumps(GOOD), "[" * 5000 + "]" * 5000]], pa.large_string())
    made = replace(made, nested={"messages": deep})
    found, (finding,) = examples(made, resolve(made, part), part)
    assert (list(found.rows), finding.kind, finding.rows) == ([1], "no-conversation", [2])
