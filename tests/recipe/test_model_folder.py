"""What a config.json tells of the sort and the widths of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.home import STARTER
from studio.recipe.model_folder import ENCODERS, Widths, facts, model_kind, widths


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, "decoder"),
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, "decoder"),
        ({"model_type": "qwen3_5", "architectures": ["Qwen3_5ForConditionalGeneration"]}, "decoder"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "encoder"),
        ({"model_type": "bert", "architectures": ["BertForPreTraining"], "use_cache": True}, "encoder"),
        ({"model_type": "xlm-roberta"}, "encoder"),
        ({"model_type": "modernbert", "architectures": ["ModernBertForSequenceClassification"]}, "encoder"),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"]}, "decoder"),
        ({"model_type": "bert", "is_decoder": True}, "decoder"),
        ({"model_type": "brand-new", "architectures": ["BrandNewForMaskedLM"]}, "encoder"),
        ({"model_type": "t5", "is_encoder_decoder": True, "architectures": ["T5ForConditionalGeneration"]}, None),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"], "use_cache": True}, "decoder"),
        ({"model_type": "gemma3", "text_config": {"num_key_value_heads": 1}}, "decoder"),
        ({"model_type": "own"}, "unknown"),
    ],
)
def test_the_sort_is_told_from_the_config(config, kind):
    assert model_kind(config) == (kind or "encoder-decoder")


def test_the_list_of_encoders_is_that_of_the_library():
    """All but those that see, or whose masked head is part of an encoder-decoder."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as KNOWN

    assert set(ENCODERS.split()) <= set(KNOWN)


def test_facts_hold_the_sort():
    assert facts(STARTER).kind == "decoder"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"hidden_size": 576, "intermediate_size": 1536}, Widths(576, 1536)),
        ({"n_embd": 768, "n_inner": None}, Widths(768, 3072)),
        ({"dim": 768, "hidden_dim": 3072}, Widths(768, 3072)),
        ({"text_config": {"hidden_size": 640, "intermediate_size": 2048}}, Widths(640, 2048)),
        ({"hidden_size": "many"}, None),
    ],
)
def test_the_widths_are_read_where_they_are_said(config, found, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert widths(tmp_path) == found
