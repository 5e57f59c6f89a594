"""LoRA and its close kin: the base stays as it is, thin matrices beside its weight matrices learn the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.knob import knob
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft
    import torch
    import transformers

Layers = Literal["all-linear", "attention", "mlp"]

LAYERS = {
    "all-linear": "all-linear",
    "attention": (
        r".*(attn|attention)\.(.*\.)?(q_proj|k_proj|v_proj|o_proj|qkv_proj|out_proj|c_attn|c_proj|query_key_value|"
        r"dense|query|key|value|query_proj|key_proj|value_proj|q_lin|k_lin|v_lin|out_lin|Wqkv|Wo)"
    ),
    "mlp": (
        r"(?!.*(attn|attention)\.).*\.(gate_proj|up_proj|down_proj|gate_up_proj|fc1|fc2|fc_in|fc_out|w1|w2|w3|c_fc|"
        r"c_proj|dense_h_to_4h|dense_4h_to_h|intermediate\.dense|output\.dense|albert_layers\.\d+\.ffn(_output)?|lin1|lin2|Wi|Wo)"
    ),
}
"""What PEFT is told for each choice: names of Llama's kin, GPT-2's, GPT-NeoX's and BERT's families."""


def target_modules(layers: Layers, situation: Situation) -> str | list[str]:
    """What PEFT is told of `layers` in this run.

    A new classification head is trained whole and takes no adapter. PEFT leaves out only a head by the name of score or
    classifier; DistilBERT's has a second part, pre_classifier.
    """
    if layers != "all-linear" or situation.task_type != "SEQ_CLS" or situation.model is None:
        return LAYERS[layers]
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    heads = ("score", "classifier")
    linear = [name for name, module in situation.model.named_modules() if isinstance(module, Linear | Conv1D)]
    return [name for name in linear if not any(part.endswith(heads) for part in name.split("."))]


def dropout_knob() -> Any:
    """The option `dropout`, the same for all methods that have it."""
    return knob(
        0.0,
        "Share of the adapter's inputs that are switched off at random in each step, against learning by heart. "
        "Try 0; 0.05 to 0.1 when held-out loss rises while training loss falls.",
        label="Dropout",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="share of the inputs",
        what="A model that sees the same few rows again and again may learn them by heart instead of what they have in "
        "common. Dropout works against that: in each step a random part of the numbers that go into the adapter is set "
        "to 0, so that it cannot rely on any single one. It is only used while training, never when the model answers.",
        picture="dropout",
    )


def layers_knob() -> Any:
    """The option `layers`, the same for all methods that have it."""
    return knob(
        "all-linear",
        "Which weight matrices get an adapter. All linear layers learns best for the same number of weights; "
        "attention alone is smaller.",
        label="Layers",
        what="A language model is a stack of like blocks. Each has an attention part, where a word looks at the other "
        "words, and an MLP part, which works on each word by itself and holds much of what the model knows. Both are "
        "made of weight matrices, also called linear layers. Here you choose which of them may learn something new.",
        picture="layers",
    )


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
        what="A weight matrix of the base has thousands of rows and columns. LoRA does not change it, but learns a "
        "correction that is the product of two thin matrices: one with only `rank` rows, one with only `rank` columns. "
        "The rank is how many independent directions the correction can have. Twice the rank is twice the weights to "
        "train and to store.",
        picture="rank",
    )
    alpha: int = knob(
        32,
        "How loud the adapter speaks: its output is scaled by alpha divided by rank. Try twice the rank and leave it.",
        label="Alpha",
        bounds=(1, 512),
        step=1,
        what="What the two thin matrices say is multiplied by alpha divided by rank before it is added to what the "
        "base says. A higher alpha makes the same learned weights count for more, much like a higher learning rate. "
        "It costs nothing. Most people set it to twice the rank once, and turn the learning rate instead.",
        picture="alpha",
    )
    dropout: float = dropout_knob()
    layers: Layers = layers_knob()

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import LoraConfig

        return LoraConfig(
            task_type=situation.task_type,
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=target_modules(self.layers, situation),
            **self.variant(situation),
        )

    def variant(self, situation: Situation) -> dict[str, Any]:
        """What a kin of LoRA says to PEFT beside LoRA's own options."""
        return {}


class RsLora(Lora):
    """rsLoRA: LoRA whose output is scaled by alpha over the root of the rank, which lets high ranks learn."""

    title: ClassVar[str] = "rsLoRA"
    source: ClassVar[str] = "Kalajdzievski 2023, arXiv 2312.03732, section 3"
    when: ClassVar[str] = (
        "When you want a high rank, 64 and more, because there is much to learn. LoRA divides its output by the rank, "
        "which makes high ranks learn slower than they could; here it is divided by the root of the rank."
    )
    first: ClassVar[str] = "Rank 64 and alpha 16: as loud as LoRA with alpha twice its rank."
    good_at: ClassVar[str] = "high ranks, much new material"

    name: Literal["rslora"] = "rslora"  # type: ignore[assignment]
    rank: int = knob(
        64,
        "How wide the two thin matrices are. rsLoRA is made for high ranks: try 64, and 128 where there are many "
        "thousand rows.",
        label="Rank",
        bounds=(1, 256),
        step=1,
        unit="columns",
        what="rsLoRA learns a correction to each weight matrix that is the product of two thin matrices, as LoRA does. "
        "The rank is how many independent directions the correction can have. Twice the rank is twice the weights to "
        "train and to store.",
        picture="rank",
    )
    alpha: int = knob(
        16,
        "How loud the adapter speaks: its output is scaled by alpha divided by the root of the rank. Try 16 with rank "
        "64, and leave it when you change the rank.",
        label="Alpha",
        bounds=(1, 512),
        step=1,
        what="What the two thin matrices say is multiplied by alpha divided by the square root of the rank before it "
        "is added to what the base says. So alpha 16 with rank 64 gives 2, the same as LoRA gives with an alpha of "
        "twice its rank. Because of the root, alpha and learning rate can stay as they are when the rank changes.",
        picture="alpha",
    )

    def variant(self, situation: Situation) -> dict[str, Any]:
        return {"use_rslora": True}


