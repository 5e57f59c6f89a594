"""Models of three families with a few thousand random weights each, as language models and as classifiers."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
)

SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def llama(classes: int = 0, **options: Any) -> Any:
    config = LlamaConfig(
        **{"vocab_size": 259, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3}
        | {"num_attention_heads": 4, "num_key_value_heads": 2, "num_labels": classes or 2}
        | SPECIAL
        | options
    )
    return (LlamaForSequenceClassification if classes else LlamaForCausalLM)(config)


def gpt2(classes: int = 0, **options: Any) -> Any:
    config = GPT2Config(
        **{"vocab_size": 259, "n_embd": 32, "n_layer": 3, "n_head": 4, "num_labels": classes or 2} | SPECIAL | options
    )
    return (GPT2ForSequenceClassification if classes else GPT2LMHeadModel)(config)


def bert(classes: int = 0, **options: Any) -> Any:
    config = BertConfig(
        **{"vocab_size": 259, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3}
        | {"num_attention_heads": 4, "pad_token_id": 0, "num_labels": classes or 2}
        | options
    )
    return (BertForSequenceClassification if classes else BertForMaskedLM)(config)


def moving(model: Any) -> set[str]:
    """The names of the weights that move, without what PEFT puts before them."""
    return {name.replace("base_model.model.", "") for name, weight in model.named_parameters() if weight.requires_grad}


def loss_of(model: Any, classes: bool = False) -> torch.Tensor:
    ids = torch.arange(3, 23).reshape(2, 10)
    return model(  # type: ignore[no-any-return]
        input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.tensor([0, 1]) if classes else ids
    ).loss
