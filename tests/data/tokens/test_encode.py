"""Rows as the model sees them: the very tokens and labels of TRL's own preparation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.data.example import Example, Examples
from studio.data.part import DataPart
from studio.data.shapes.columns import examples, resolve
from studio.data.tokens.encode import IGNORED, encode, prompt_messages
from studio.home import CHECKOUT, STARTER
from tests.data.files.tables import table

MINIMIND = CHECKOUT.parent / "shared" / "models" / "tokenizers" / "minimind-chatml"
MISTRAL = MINIMIND.parent / "mistral-v3-32k"
TEXTS = [
    ("What is red?", "A colour."),
    ("Say nothing more than ok", "ok"),
    ("Ärger, naïve 狐 🦊 ", " leading and trailing "),
    ("line one\nline two\n", "\nanswer\n\n"),
    ("<|im_end|> </s> <s>assistant\n", "a token's own name </s> within"),
    ("a " * 60, "a prompt that fills the row"),
    ("short", "b " * 60),
    ("x", "y"),
]
PAIRS = [Example(row, prompt, completion) for row, (prompt, completion) in enumerate(TEXTS, 11)]


@pytest.fixture(scope="module")
def model(tiny_base):
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(tiny_base)


def tokenizer_of(name: str, tiny_base: Path):
    from studio.run.tokenizer import load_tokenizer

    folder = {"tiny": tiny_base, "starter": STARTER, "minimind-chatml": MINIMIND, "mistral": MISTRAL}[name]
    if not folder.exists():
        pytest.skip(f"{folder} is not here")
    return load_tokenizer(folder)[0]


def prepared_by_trl(tokenizer, model, max_length: int, rows: list[dict] | None = None, **options) -> list[dict]:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = rows or [
        {"prompt": prompt_messages(pair.prompt), "completion": [{"role": "assistant", "content": pair.completion}]}
        for pair in PAIRS
    ]
    config = SFTConfig(max_length=max_length, use_cpu=True, bf16=False, report_to="none", disable_tqdm=True, **options)
    trainer = SFTTrainer(model, config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
    return [dict(row) for row in trainer.train_dataset]


@pytest.mark.parametrize("max_length", [512, 48])
@pytest.mark.parametrize("name", ["tiny", "starter", "minimind-chatml", "mistral"])
def test_tokens_and_labels_are_those_of_trl(name, max_length, tiny_base, model):
    tokenizer = tokenizer_of(name, tiny_base)
    ours = encode(PAIRS, tokenizer, max_length)
    theirs = prepared_by_trl(tokenizer, model, max_length)
    assert ours.input_ids == [row["input_ids"] for row in theirs]
    assert ours.labels == [row["labels"] for row in theirs]
    assert len(ours.rows) + len(ours.dropped) == len(PAIRS)


def test_the_loss_is_on_the_completion_and_its_end(tiny_base):
    tokenizer = tokenizer_of("tiny", tiny_base)
    encoded = encode(PAIRS[:2], tokenizer, 512)
    for ids, labels, pair in zip(encoded.input_ids, encoded.labels, PAIRS, strict=False):
        kept = [label for label in labels if label != IGNORED]
        assert tokenizer.decode(kept) == f"{pair.completion}</s>"
        assert ids[-len(kept) :] == kept
        assert labels[: -len(kept)] == [IGNORED] * (len(ids) - len(kept))


def test_rows_that_are_cut_or_dropped_are_named(tiny_base):
    tokenizer = tokenizer_of("tiny", tiny_base)
    encoded = encode(PAIRS, tokenizer, 100)
    assert encoded.dropped == [16]
    assert encoded.cut == [17]
    assert encoded.rows == [11, 12, 13, 14, 15, 17, 18]
    assert max(map(len, encoded.input_ids)) == 100
    whole = encode(PAIRS, tokenizer, 512)
    assert (whole.cut, whole.dropped) == ([], [])


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_longest_row_is_neither_one_more_nor_one_less(more, tiny_base):
    tokenizer = tokenizer_of("tiny", tiny_base)
    length = len(encode(PAIRS[:1], tokenizer, 512).input_ids[0])
    encoded = encode(PAIRS[:1], tokenizer, length + more)
    assert encoded.cut == ([11] if more < 0 else [])
    assert len(encoded.input_ids[0]) == min(length, length + more)


def test_a_row_with_nothing_to_learn_is_dropped(tiny_base):
    tokenizer = tokenizer_of("tiny", tiny_base)
    tokenizer.chat_template = "{{ messages[0].content }}"
    encoded = encode(PAIRS[:2], tokenizer, 512)
    assert (encoded.input_ids, encoded.dropped) == ([], [11, 12])


def test_no_rows_are_no_rows(tiny_base):
    encoded = encode([], tokenizer_of("tiny", tiny_base), 512)
    assert (encoded.input_ids, encoded.labels, encoded.rows, encoded.cut, encoded.dropped) == ([], [], [], [], [])


def test_a_system_prompt_comes_first():
    assert prompt_messages("ask", "be brief") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "ask"},
    ]
    assert prompt_messages("ask") == [{"role": "user", "content": "ask"}]


TALKS = [
    [("system", "Be kind."), ("user", "Hello 狐"), ("assistant", " Hi! \n"), ("user", "Bye"), ("assistant", "Bye.")],
    [("user", "Who?"), ("assistant", "I."), ("user", "<|end|> </s>?"), ("assistant", "tokens </s> within")],
    [("user", "Twice"), ("assistant", "One"), ("assistant", "Two")],
    [("user", "a " * 40), ("assistant", "b " * 40), ("user", "c " * 40), ("assistant", "d")],
    [("user", "no more"), ("assistant", "to learn"), ("user", "after this")],
]


def talks(*conversations: list[tuple[str, str]]) -> list[dict]:
    return [{"messages": [{"role": role, "content": text} for role, text in each]} for each in conversations]


def examples_of(rows: list[dict], **part) -> Examples:
    made = table(*rows)
    return examples(made, resolve(made, DataPart(**part)), DataPart(**part))[0]


@pytest.mark.parametrize("max_length", [512, 48])
@pytest.mark.parametrize("name", ["starter", "mistral"])
def test_conversations_are_those_of_trl(name, max_length, tiny_base, model):
    """Where the template marks what the assistant says, TRL's loss on the assistant only."""
    tokenizer = tokenizer_of(name, tiny_base)
    ours = encode(examples_of(talks(*TALKS)), tokenizer, max_length)
    theirs = prepared_by_trl(tokenizer, model, max_length, talks(*TALKS), assistant_only_loss=True)
    assert ours.input_ids == [row["input_ids"] for row in theirs]
    assert ours.labels == [row["labels"] for row in theirs]


