"""Small adapters that are not thin matrices: factors, rotations, chosen tokens, and a small network on each weight."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.errors import StudioError
from studio.knob import knob
from studio.recipe.methods.low_rank import Layers, layers_knob, target_modules
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft

KEYS_AND_VALUES = (
    r"k_proj|v_proj|key|value|key_proj|value_proj|k_lin|v_lin|k|v"
    r"|c_attn|qkv_proj|query_key_value|Wqkv|in_proj"  # where query, key and value are one matrix
)
BACK_FROM_MLP = r"down_proj|fc2|fc_out|dense_4h_to_h|w2|lin2|wo|mlp\.c_proj|mlp\.Wo|(?<!attention\.)output\.dense"


def _block_dropout() -> Any:
    return knob(
        0.0,
        "Share of the blocks that are left unrotated at random in each step, against learning by heart. Try 0.",
        label="Dropout",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="share of the blocks",
        advanced=True,
        what="Switching parts of the adapter off at random keeps it from relying on single ones, so it learns rules "
        "rather than rows. It only acts while training.",
        picture="dropout",
    )


class IA3(TuningMethod):
    """IA3: keys, values and what leaves the MLP are multiplied by learned factors, one number for each channel."""

    title: ClassVar[str] = "IA3"
    family: ClassVar[Family] = "Small adapters"
    source: ClassVar[str] = "Liu et al. 2022, arXiv 2205.05638, section 3.3"
    when: ClassVar[str] = (
        "For a narrow task with few rows, or many tasks on one base: about a hundred times fewer weights than LoRA. "
        "It can turn up or down what the base knows and hardly teach it anything new."
    )
    first: ClassVar[str] = "The paper's places, and fifteen times LoRA's learning rate."
    good_at: ClassVar[str] = "few rows, very small files"
    rate: ClassVar[float] = 15.0

    name: Literal["ia3"] = "ia3"  # type: ignore[assignment]
    places: Literal["paper", "all-linear"] = knob(
        "paper",
        "Where the factors stand: on keys, values and the way back from the MLP as in the paper, or on every linear "
        "layer. Try the paper's places.",
        label="Places",
        what="Each layer passes on thousands of numbers. IA3 multiplies each of them by a factor that is learned and "
        "begins at 1: above 1 it is turned up, below 1 down. More places give more factors to learn with.",
        picture="scaling",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError where the base has no layers with the names that are known."""
        from peft import IA3Config

        if self.places == "all-linear":
            return IA3Config(task_type=situation.task_type, target_modules="all-linear", feedforward_modules=[])
        known = rf".*\.({KEYS_AND_VALUES}|{BACK_FROM_MLP})"
        if situation.model is not None and not _linear(situation.model, known):
            raise StudioError(
                "The layers of this base model have names that IA3's places are not known for. Set the places to "
                "all-linear."
            )
        back = rf".*\.({BACK_FROM_MLP})"
        return IA3Config(task_type=situation.task_type, target_modules=known, feedforward_modules=back)


