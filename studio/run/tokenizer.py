"""Loading a base model's tokenizer safely, able to render conversations and to pad."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.home import ASSETS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_TEMPLATE = ASSETS / "plain_chat_template.jinja"
PASSING = ("truncation", "padding")  # parts of a tokenizer that each call sets anew


def load_tokenizer(folder: Path, speaks: bool = True) -> tuple[PreTrainedTokenizerBase, list[tuple[str, str]]]:
    """The tokenizer, able to render conversations and to pad; and what had to be decided for that, with reasons.

    Args:
        folder: where it lies.
        speaks: whether texts are to be written with it. Reading them takes no chat template and no end token.

    Raises:
        StudioError: there is no usable tokenizer or no token that ends a text.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise StudioError(
            f"The tokenizer in {folder} cannot be loaded ({type(error).__name__}: {error!s:.200}). "
            "Choose a folder with a whole tokenizer.json."
        ) from error
    decisions = []
    if speaks and tokenizer.eos_token is None and tokenizer.sep_token is not None:
        tokenizer.eos_token = tokenizer.sep_token
        decisions.append(
            (f"texts end with {tokenizer.sep_token}", "the base has no end token, but one that parts texts")
        )
    if speaks and tokenizer.eos_token is None:
        raise StudioError(
            f"The tokenizer in {folder} has no end token, so the model could never learn to stop. "
            "Set eos_token in its tokenizer_config.json, or choose another base model."
        )
    if speaks and not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE.read_text("utf-8")
        decisions.append(("plain template: prompt, new line, completion, end token", "the base has no chat template"))
    if tokenizer.pad_token is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
        decisions.append(
            (f"padding with {tokenizer.eos_token}", "the base has no padding token; padding is never trained")
        )
    return tokenizer, decisions


def template_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """The text of its chat template; where it has several, of all of them."""
    template = tokenizer.chat_template
    return "\n".join(map(str, template.values())) if isinstance(template, dict) else str(template or "")


def digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Equal for tokenizers that make the same tokens of the same conversations."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        parts = json.loads(backend.to_str())
        rules = {name: part for name, part in parts.items() if name not in PASSING}
    else:
        rules = {"class": type(tokenizer).__name__, "vocabulary": tokenizer.get_vocab()}
    facts = [rules, tokenizer.chat_template, tokenizer.special_tokens_map, tokenizer.clean_up_tokenization_spaces]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