@pytest.mark.parametrize("name", ["tiny", "starter", "minimind-chatml"])
def test_conversational_prompts_and_completions_are_those_of_trl(name, tiny_base, model):
    rows = [{"prompt": each["messages"][:-1], "completion": each["messages"][-1:]} for each in talks(*TALKS[:4])]
    tokenizer = tokenizer_of(name, tiny_base)
    ours = encode(examples_of(rows), tokenizer, 512)
    theirs = prepared_by_trl(tokenizer, model, 512, rows)
    assert ours.input_ids == [row["input_ids"] for row in theirs]
    assert ours.labels == [row["labels"] for row in theirs]


@pytest.mark.parametrize("name", ["tiny", "starter", "minimind-chatml", "mistral"])
def test_plain_text_is_that_of_trl(name, tiny_base, model):
    rows = [{"text": text} for pair in TEXTS for text in pair]
    tokenizer = tokenizer_of(name, tiny_base)
    ours = encode(examples_of(rows), tokenizer, 64)
    theirs = prepared_by_trl(tokenizer, model, 64, rows)
    assert ours.input_ids == [row["input_ids"] for row in theirs]
    assert ours.labels == ours.input_ids


@pytest.mark.parametrize("template", ["qwen2_5_training", "qwen3_training", "phi3_training"])
def test_tool_calls_are_those_of_trl_under_templates_of_other_models(template, tiny_base, model):
    """These put a new line behind the end token, which TRL does not train, and write tools into the system turn."""
    import trl

    tokenizer = tokenizer_of("minimind-chatml", tiny_base)
    tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / f"{template}.jinja").read_text("utf-8")
    rows = talks(*TALKS[:2])
    if template != "phi3_training":
        call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": "2"}}}
        rows[0]["messages"][1:1] = [
            {"role": "user", "content": "1 + 2"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "3", "name": "add"},
            {"role": "assistant", "content": "It is 3."},
        ]
        tool = {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}
        rows = [{**row, "tools": json.dumps([{"type": "function", "function": tool}])} for row in rows]
    ours = encode(examples_of(rows), tokenizer, 1000)
    theirs = prepared_by_trl(tokenizer, model, 1000, rows, assistant_only_loss=True)
    assert ours.input_ids == [row["input_ids"] for row in theirs]
    assert ours.labels == [row["labels"] for row in theirs]
    assert (ours.refused, ours.notes) == ({}, ())
