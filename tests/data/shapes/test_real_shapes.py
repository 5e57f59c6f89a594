"""Files that nobody here wrote: each is recognised rightly, or says what it needs, and reaches the model's tokens."""

from __future__ import annotations

import pytest

from studio.data.files.read import read
from studio.data.part import DataPart
from studio.data.shapes.columns import examples, resolve
from studio.data.tokens.encode import encode
from studio.errors import StudioError
from studio.home import CHECKOUT
from studio.run.tokenizer import load_tokenizer

FOLDER = CHECKOUT.parent / "shared" / "data"
MINIMIND = CHECKOUT.parent / "shared" / "models" / "tokenizers" / "minimind-chatml"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"{FOLDER} is not here")

LANGUAGE, PAIRS, PREFERENCE = "language modeling", "prompt-completion", "preference"
FILES = {
    "bundestag/19005-BOM.txt": (LANGUAGE, "text", 52),
    "deita/subset_train_sft.parquet": (LANGUAGE, "messages", 5),
    "fastchat/dummy_conversation.json": (LANGUAGE, "messages", 500),
    "gsm8k/test.jsonl": (PAIRS, "prompt", 1319),
    "humaneval/HumanEval.jsonl.gz": (PAIRS, "prompt", 164),
    "llama-factory-demos/c4_demo.jsonl": (LANGUAGE, "text", 300),
    "llama-factory-demos/dpo_en_demo.json": (PREFERENCE, "rejected", 300),
    "llama-factory-demos/glaive_toolcall_en_demo.json": (LANGUAGE, "tools", 300),
    "llama-factory-demos/identity.json": (PAIRS, "input", 91),
    "llama-factory-demos/kto_en_demo.json": (LANGUAGE, "liked", 150),
    "llama-factory-demos/v1_sft_demo.jsonl": (LANGUAGE, "messages", 500),
    "oasst-zh/oaast_sft_zh.json": (LANGUAGE, "history", 766),
    "self-instruct/seed_tasks.jsonl": (PAIRS, "instances", 175),
    "shakespeare/input.txt": (LANGUAGE, "text", 7222),
    "sms-spam/spam.csv": (PAIRS, "label", 5572),
    "xquad/xquad.ar.json": (PAIRS, "paragraphs", 1190),
    "clinc-oos/data_small.json": (PAIRS, "label", 7500),
}
NEEDS = {
    "chatgpt-prompts/prompts-4MB.csv": "none of the columns 'act', 'prompt'",
    "chatgpt-prompts/prompts-BOM.csv": "none of the columns 'act' and 'prompt' has a usual name for the completion",
    "chatgpt-prompts/prompts.xlsx": "none of the columns 'act' and 'prompt' has a usual name for the completion",
    "clinc-oos/domains.json": "has a usual name for the prompt or completion",
    "fastchat/mt_bench_question.jsonl": "holds questions and nobody answers them",
}


def test_no_file_is_forgotten() -> None:
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*") if path.is_file()}
    assert there == {*FILES, *NEEDS}


@pytest.mark.parametrize("name", FILES)
def test_files_are_recognised(name: str) -> None:
    type_, role, number = FILES[name]
    table = read(FOLDER / name)
    mapping = resolve(table, DataPart())
    found, findings = examples(table, mapping, DataPart())
    assert (mapping.type, len(found)) == (type_, number)
    assert role in mapping.columns
    assert {each.kind for each in findings} <= {"not-liked"}
    assert all(f"'{column}'" in mapping.reason for column in mapping.columns.values())


@pytest.mark.parametrize("name", NEEDS)
def test_files_that_lack_something_say_what(name: str) -> None:
    with pytest.raises(StudioError) as caught:
        resolve(read(FOLDER / name), DataPart())
    assert NEEDS[name] in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "llama-factory-demos/glaive_toolcall_en_demo.json",
        "llama-factory-demos/dpo_en_demo.json",
        "oasst-zh/oaast_sft_zh.json",
    ],
)
def test_conversations_reach_the_models_tokens(name: str) -> None:
    if not MINIMIND.exists():
        pytest.skip(f"{MINIMIND} is not here")
    tokenizer = load_tokenizer(MINIMIND)[0]
    table = read(FOLDER / name)
    found, _ = examples(table, resolve(table, DataPart()), DataPart())
    made = encode(found[:60], tokenizer)
    assert (len(made), made.refused, made.notes) == (60, {}, ())
    for each, labels in zip(found, made.labels, strict=False):
        learned = tokenizer.decode([label for label in labels if label >= 0])
        answers = [turn for turn in each.conversation if turn["role"] == "assistant" and turn.get("weight") != 0]
        assert learned.count("<|im_end|>") == len(answers)
        assert learned.rstrip().endswith("<|im_end|>")
        asked = [turn["content"] for turn in each.conversation if turn["role"] in ("user", "tool")]
        assert all(len(text) < 40 or text not in learned for text in asked)
