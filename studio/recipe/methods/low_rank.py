"""LoRA and its kin: the base stays as it is, and thin matrices beside its weight matrices learn the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.knob import knob
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft
    import torch
    import transformers

LAYERS = {
    "all-linear": "all-linear",
    "attention": r".*(attn|attention).*\.(q_proj|k_proj|v_proj|o_proj|qkv_proj|out_proj|c_attn|query_key_value)",
    "mlp": r".*(mlp|feed_forward|ffn).*\.(gate_proj|up_proj|down_proj|gate_up_proj|fc1|fc2|w1|w2|w3|c_fc|c_proj)",
}


class Lora(TuningMethod):
    """LoRA: the base stays as it is; beside each chosen weight matrix two thin matrices learn the difference."""

    title: ClassVar[str] = "LoRA"
    family: ClassVar[Family] = "Low-rank adapters"
    source: ClassVar[str] = "Hu et al. 2021, arXiv 2106.09685, section 4"
    when: ClassVar[str] = (
        "The first thing to try. Trains about 1 % of the weights, keeps the base untouched, and the result is a small "
        "file. Choose QLoRA when the base does not fit the memory."
    )

    first: ClassVar[str] = "Rank 16, alpha 32, all linear layers, no dropout."
    good_at: ClassVar[str] = "nearly everything, at little cost"

    name: Literal["lora"] = "lora"  # type: ignore[assignment]
    rank: int = knob(
        16,
        "How wide the two thin matrices are: more rank can learn more, costs more memory, and with few rows learns "
        "them by heart sooner. Try 16 first; 8 for a style, 64 for much new material.",
        label="Rank",
        bounds=(1, 256),
        step=1,
        unit="columns",
    )
    alpha: int = knob(
        32,
        "How loud the adapter speaks: its output is scaled by alpha divided by rank. Try twice the rank and leave it.",
        label="Alpha",
        bounds=(1, 512),
        step=1,
    )
    dropout: float = knob(
        0.0,
        "Share of the adapter's inputs that are switched off at random in each step, against learning by heart. "
        "Try 0; 0.05 to 0.1 when held-out loss rises while training loss falls.",
        label="Dropout",
        bounds=(0.0, 0.5),
        step=0.01,
    )
    layers: Literal["all-linear", "attention", "mlp"] = knob(
        "all-linear",
        "Which weight matrices get an adapter. All linear layers learns best for the same number of weights; "
        "attention alone is smaller.",
        label="Layers",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import LoraConfig

        return LoraConfig(
            task_type=situation.task_type,
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=LAYERS[self.layers],
        )


class QLora(Lora):
    """QLoRA: LoRA over a base that is stored in 4 bits, so that a large base fits a small GPU."""

    title: ClassVar[str] = "QLoRA"
    source: ClassVar[str] = "Dettmers et al. 2023, arXiv 2305.14314, sections 2 and 3"
    when: ClassVar[str] = (
        "When the base does not fit the memory in 16 bits: it takes about a quarter of the memory, trains somewhat "
        "slower, and answers differ a little from LoRA's."
    )

    first: ClassVar[str] = "NF4 with double quantization, and LoRA's own options as they are."
    good_at: ClassVar[str] = "large bases on small GPUs"

    name: Literal["qlora"] = "qlora"  # type: ignore[assignment]
    quant_type: Literal["nf4", "fp4"] = knob(
        "nf4",
        "The 16 values that a 4-bit weight can take. NF4 places them where normally distributed weights lie; "
        "keep it unless you compare.",
        label="4-bit type",
        advanced=True,
    )
    double_quantization: bool = knob(
        True,
        "Stores the scales of the 4-bit blocks in 8 bits too: saves about 0.4 bits a weight and costs next to nothing.",
        label="Double quantization",
        advanced=True,
    )

    def weight_bytes(self) -> float:
        return 0.6  # 4 bits, their scales, and the embeddings in 16 bits

    def quantization(self, compute_dtype: torch.dtype) -> transformers.BitsAndBytesConfig:
        from transformers import BitsAndBytesConfig

        return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type=self.quant_type,
            bnb_4bit_use_double_quant=self.double_quantization,
            bnb_4bit_compute_dtype=compute_dtype,
        )
