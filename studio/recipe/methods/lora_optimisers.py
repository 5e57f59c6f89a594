"""LoRA's two thin matrices trained in other ways: each at its own rate, or one of them not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.knob import knob
from studio.recipe.methods.low_rank import Lora, adapted, matrices

if TYPE_CHECKING:
    import torch
    import transformers


class LoraPlus(Lora):
    """LoRA+: LoRA whose matrix B, which starts at 0, learns at a higher rate than A."""

    title: ClassVar[str] = "LoRA+"
    source: ClassVar[str] = "Hayou et al. 2024, arXiv 2402.12354, sections 4 and 5"
    when: ClassVar[str] = (
        "When LoRA learns slowly, most of all on a wide base (1 B parameters and more) and on tasks that are far from "
        "what the base can do. Costs nothing more than LoRA."
    )
    first: ClassVar[str] = "Ratio 16 with a quarter of LoRA's learning rate."
    good_at: ClassVar[str] = "hard tasks, in fewer steps"
    rate: ClassVar[float] = 0.25
    works_sharded: ClassVar[bool] = False

    name: Literal["lora-plus"] = "lora-plus"  # type: ignore[assignment]
    ratio: float = knob(
        16.0,
        "How many times faster B learns than A; the learning rate is A's. Try 16, and lower the learning rate when "
        "the loss jumps. 1 is plain LoRA.",
        label="Ratio of the learning rates",
        bounds=(1.0, 64.0),
        step=1.0,
        unit="times",
        what="LoRA's correction is the product of two thin matrices: A reads, B writes. B starts at 0 and has a longer "
        "way to go, yet plain LoRA lets both go equally far in each step. LoRA+ lets B go `ratio` times as far. The "
        "wider the base, the more that helps.",
        picture="ratio",
    )

    def optimizer(self, model: Any, kind: type, options: dict[str, Any]) -> torch.optim.Optimizer:
        from peft.optimizers import create_loraplus_optimizer

        others = {name: value for name, value in options.items() if name != "weight_decay"}
        return create_loraplus_optimizer(
            model, kind, loraplus_lr_ratio=self.ratio, loraplus_weight_decay=options.get("weight_decay", 0.0), **others
        )


class LoraFa(Lora):
    """LoRA-FA: LoRA whose matrix A stays as it was drawn, so that the inputs of the layers need not be kept.

    B's gradient is corrected as `correction` says. PEFT's `create_lorafa_optimizer` does the same inside an AdamW of
    its own and multiplies in bfloat16; here any optimiser can be used, in the precision of the weights.
    """

    title: ClassVar[str] = "LoRA-FA"
    source: ClassVar[str] = "Zhang et al. 2023, arXiv 2308.03303, section 3; the corrected gradient is in version 2"
    when: ClassVar[str] = (
        "When long rows fill the memory: half the weights are trained, and what goes into a layer need not be kept for "
        "the way back. Wants no dropout, which would keep it after all."
    )
    first: ClassVar[str] = "LoRA's options with twice the rank, no dropout and twice the learning rate."
    good_at: ClassVar[str] = "long rows in little memory"
    rate: ClassVar[float] = 2.0
    works_sharded: ClassVar[bool] = False

    name: Literal["lora-fa"] = "lora-fa"  # type: ignore[assignment]

    def choose(self, model: Any) -> None:
        for layer in adapted(model):
            matrices(layer)[0].weight.requires_grad_(False)

    def callbacks(self) -> list[transformers.TrainerCallback]:
        from transformers import TrainerCallback

        class Corrects(TrainerCallback):  # type: ignore[misc]
            """Corrects the gradients before each step of the optimiser."""

            def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                pairs = [(matrices(layer), layer.scaling["default"]) for layer in adapted(kwargs["model"])]
                self.corrections = [(b.weight, correction(a.weight, scaling)) for (a, b), scaling in pairs]

            def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                for weight, right in self.corrections:
                    weight.grad = weight.grad @ right

        return [Corrects()]


def correction(a: torch.Tensor, scaling: float) -> torch.Tensor:
    """What LoRA's gradient of B is multiplied by, so that B·A moves as closely as it can to how the whole weight would.

    Minimises |s·gᴮ·A - g|² over gᴮ, where g is the gradient of the whole weight matrix and LoRA's gradient of B is
    s·g·Aᵀ. The solution is gᴮ = (s·g·Aᵀ)(A·Aᵀ)⁻¹/s² (arXiv 2308.03303, version 2, section 3).

    Args:
        a: the matrix A, of shape (rank, inputs). It never moves, so this is computed once.
        scaling: s, alpha divided by rank.
    """
    import torch

    rows = a.detach().float()
    return torch.linalg.pinv(rows @ rows.T, hermitian=True) / scaling**2
