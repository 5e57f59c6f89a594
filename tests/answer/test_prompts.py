import pytest

from studio.answer.prompts import end_tokens, prompt_ids, room
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