class Oft(TuningMethod):
    """OFT: each weight matrix is rotated by a learned rotation, which keeps the angles between neurons."""

    title: ClassVar[str] = "OFT"
    family: ClassVar[Family] = "Small adapters"
    source: ClassVar[str] = "Qiu et al. 2023, arXiv 2306.07280, section 3"
    when: ClassVar[str] = (
        "When the base should forget as little as possible: a rotation changes directions and no sizes. About as large "
        "as LoRA and slower. For layers of PyTorch's linear kind, so not for GPT-2."
    )
    first: ClassVar[str] = "Blocks of 32, all linear layers."
    good_at: ClassVar[str] = "keeping what the base knows"
    rate: ClassVar[float] = 1.0

    name: Literal["oft"] = "oft"  # type: ignore[assignment]
    block_size: int = knob(
        32,
        "How many inputs are rotated together. More can learn more and costs more. Where it does not divide a layer's "
        "width, the nearest that does is taken. Try 32; 16 for small bases.",
        label="Block size",
        bounds=(2, 256),
        step=1,
        unit="inputs",
        what="A rotation of all inputs at once would need as many numbers as the weight matrix itself. So the inputs "
        "are cut into blocks, and each block is rotated by itself: small blocks need few numbers, large blocks can "
        "turn further.",
        picture="rotation",
    )
    layers: Layers = layers_knob()
    dropout: float = _block_dropout()

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError for a base whose layers PEFT cannot rotate."""
        from peft import OFTConfig

        _refuse_other_layers(situation.model, self)
        return OFTConfig(
            task_type=situation.task_type,
            oft_block_size=self.block_size,
            module_dropout=self.dropout,
            target_modules=target_modules(self.layers, situation),
        )


class Boft(TuningMethod):
    """BOFT: a rotation as in OFT, made of several cheap ones after each other, in the pattern of a butterfly."""

    title: ClassVar[str] = "BOFT"
    family: ClassVar[Family] = "Small adapters"
    source: ClassVar[str] = "Liu et al. 2023, arXiv 2311.06243, section 4"
    when: ClassVar[str] = (
        "As OFT, with smaller blocks that reach further. Takes more time and memory than any other adapter here, as "
        "PEFT builds it, so for small bases; not for GPT-2."
    )
    first: ClassVar[str] = "Blocks of 8 and one factor, all linear layers."
    good_at: ClassVar[str] = "keeping what the base knows"
    rate: ClassVar[float] = 1.0

    name: Literal["boft"] = "boft"  # type: ignore[assignment]
    block_size: int = knob(
        8,
        "How many inputs are rotated together. Where it does not divide the width of every layer, the next smaller "
        "that does is taken. Try 8.",
        label="Block size",
        bounds=(2, 128),
        step=2,
        unit="inputs",
        what="A rotation of all inputs at once would need as many numbers as the weight matrix itself. So the inputs "
        "are cut into blocks, and each block is rotated by itself.",
        picture="rotation",
    )
    factors: int = knob(
        1,
        "How many rotations follow each other, each with other inputs in its blocks. 1 works everywhere; more needs an "
        "NVIDIA GPU with CUDA's compiler and ninja.",
        label="Butterfly factors",
        bounds=(1, 6),
        step=1,
        unit="rotations",
        advanced=True,
        what="After one rotation only inputs of the same block have met. The second one mixes the blocks in pairs, the "
        "third in fours, like the wings of a butterfly, so that with few numbers every input can meet every other.",
        picture="rotation",
    )
    layers: Layers = layers_knob()
    dropout: float = _block_dropout()

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError for a base whose layers PEFT cannot rotate, or more factors than this machine can do."""
        from peft import BOFTConfig

        _refuse_other_layers(situation.model, self)
        if self.factors > 1 and not _has_butterflies():
            raise StudioError(
                f"You set the butterfly factors to {self.factors}, but the CUDA extension that PEFT needs for more "
                "than one could not be built here (it takes an NVIDIA GPU, nvcc and ninja). Set the factors to 1."
            )
        return BOFTConfig(
            task_type=situation.task_type,
            boft_block_size=self._block_size(situation.model),
            boft_n_butterfly_factor=self.factors,
            boft_dropout=self.dropout,
            target_modules=target_modules(self.layers, situation),
        )

    def _block_size(self, model: Any) -> int:
        """The largest block up to the one asked for that divides the width of every layer, in pairs of blocks."""
        pairs = 2 ** (self.factors - 1)
        widths = [layer.in_features for layer in _linear(model, ".*")] if model is not None else []
        common = math.gcd(*widths) if widths else self.block_size * pairs
        sizes = [size for size in range(2, self.block_size + 1, 2) if common % (size * pairs) == 0]
        if not sizes:
            raise StudioError(
                f"The layers of this base model have widths that no block of 2 to {self.block_size} inputs divides "
                f"for {self.factors} butterfly factors. Set the factors to 1, or choose OFT."
            )
        return sizes[-1]


