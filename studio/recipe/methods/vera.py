"""VeRA: all layers share one pair of frozen random matrices; two vectors a layer learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.knob import knob
from studio.recipe.methods.low_rank import Layers, dropout_knob, layers_knob, target_modules
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft

KEY = 0  # the seed of the shared matrices: the same for all runs, because PEFT refuses a second one on the same base


class Vera(TuningMethod):
    """VeRA: two random matrices, shared by all layers, are never trained; two vectors a layer learn to scale them.

    What a layer says is h = W₀x + Λb·B·Λd·A·x, where Λd and Λb are diagonal and learn. A and B are drawn for the widest
    layer, and a smaller one takes their first columns and rows.
    """

    title: ClassVar[str] = "VeRA"
    family: ClassVar[Family] = "Low-rank adapters"
    source: ClassVar[str] = "Kopiczko et al. 2023, arXiv 2310.11454, section 3.1"
    when: ClassVar[str] = (
        "When you want many small skills for one base: about a tenth of LoRA's weights are trained and stored. Learns "
        "less than LoRA where there is much to learn."
    )
    first: ClassVar[str] = "Rank 256, all linear layers, and ten times LoRA's learning rate."
    good_at: ClassVar[str] = "many small skills, tiny files"
    rate: ClassVar[float] = 10.0

    name: Literal["vera"] = "vera"  # type: ignore[assignment]
    rank: int = knob(
        256,
        "How many rows and columns the shared random matrices have. Since they are not trained, a high rank is cheap: "
        "try 256.",
        label="Rank",
        bounds=(1, 1024),
        step=1,
        unit="columns",
        what="LoRA trains two thin matrices for each layer. VeRA draws one random pair for all layers, leaves it as "
        "it is, and only learns how loud each of its rows and columns is, separately for each layer. The rank is the "
        "number of these rows and columns. A higher rank gives more to choose from, and adds one number a layer.",
        picture="shared-matrices",
    )
    start: float = knob(
        0.1,
        "The value that the scales of the rank begin with. Try 0.1; smaller values begin more gently.",
        label="First value of d",
        bounds=(0.001, 1.0),
        scale="log",
        advanced=True,
        what="Each layer learns two lists of numbers: d scales the rows of the first random matrix, b the rows of the "
        "second one. b begins at 0, so that nothing changes at first; d begins at this value.",
        picture="scaling",
    )
    dropout: float = dropout_knob()
    layers: Layers = layers_knob()
    keep_matrices: bool = knob(
        True,
        "Stores the two random matrices with the adapter. Off: the file is far smaller, and they are drawn again when "
        "it is loaded, which another version of PyTorch might do otherwise.",
        label="Store the random matrices",
        advanced=True,
        what="The two random matrices are the same for every VeRA adapter of a base, and follow from a fixed seed. So "
        "they need not be stored, as long as the program that loads the adapter draws the same numbers from that seed. "
        "Adapters that are to be used on one base at the same time must have the same setting here.",
        picture="shared-matrices",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import VeraConfig

        return VeraConfig(
            task_type=situation.task_type,
            r=self.rank,
            d_initial=self.start,
            vera_dropout=self.dropout,
            target_modules=target_modules(self.layers, situation),
            projection_prng_key=KEY,
            save_projection=self.keep_matrices,
        )
