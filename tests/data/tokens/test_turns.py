"""Which tokens of a conversation are learned from, under templates of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.example import Example, Examples
from studio.data.mends.every import dumped
from studio.data.tokens.encode import IGNORED, encode
from studio.data.tokens.encoded import Encoded
from studio.home import CHECKOUT, STARTER
from studio.run.tokenizer import load_tokenizer

MINIMIND = CHECKOUT.parent / "shared" / "models" / "tokenizers" / "minimind-chatml"

NO_SYSTEM = """{%- for m in messages -%}
{%- if m.role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{{ '<' + m.role + '>' + m.content + '<|end|>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%}"""

FORGETFUL = """{%- for m in messages -%}
{{ '<|' + m.role + '|>' + (m.content if loop.last or m.role != 'assistant' else m.content.split('</think>')[-1]) }}
{{- '<|end|>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"""


@pytest.fixture(scope="module")
def starter():
    return load_tokenizer(STARTER)[0]


def with_template(template: str) -> Any:
    tokenizer = load_tokenizer(STARTER)[0]
    tokenizer.chat_template = template
    return tokenizer


def talk(*turns: tuple[str, str] | dict[str, Any], row: int = 1, tools: str = "") -> Example:
    messages = [turn if isinstance(turn, dict) else {"role": turn[0], "content": turn[1]} for turn in turns]
    return Example(row, "q", "a", messages=dumped(messages), tools=tools)


def learned(encoded: Encoded, tokenizer: Any, row: int = 0) -> str:
    return tokenizer.decode([label for label in encoded.labels[row] if label != IGNORED])


def encoded(tokenizer: Any, *rows: Example, **options: Any) -> Encoded:
    return encode(Examples.of(rows, "language modeling"), tokenizer, 512, **options)


TURNS = (("user", "one"), ("assistant", "first"), ("user", "two"), ("assistant", "second"))


def test_every_answer_is_learned_from_with_its_end(starter):
    assert learned(encoded(starter, talk(*TURNS)), starter) == "first<|end|>second<|end|>"


def test_only_the_last_answer_where_that_is_wanted(starter):
    assert learned(encoded(starter, talk(*TURNS), train_on="last answer"), starter) == "second<|end|>"


def test_an_answer_of_weight_0_is_read_and_not_learned_from(starter):
    muted = {"role": "assistant", "content": "first", "weight": 0}
    made = encoded(starter, talk(TURNS[0], muted, *TURNS[2:]))
    assert learned(made, starter) == "second<|end|>"
    assert "first" in starter.decode(made.input_ids[0])


def test_a_last_answer_of_weight_0_leaves_nothing_to_learn_from_the_last(starter):
    muted = {"role": "assistant", "content": "second", "weight": 0}
    made = encoded(starter, talk(*TURNS[:3], muted), train_on="last answer")
    assert (made.rows, made.dropped) == ([], [1])


def test_without_markers_the_turns_are_found_by_rendering_them_one_by_one(starter):
    plain = with_template(starter.chat_template.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", ""))
    theirs, ours = encoded(starter, talk(*TURNS)), encoded(plain, talk(*TURNS))
    assert (ours.input_ids, ours.labels) == (theirs.input_ids, theirs.labels)


def test_a_system_prompt_without_a_place_stands_before_the_first_question():
    tokenizer = with_template(NO_SYSTEM)
    made = encoded(tokenizer, talk(("system", "Be brief."), *TURNS))
    text = tokenizer.decode(made.input_ids[0])
    assert text.startswith("<user>Be brief.\n\none<|end|>")
    assert learned(made, tokenizer) == "first<|end|>second<|end|>"
    assert made.notes == (
        "This chat template has no place for a system prompt: its text stands before the first question instead.",
    )


def test_a_template_that_ignores_the_system_prompt_has_no_place_for_it():
    tokenizer = with_template("""{%- for m in messages if m.role != 'system' -%}
{{ '<' + m.role + '>' + m.content + '<|end|>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%}""")
    made = encoded(tokenizer, talk(("system", "Be brief."), *TURNS[:2]))
    assert tokenizer.decode(made.input_ids[0]).startswith("<user>Be brief.")


def test_a_template_that_rewrites_earlier_turns_trains_the_last_answer_and_says_so():
    tokenizer = with_template(FORGETFUL)
    thought = ("assistant", "<think>so</think>first")
    made = encoded(tokenizer, talk(TURNS[0], thought, *TURNS[2:]))
    assert learned(made, tokenizer) == "second<|end|>"
    assert len(made.notes) == 1
    assert "writes earlier turns differently" in made.notes[0]
    honest = encoded(tokenizer, talk(*TURNS))
    assert learned(honest, tokenizer) == "first<|end|>second<|end|>"
    assert honest.notes == ()


def test_rows_that_the_template_refuses_are_named_with_its_reason(starter):
    made = encoded(starter, talk(*TURNS), talk(TURNS[0], ("tool", "3"), TURNS[1], row=2), Example(3, "p", "c"))
    assert made.rows == [1, 3]
    assert made.refused == {
        "the chat template refuses it (Role 'tool' is unknown: use system, user or assistant.)": [2]
    }


def test_one_refused_pair_does_not_take_the_others_with_it():
    template = "{% if messages[0].content == 'bad' %}{{ raise_exception('no') }}{% endif %}" + NO_SYSTEM
    made = encode([Example(1, "a", "b"), Example(2, "bad", "b"), Example(3, "c", "d")], with_template(template), 512)
    assert (made.rows, made.refused) == ([1, 3], {"the chat template refuses it (no)": [2]})


def test_tool_calls_are_refused_where_the_template_would_swallow_them(starter):
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    made = encoded(starter, talk(TURNS[0], call))
    assert made.refused == {"the chat template has no place for tool calls": [1]}


def test_tools_without_a_place_are_told(starter):
    made = encoded(starter, talk(*TURNS, tools='[{"type":"function","function":{"name":"f"}}]'))
    assert made.notes == ("This chat template has no place for tools: what may be called is not told to the model.",)
    assert made.rows == [1]


def test_pairs_talks_and_texts_stay_in_order(starter):
    rows = [
        Example(1, "p", "c"),
        talk(*TURNS, row=2),
        Example(3, "", "text"),
        talk(*TURNS, row=4),
        Example(5, "p", "d"),
    ]
    made = encoded(starter, *rows)
    assert made.rows == [1, 2, 3, 4, 5]
    assert [learned(made, starter, i) for i in (0, 1, 2, 4)] == [
        "c<|end|>", "first<|end|>second<|end|>", "text<|end|>", "d<|end|>"
    ]  # fmt: skip


SAID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).map(lambda text: f"x{text}x")
TALK = st.tuples(
    st.none() | SAID, st.lists(st.tuples(SAID, SAID, st.booleans()), min_size=1, max_size=4)
)  # system, turns of (question, answer, whether its weight is 0)


@pytest.mark.parametrize("folder", [STARTER, MINIMIND], ids=["starter", "minimind-chatml"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=TALK)
def test_no_token_of_a_question_is_ever_learned_from(folder, said):
    """What is learned from is exactly the answers, each with its end, whatever characters are in them."""
    if not folder.exists():
        pytest.skip(f"{folder} is not here")
    tokenizer = TOKENIZERS.setdefault(folder, load_tokenizer(folder)[0])
    system, turns = said
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for question, answer, muted in turns:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer} | ({"weight": 0} if muted else {}))
    made = encode(Examples.of([talk(*messages)], "language modeling"), tokenizer)
    wanted = [answer for _, answer, muted in turns if not muted]
    end = "<|end|>" if folder == STARTER else "<|im_end|>\n"
    assert learned(made, tokenizer) == "".join(answer + end for answer in wanted)


TOKENIZERS: dict[Any, Any] = {}
