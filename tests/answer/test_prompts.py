import pytest

from studio.answer.prompts import asked_ids, end_tokens, prompt_ids, room
from studio.data.example import Example
from studio.data.mends.every import dumped
from studio.errors import StudioError
from tests.tiny_run import make_tokenizer

USER = {"role": "user", "content": "Hi."}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.fixture
def tokenizer():
    return make_tokenizer()


def test_conversation_ends_where_the_model_goes_on(tokenizer):
    assert tokenizer.decode(prompt_ids(tokenizer, [SYSTEM, USER])) == (
        "<s>system\nBe brief.</s><s>user\nHi.</s><s>assistant\n"
    )


def test_an_empty_system_prompt_is_none(tokenizer):
    assert prompt_ids(tokenizer, [{"role": "system", "content": " "}, USER]) == prompt_ids(tokenizer, [USER])


@pytest.mark.parametrize("messages", [[], [SYSTEM], [{"role": "user", "content": " \n"}], [USER, SYSTEM]])
def test_empty_prompt(tokenizer, messages):
    with pytest.raises(StudioError, match="prompt is empty"):
        prompt_ids(tokenizer, messages)


@pytest.mark.parametrize(
    "template",
    [
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}x",
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
    ],
    ids=["refused", "left out"],
)
def test_template_without_a_system_role(tokenizer, template):
    tokenizer.chat_template = template
    with pytest.raises(StudioError, match=r"You set a system prompt, but .* Clear the system prompt"):
        prompt_ids(tokenizer, [SYSTEM, USER])
    assert prompt_ids(tokenizer, [USER])


def test_template_that_cannot_render(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(StudioError, match=r"cannot render the conversation \(roles must alternate"):
        prompt_ids(tokenizer, [USER, USER])


def test_room_is_what_the_prompt_leaves():
    assert room(100, 512, 50) == 50
    assert room(500, 512, 50) == 12
    assert room(100_000, None, 50) == 50


def test_no_room_is_said_with_figures():
    with pytest.raises(StudioError, match=r"takes 600 tokens.* holds 512.* at least 89 tokens"):
        room(600, 512, 50)


def test_ends_are_the_bases_the_tokenizers_and_the_templates(tokenizer):
    assert end_tokens(tokenizer, [1, 7]) == {1, 2, 7}
    assert end_tokens(tokenizer, None) == {2}
    tokenizer.chat_template = "{% for m in messages %}{{ m.content + '\\n<pad>\\n' }}{% endfor %}"
    assert end_tokens(tokenizer, None) == {0, 2}


def test_held_out_rows_are_asked_up_to_their_last_answer(tokenizer):
    answer = {"role": "assistant", "content": "Hello."}
    again = {"role": "user", "content": "And?"}
    talk = Example(1, "And?", "Well.", messages=dumped([SYSTEM, USER, answer, again, {**answer, "weight": 1}]))
    pair, text = Example(2, "Hi.", "Hello."), Example(3, "", "Once.")
    asked = asked_ids(tokenizer, [talk, pair, text])
    assert list(asked) == [0, 1]
    assert tokenizer.decode(asked[0]) == (
        "<s>system\nBe brief.</s><s>user\nHi.</s><s>assistant\nHello.</s><s>user\nAnd?</s><s>assistant\n"
    )
    assert asked[1] == prompt_ids(tokenizer, [USER])


def test_a_held_out_system_prompt_without_a_place_stands_before_the_question(tokenizer):
    tokenizer.chat_template = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    talk = Example(1, "Hi.", "x", messages=dumped([SYSTEM, USER, {"role": "assistant", "content": "x"}]))
    assert tokenizer.decode(asked_ids(tokenizer, [talk])[0]) == "Be brief.\n\nHi."


def test_plain_text_cannot_be_asked(tokenizer):
    with pytest.raises(StudioError, match="plain text: they ask nothing"):
        asked_ids(tokenizer, [Example(1, "", "Once.")])


def test_rows_that_the_template_refuses_are_not_asked(tokenizer):
    bad = "{% if messages[0].content == 'Hi.' %}{{ raise_exception('not you') }}{% endif %}{{ messages[0].content }}"
    tokenizer.chat_template = bad
    assert list(asked_ids(tokenizer, [Example(1, "Hi.", "x"), Example(2, "Ho.", "x")])) == [1]
    with pytest.raises(StudioError, match="None of the held-out rows can be asked"):
        asked_ids(tokenizer, [Example(1, "Hi.", "x")])
