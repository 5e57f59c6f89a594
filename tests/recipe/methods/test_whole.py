"""Full fine-tuning moves everything; freezing moves one part, in models of every family."""

from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.recipe.methods.whole import Freeze, Full
from tests.recipe.methods.tiny_models import bert, gpt2, llama, moving

LLAMA_LAYER = {
    *(f"self_attn.{name}_proj.weight" for name in "qkvo"),
    *(f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")),
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
}
GPT2_LAYER = {
    f"{name}.{kind}"
    for name in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for kind in ("weight", "bias")
}
BERT_LAYER = {
    f"{name}.{kind}"
    for name in (
        *(f"attention.self.{part}" for part in ("query", "key", "value")),
        *("attention.output.dense", "attention.output.LayerNorm"),
        *("intermediate.dense", "output.dense", "output.LayerNorm"),
    )
    for kind in ("weight", "bias")
}
GPT2_NORM = {"transformer.ln_f.weight", "transformer.ln_f.bias"}
BERT_HEAD = {
    *(f"cls.predictions.transform.{name}.{kind}" for name in ("dense", "LayerNorm") for kind in ("weight", "bias")),
    "cls.predictions.bias",
    "bert.embeddings.word_embeddings.weight",  # tied
}
BERT_CLASSIFIER = {"classifier.weight", "classifier.bias"}
POOLER = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}


def inside(prefix: str, names: set[str]) -> set[str]:
    return {f"{prefix}.{name}" for name in names}


def chosen(model, **options) -> set[str]:
    Freeze(**options).choose(model)
    return moving(model)


@pytest.mark.parametrize("make", [llama, gpt2, bert])
@pytest.mark.parametrize("classes", [0, 3])
def test_full_moves_every_weight_even_one_that_was_frozen(make, classes):
    model = make(classes)
    model.get_input_embeddings().weight.requires_grad_(False)
    Full().choose(model)
    assert moving(model) == {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (llama(), {"lm_head.weight"}),
        (llama(tie_word_embeddings=True), {"model.embed_tokens.weight"}),
        (gpt2(), {"transformer.wte.weight"}),
        (bert(), BERT_HEAD),
        (llama(3), {"score.weight"}),
        (gpt2(3), {"score.weight"}),
        (bert(3), BERT_CLASSIFIER),
    ],
    ids=["llama", "llama tied", "gpt2", "bert", "llama classes", "gpt2 classes", "bert classes"],
)
def test_the_head_is_what_follows_the_layers_and_may_be_tied_to_the_embeddings(model, expected):
    assert chosen(model, part="head") == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (llama(), inside("model.layers.2", LLAMA_LAYER) | {"model.norm.weight"}),
        (gpt2(), inside("transformer.h.2", GPT2_LAYER) | GPT2_NORM),
        (bert(), inside("bert.encoder.layer.2", BERT_LAYER)),
        (llama(3), inside("model.layers.2", LLAMA_LAYER) | {"model.norm.weight", "score.weight"}),
        (gpt2(3), inside("transformer.h.2", GPT2_LAYER) | GPT2_NORM | {"score.weight"}),
        (bert(3), inside("bert.encoder.layer.2", BERT_LAYER) | POOLER | BERT_CLASSIFIER),
    ],
    ids=["llama", "gpt2", "bert", "llama classes", "gpt2 classes", "bert classes"],
)
def test_the_last_layer_moves_with_what_follows_it_and_a_new_head(model, expected):
    assert chosen(model, part="last-layers", last_layers=1) == expected


@pytest.mark.parametrize(
    ("make", "layer", "after"),
    [(llama, "model.layers", {"model.norm.weight"}), (gpt2, "transformer.h", GPT2_NORM)],
)
def test_more_layers_than_there_are_means_all_of_them(make, layer, after):
    names = LLAMA_LAYER if make is llama else GPT2_LAYER
    expected = after.union(*(inside(f"{layer}.{number}", names) for number in range(3)))
    assert chosen(make(), part="last-layers", last_layers=50) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            llama(3),
            {f"model.layers.{n}.{name}_layernorm.weight" for n in range(3) for name in ("input", "post_attention")}
            | {"model.norm.weight", "score.weight"},
        ),
        (
            gpt2(),
            {f"transformer.h.{n}.ln_{m}.{kind}" for n in range(3) for m in (1, 2) for kind in ("weight", "bias")}
            | GPT2_NORM,
        ),
        (
            bert(3),
            {
                f"bert.encoder.layer.{n}.{name}output.LayerNorm.{kind}"
                for n in range(3)
                for name in ("", "attention.")
                for kind in ("weight", "bias")
            }
            | {"bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias"}
            | BERT_CLASSIFIER,
        ),
    ],
    ids=["llama classes", "gpt2", "bert classes"],
)
def test_norms_alone(model, expected):
    assert chosen(model, part="norms") == expected


def test_biases_alone():
    model = gpt2()
    assert chosen(model, part="biases") == {name for name, _ in model.named_parameters() if name.endswith(".bias")}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (llama(), {"model.embed_tokens.weight"}),
        (gpt2(3), {"transformer.wte.weight", "score.weight"}),
        (bert(), {"bert.embeddings.word_embeddings.weight"}),
    ],
    ids=["llama", "gpt2 classes", "bert"],
)
def test_embeddings_alone(model, expected):
    assert chosen(model, part="embeddings") == expected


@pytest.mark.parametrize("classes", [0, 3])
def test_a_part_that_is_not_there_is_refused_with_words(classes):
    with pytest.raises(StudioError, match=r"biases.*nothing would be learned.*last-layers"):
        Freeze(part="biases").choose(llama(classes))


def test_both_keep_a_whole_model_whose_moving_weights_are_held_in_float32():
    assert {(each.keeps, each.trains_base) for each in (Full, Freeze)} == {("model", True)}
