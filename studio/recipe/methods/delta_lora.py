"""Delta-LoRA: a LoRA whose every step also moves the weights it stands beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.errors import StudioError
from studio.knob import knob
from studio.recipe.methods.low_rank import Layers, layers_knob, target_modules
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft
    import torch
    import transformers


class DeltaLora(TuningMethod):
    """Delta-LoRA: after each step the base's weight gets the change of the adapter too, W + λ(α/r)(B′A′ − BA)."""

    title: ClassVar[str] = "Delta-LoRA"
    family: ClassVar[Family] = "Whole weights"
    source: ClassVar[str] = "Zi et al. 2023, arXiv 2309.02411, section 4 and the algorithm there"
    when: ClassVar[str] = (
        "When LoRA learns too little and full fine-tuning needs too much memory: all adapted weights move, but no "
        "gradients and no optimiser memory are kept for them. The base is held in 32 bits, and a whole model comes out."
    )
    first: ClassVar[str] = "LoRA's options with half its learning rate, scale 2, start step 0."
    good_at: ClassVar[str] = "more change than LoRA, less memory than full"
    keeps: ClassVar[Literal["adapter", "model"]] = "model"
    trains_base: ClassVar[bool] = True
    rate: ClassVar[float] = 0.5
    works_sharded: ClassVar[bool] = False

    name: Literal["delta-lora"] = "delta-lora"  # type: ignore[assignment]
    scale: float = knob(
        2.0,
        "How much of each change of the adapter is also added to the base's weights (λ in the paper). 0 is plain LoRA. "
        "Try 2, and less when the loss jumps.",
        label="Delta scale",
        bounds=(0.0, 10.0),
        step=0.1,
        what="LoRA learns in two thin matrices beside each weight matrix. Delta-LoRA looks at how their product "
        "changed in a step, multiplies that change by this number and adds it to the weight matrix itself. So the "
        "large matrix moves too, without the memory that training it would take.",
        picture="delta",
    )
    start_step: int = knob(
        0,
        "The base's weights begin to move after this step (K in the paper). Try 0 for short runs, a few hundred for "
        "runs of thousands of steps.",
        label="Start step",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
        what="The thin matrices start with random numbers and zeros, so their first changes are rough. Waiting lets "
        "them find a direction before the base follows. Until then it is plain LoRA; a run that ends before "
        "this step stays plain LoRA.",
        picture="delta",
    )
    rank: int = knob(
        16,
        "How wide the two thin matrices are: more rank can learn more and costs more memory. Try 16.",
        label="Rank",
        bounds=(1, 256),
        step=1,
        unit="columns",
        what="Each weight matrix gets two thin matrices whose product has its shape. The rank is how many columns the "
        "first and rows the second has: few numbers that together describe a change of many.",
        picture="rank",
    )
    alpha: int = knob(
        32,
        "How loud the adapter speaks: its output is scaled by alpha divided by rank. Try twice the rank and leave it.",
        label="Alpha",
        bounds=(1, 512),
        step=1,
        what="The product of the thin matrices is multiplied by alpha divided by rank before it is added. It acts much "
        "like a learning rate, so leave it alone and move the learning rate instead.",
        picture="alpha",
    )
    layers: Layers = layers_knob()

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import LoraConfig

        return LoraConfig(
            task_type=situation.task_type,
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=0.0,  # section 4: with dropout the change of BA would not stand for the gradient of W
            target_modules=target_modules(self.layers, situation),
        )

    def callbacks(self) -> list[transformers.TrainerCallback]:
        from studio.recipe.methods.delta_callback import DeltaStep

        return [DeltaStep(self.scale, self.start_step)]

    def state(self, model: Any) -> dict[str, torch.Tensor]:
        """The weights of the base that the steps have moved, or will move."""
        from studio.recipe.methods.delta_callback import adapted

        return {f"{name}.base_layer.weight": layer.get_base_layer().weight.detach() for name, layer in adapted(model)}

    def restore(self, model: Any, state: dict[str, torch.Tensor]) -> None:
        """Raises StudioError where the checkpoint holds other weights than the model has."""
        weights = self.state(model)
        if weights.keys() != state.keys():
            raise StudioError(
                "The checkpoint belongs to another recipe: its moved weights are not those of this model."
            )
        for name, weight in weights.items():
            weight.copy_(state[name])

    def result(self, model: Any) -> Any:
        return model.merge_and_unload()
