"""The conversation of both panes, without a model."""

from __future__ import annotations

from studio.ui.compare_tab import conversation_of

TURNS = [{"prompt": "one", "base": "b1", "tuned": "t1"}, {"prompt": "two"}]


def test_each_hears_the_same_questions_and_its_own_answers() -> None:
    contents = {who: [message["content"] for message in conversation_of(TURNS, who, "")] for who in ("base", "tuned")}
    assert contents == {"base": ["one", "b1", "two"], "tuned": ["one", "t1", "two"]}


def test_the_system_prompt_comes_first_and_only_once() -> None:
    messages = conversation_of(TURNS, "base", "  be brief ")
    assert messages[0] == {"role": "system", "content": "be brief"}
    assert [message["role"] for message in messages[1:]] == ["user", "assistant", "user"]
