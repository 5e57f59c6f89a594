"""Chat templates that lack something or are odd: each is named, with what the studio does; good ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.home import CHECKOUT, STARTER
from studio.run.study.templates import DATED, DOUBLED, NO_MARKERS, NO_TEMPLATE, PAD_IS_END, template_notes
from studio.run.tokenizer import PLAIN_TEMPLATE, load_tokenizer
from tests.tiny_run import make_tokenizer

OTHERS = CHECKOUT.parent / "shared" / "models" / "tokenizers"
GOOD = (
    "{% for m in messages %}{{ '<s>' + m.role + '\\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content + '</s>' }}{% endgeneration %}{% else %}{{ m.content + '</s>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}"
)

OWN_SYSTEM = "{% if messages[0].role != 'system' %}<s>system\nYou are a kind helper of all.</s>{% endif %}"
THOUGHTLESS = "(m.content if loop.last else m.content.split('</think>')[-1]) + '</s>' }}{% endgen"
ONE_TURN = "{% if messages | length > 2 %}{{ raise_exception('one turn') }}{% endif %}"


def notes(template: str, **tokens: str) -> list[str]:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template
    for name, token in tokens.items():
        setattr(tokenizer, name, token)
    return template_notes(tokenizer)


def test_a_good_template_has_nothing_to_be_said():
    assert notes(GOOD) == []


def test_the_starter_has_nothing_to_be_said():
    assert template_notes(load_tokenizer(STARTER)[0]) == []


def test_the_plain_template_is_said():
    assert notes(PLAIN_TEMPLATE.read_text("utf-8")) == [NO_TEMPLATE]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (GOOD.replace("{% generation %}", "").replace("{% endgeneration %}", ""), NO_MARKERS),
        ("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + GOOD, "it refuses one"),
        (GOOD.replace("in messages", "in messages if m.role != 'system'"), "leaves it out without a word"),
        (OWN_SYSTEM + GOOD, "'You are a kind helper of all.'"),
        (GOOD.replace("+ '</s>' }}{% endgen", "}}{% endgen"), "'</s>' is never learned"),
        (GOOD.replace("+ '</s>' }}{% endgen", "+ '<pad>' }}{% endgen"), "ends with '<pad>'"),
        (GOOD.replace("+ '</s>' }}{% endgen", "+ '</s>\\n' }}{% endgen"), "writes '\\n', which is learned from too"),
        (GOOD.replace("m.content + '</s>' }}{% endgen", THOUGHTLESS), "writes earlier turns differently"),
        (ONE_TURN + GOOD, "refuses conversations of several turns"),
        (GOOD.replace("'<s>assistant\\n'", "'<s>assistant\\n<think>'"), "ends with '<think>'"),
        ("{{ strftime_now('%d') }}" + GOOD, DATED),
        ("{{ raise_exception('closed') }}", "cannot write a question with its answer"),
        ("{{ nothing.at.all }}", "cannot write a question with its answer"),
    ],
)  # fmt: skip
def test_what_is_odd_is_named_alone(template, words):
    (note,) = notes(template)
    assert words in note


def test_padding_with_the_end_token_is_named():
    assert notes(GOOD, pad_token="</s>") == [PAD_IS_END]


def test_a_beginning_that_would_stand_there_twice_is_named():
    from tokenizers import processors

    tokenizer = make_tokenizer()
    tokenizer.chat_template = GOOD
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    assert template_notes(tokenizer) == [DOUBLED]


@pytest.mark.parametrize(
    ("name", "said"), [("minimind-chatml", "After the end token"), ("mistral-v3-32k", "no chat template")]
)
def test_tokenizers_of_the_world(name, said):
    folder = Path(OTHERS / name)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    found = template_notes(load_tokenizer(folder)[0])
    assert any(said in note for note in found), found
    assert all(len(note) < 400 and note.endswith(".") for note in found)
