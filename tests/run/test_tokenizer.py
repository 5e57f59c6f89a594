"""What tells two tokenizers apart. How they are loaded is held in test_base.py, beside their models."""

from __future__ import annotations

from studio.run.tokenizer import digest
from tests.tiny_run import make_tokenizer


def test_a_digest_changes_with_the_template_and_the_tokens_and_with_nothing_else():
    tokenizer = make_tokenizer()
    before = digest(tokenizer)
    tokenizer(["a", "bb"], padding=True, truncation=True, max_length=1)
    assert digest(tokenizer) == digest(make_tokenizer()) == before
    other_template, more_tokens = make_tokenizer(), make_tokenizer()
    other_template.chat_template += " "
    more_tokens.add_tokens(["<more>"])
    assert len({before, digest(other_template), digest(more_tokens)}) == 3