class TrainableTokens(TuningMethod):
    """Trainable tokens: of the whole model only the embeddings of some tokens move."""

    title: ClassVar[str] = "Trainable tokens"
    family: ClassVar[Family] = "Small adapters"
    source: ClassVar[str] = (
        "PEFT's trainable tokens; descends from Artetxe et al. 2019, arXiv 1910.11856, section 3 (new embeddings over "
        "a frozen model)"
    )
    when: ClassVar[str] = (
        "When a base does not know some words or the marks of a chat template, such as product names, and all else "
        "is as it should be. Teaches what these tokens mean and nothing else."
    )
    first: ClassVar[str] = "The tokens of the chat template: leave the text empty."
    good_at: ClassVar[str] = "new words, a template's marks"
    rate: ClassVar[float] = 10.0
    tasks: ClassVar[tuple[str, ...]] = ("language-modeling", "direct-preference")
    """A new head would not learn, and an encoder's loses its bias."""

    name: Literal["trainable-tokens"] = "trainable-tokens"  # type: ignore[assignment]
    text: str = knob(
        "",
        "A text whose tokens are trained, such as your product names with spaces between. Empty: the tokens that the "
        "chat template is made of.",
        label="Text of the tokens",
        what="A model reads tokens: words or pieces of words, each with a list of numbers (its embedding) that says "
        "what it means. Here these lists move for the tokens of your text and for no others. Where the head is the "
        "same table as the embeddings, the model also says these tokens more or less often.",
        picture="tokens",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError where the text has no tokens."""
        from peft import TrainableTokensConfig

        return TrainableTokensConfig(
            task_type=situation.task_type,
            token_indices=self._tokens(situation),
            target_modules=_embeddings(situation.model),
        )

    def choose(self, model: Any) -> None:
        from peft.tuners.trainable_tokens import TrainableTokensLayer

        from studio.recipe.methods.tied_head import TiedHead

        base = model.get_base_model()
        head = base.get_output_embeddings()
        if isinstance(head, TrainableTokensLayer):
            base.set_output_embeddings(TiedHead(head))

    def _tokens(self, situation: Situation) -> list[int]:
        from transformers import AutoTokenizer

        if not situation.tokenizer:
            return [0]
        tokenizer = AutoTokenizer.from_pretrained(situation.tokenizer, trust_remote_code=False, local_files_only=True)
        found = set(tokenizer(self.text, add_special_tokens=False)["input_ids"])
        if not found:
            found = _of_template(tokenizer)
        if situation.model is not None:
            found = {token for token in found if token < situation.model.get_input_embeddings().num_embeddings}
        if not found:
            raise StudioError("The text of the tokens is empty, and this base has no special tokens. Write some words.")
        return sorted(found)


class Peanut(TuningMethod):
    """PEANuT: a small network with a narrow middle reads each weight matrix and makes the change that is added to it.

    The nearest that PEFT has to a bottleneck adapter: down-projection, non-linearity, up-projection. Houlsby's stands
    between the layers and reads what flows through; this one reads the weights, so the result can be merged.
    """

    title: ClassVar[str] = "PEANuT (bottleneck)"
    family: ClassVar[Family] = "Small adapters"
    source: ClassVar[str] = (
        "PEANuT as PEFT has it; descends from Houlsby et al. 2019, arXiv 1902.00751, section 2.1, with the weights as "
        "input. PEFT has no bottleneck adapter in Houlsby's strict sense"
    )
    when: ClassVar[str] = (
        "To try an adapter with a non-linearity: can learn changes that are not of low rank, with LoRA's number of "
        "weights. Slower than LoRA and hungrier for memory, because the whole change is made in every step."
    )
    first: ClassVar[str] = "Width 16, no inner layers, ReLU."
    good_at: ClassVar[str] = "changes beyond low rank"
    rate: ClassVar[float] = 1.0

    name: Literal["peanut"] = "peanut"  # type: ignore[assignment]
    width: int = knob(
        16,
        "How narrow the middle of the small network is: wider can learn more and costs more. Try 16.",
        label="Bottleneck width",
        bounds=(1, 256),
        step=1,
        unit="numbers",
        what="The network squeezes each row of the weight matrix into a few numbers, bends them, and spreads them out "
        "again. How few is the width. A narrow middle forces it to find what matters.",
        picture="bottleneck",
    )
    depth: int = knob(
        0,
        "Pairs of extra layers in the narrow middle. 0 is quickest; try 1 when 0 learns too little.",
        label="Inner layers",
        bounds=(0, 4),
        step=1,
        unit="pairs",
        advanced=True,
        what="Besides squeezing and spreading, the network can have more layers in its narrow middle. Each pair of "
        "them lets it make more complicated changes out of the same few numbers, and takes more time.",
        picture="bottleneck",
    )
    activation: Literal["relu", "gelu", "silu", "tanh"] = knob(
        "relu",
        "The bend in the middle. Keep ReLU unless you compare.",
        label="Non-linearity",
        advanced=True,
        what="Without a bend in between, squeezing and spreading would be one plain multiplication, as in LoRA. ReLU "
        "sets what is negative to zero; the others bend more softly.",
        picture="bottleneck",
    )
    scale: float = knob(
        1.0,
        "What the change is multiplied by before it is added. Try 1 and move the learning rate instead.",
        label="Scale",
        bounds=(0.01, 10.0),
        scale="log",
        advanced=True,
        what="A number that turns the whole adapter up or down. It acts much like a learning rate.",
        picture="alpha",
    )
    layers: Layers = layers_knob()

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError for a base whose layers PEFT has no such adapter for."""
        from peft import PeanutConfig

        _refuse_other_layers(situation.model, self)
        return PeanutConfig(
            task_type=situation.task_type,
            r=self.width,
            depth=self.depth,
            act_fn=self.activation,
            scaling=self.scale,
            target_modules=target_modules(self.layers, situation),
        )


def _linear(model: Any, names: str) -> list[Any]:
    """The linear layers whose names match, but for the head."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, Linear | Conv1D) and module is not head and re.fullmatch(names, name)
    ]


def _refuse_other_layers(model: Any, method: TuningMethod) -> None:
    from torch.nn import Linear

    if model is not None and not all(isinstance(layer, Linear) for layer in _linear(model, ".*")):
        raise StudioError(
            f"You chose {method.title}, but this base model is of GPT-2's kind, whose layers PEFT cannot adapt in that "
            "way. Choose LoRA or IA3, or another base model."
        )


def _has_butterflies() -> bool:
    """Whether PEFT's CUDA extension for more than one butterfly factor can be built here."""
    from peft.tuners.boft.layer import get_fbd_cuda

    return get_fbd_cuda() is not None  # type: ignore[no-untyped-call]


def _of_template(tokenizer: Any) -> set[int]:
    """The tokens that a chat template puts around messages, and all special tokens."""
    from jinja2 import TemplateError

    special = set(tokenizer.all_special_ids)
    if not tokenizer.chat_template:
        return special
    messages = [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except TemplateError:  # one that takes no empty messages
        return special
    return special | set(tokenizer(text, add_special_tokens=False)["input_ids"])


def _embeddings(model: Any) -> str | None:
    """The name of a base's embeddings as a pattern that matches them alone; None leaves it to PEFT."""
    if model is None:
        return None
    (name,) = (name for name, module in model.named_modules() if module is model.get_input_embeddings())
    return re.escape(name)
