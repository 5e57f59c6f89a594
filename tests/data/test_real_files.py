"""Files that nobody here wrote: each opens, or says in one sentence what it needs."""

from pathlib import Path

import pytest
from tests.data.prepared import prepare_file

from studio.errors import StudioError

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared files are not here")

OPEN = [
    ("gsm8k/test.jsonl", "", "", "jsonl", "utf-8", 1319, 1319),
    ("chatgpt-prompts/prompts-BOM.csv", "act", "prompt", "csv", "utf-8", 169, 169),
    ("chatgpt-prompts/prompts-4MB.csv", "act", "prompt", "csv", "utf-8", 1529, 1513),
    ("sms-spam/spam.csv", "v2", "v1", "csv", "windows-1252", 5572, 5169),
    ("llama-factory-demos/identity.json", "", "", "json", "utf-8", 91, 91),
    ("oasst-zh/oaast_sft_zh.json", "", "", "json", "utf-8", 766, 242),
]


@pytest.mark.parametrize(("file", "prompt", "completion", "kind", "encoding", "rows", "usable"), OPEN)
def test_opens(file: str, prompt: str, completion: str, kind: str, encoding: str, rows: int, usable: int) -> None:
    found = prepare_file(FOLDER / file, prompt, completion, 0.1, 0)
    assert (found.format, found.encoding, found.rows, found.report.usable) == (kind, encoding, rows, usable)
    assert len(found.train) + len(found.held_out) == usable
    assert found.held_out


REFUSED = [
    ("chatgpt-prompts/prompts-BOM.csv", "'prompt' looks like the prompt, but none of the columns 'act' and 'prompt'"),
    ("chatgpt-prompts/prompts.xlsx", "Excel workbook"),
    ("clinc-oos/data_small.json", "an object of 6 lists holding lists of 2 ('oos_val' has 100"),
    ("deita/subset_train_sft.parquet", "a Parquet file"),
    ("humaneval/HumanEval.jsonl.gz", "a gzip archive"),
    ("fastchat/dummy_conversation.json", "holds conversations"),
    ("llama-factory-demos/c4_demo.jsonl", "The only column is 'text', and a pair needs two"),
    ("llama-factory-demos/dpo_en_demo.json", "holds conversations"),
    ("llama-factory-demos/kto_en_demo.json", "holds conversations"),
    ("llama-factory-demos/v1_sft_demo.jsonl", "holds conversations"),
    ("self-instruct/seed_tasks.jsonl", "Lists or objects, which are no text, are in 'instances'"),
    ("sms-spam/spam.csv", "None of the columns 'v1', 'v2'"),
    ("shakespeare/input.txt", "one column only"),
    ("xquad/xquad.ar.json", "are in 'paragraphs'"),
]


@pytest.mark.parametrize(("file", "expected"), REFUSED)
def test_says_what_it_needs(file: str, expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        prepare_file(FOLDER / file)
    assert expected in str(caught.value)