class Dora(Lora):
    """DoRA: each weight matrix is taken apart into lengths and directions; LoRA turns these, and the lengths learn."""

    title: ClassVar[str] = "DoRA"
    source: ClassVar[str] = "Liu et al. 2024, arXiv 2402.09353, section 4"
    when: ClassVar[str] = (
        "When LoRA comes close but not close enough, most of all at a low rank. Learns a little like full fine-tuning "
        "does, and takes more time and memory a step than LoRA."
    )
    first: ClassVar[str] = "LoRA's options with half the rank."
    good_at: ClassVar[str] = "low ranks, at more time"

    name: Literal["dora"] = "dora"  # type: ignore[assignment]

    def variant(self, situation: Situation) -> dict[str, Any]:
        return {"use_dora": True}


class QLora(Lora):
    """QLoRA: LoRA over a base that is stored in 4 or 8 bits, so that a large base fits a small GPU."""

    title: ClassVar[str] = "QLoRA"
    source: ClassVar[str] = (
        "Dettmers et al. 2023, arXiv 2305.14314, sections 2 and 3; 8 bits: Dettmers et al. 2022, arXiv 2208.07339"
    )
    when: ClassVar[str] = (
        "When the base does not fit the memory in 16 bits: it takes about a quarter of the memory, trains somewhat "
        "slower, and answers differ a little from LoRA's."
    )
    first: ClassVar[str] = "NF4 with double quantization, and LoRA's own options as they are."
    good_at: ClassVar[str] = "large bases on small GPUs"

    name: Literal["qlora"] = "qlora"  # type: ignore[assignment]
    quant_type: Literal["nf4", "fp4", "int8"] = knob(
        "nf4",
        "How a weight of the base is stored. NF4 takes 4 bits and suits trained weights best: try it first. int8 takes "
        "twice the memory and is closer to the original; FP4 is there to compare.",
        label="Quantization",
        what="Weights are usually stored in 16 bits each. Quantization rounds them to a short list of values: 16 of "
        "them in 4 bits, 256 in 8 bits. NF4 puts its 16 values where the weights of trained models mostly lie; FP4 "
        "spaces them as a tiny floating-point number does. The base is only read and never trained, so the rounding "
        "does little harm; the adapter itself is kept exact.",
        picture="quantization",
    )
    double_quantization: bool = knob(
        True,
        "Stores the scales of the 4-bit blocks in 8 bits too: saves about 0.4 bits a weight and costs next to nothing. "
        "Keep it on. It does nothing for int8.",
        label="Double quantization",
        advanced=True,
        what="4-bit weights come in blocks of 64, and each block has one number that says how large its values are: "
        "its scale. These scales take memory as well. Double quantization rounds the scales, too.",
        picture="quantization",
    )

    def weight_bytes(self) -> float:
        """Bytes a weight of a quantized matrix takes (QLoRA, section 3); embeddings and output layer keep 16 bits."""
        if self.quant_type == "int8":
            return 1.0
        scales = 8 / 64 + 32 / (64 * 256) if self.double_quantization else 32 / 64  # bits a weight
        return (4 + scales) / 8

    def quantization(self, compute_dtype: torch.dtype) -> transformers.BitsAndBytesConfig:
        from transformers import BitsAndBytesConfig

        if self.quant_type == "int8":
            return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
        return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type=self.quant_type,
            bnb_4bit_use_double_quant=self.double_quantization,
            bnb_4bit_compute_dtype=compute_dtype,
        )

    def callbacks(self) -> list[transformers.TrainerCallback]:
        from transformers import TrainerCallback

        class KeepsExact(TrainerCallback):  # type: ignore[misc]
            """Holds the adapter in float32: TRL rounds it to bfloat16, in which small steps are lost."""

            def on_init_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                for weight in kwargs["model"].parameters():
                    if weight.requires_grad:
                        weight.data = weight.data.float()

        return [KeepsExact()]


def adapted(model: Any) -> list[Any]:
    """The layers of `model` that have LoRA's matrices."""
    from peft.tuners.lora import LoraLayer

    return [module for module in model.modules() if isinstance(module, LoraLayer)]


def matrices(layer: Any) -> tuple[Any, Any]:
    """The two thin matrices of such a layer: A, which reads its input, and B, which writes its output."""
    return layer.lora_A["default"], layer.lora_B["default"]
