"""LoRA that starts from the base's own weights, or from other random numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from studio.errors import StudioError
from studio.knob import knob
from studio.recipe.methods.low_rank import Lora, adapted, matrices
from studio.recipe.methods.method import Situation


class Pissa(Lora):
    """PiSSA and other ways to begin: the thin matrices start from the base's own weights instead of from chance."""

    title: ClassVar[str] = "PiSSA and other starts"
    source: ClassVar[str] = "Meng et al. 2024, arXiv 2404.02948, section 3; OLoRA: Büyükakyüz 2024, arXiv 2406.01775"
    when: ClassVar[str] = (
        "When LoRA learns too slowly at first, or there are few steps. PiSSA trains the strongest directions of each "
        "weight matrix; what is saved is an ordinary adapter of twice the rank for the unchanged base."
    )
    first: ClassVar[str] = "PiSSA by its fast way, rank 16, alpha 16, no dropout, and half of LoRA's learning rate."
    good_at: ClassVar[str] = "learning much in few steps"
    rate: ClassVar[float] = 0.5
    works_sharded: ClassVar[bool] = False

    name: Literal["pissa"] = "pissa"  # type: ignore[assignment]
    alpha: int = knob(
        16,
        "How loud the adapter speaks: its output is scaled by alpha divided by rank. Try the same number as the rank, "
        "as PiSSA's authors do.",
        label="Alpha",
        bounds=(1, 512),
        step=1,
        what="What the two thin matrices say is multiplied by alpha divided by rank before it is added to what the "
        "base says. PiSSA starts from weights of the base and divides them by the same number, so alpha does not "
        "change the start, only how far a step goes. It costs nothing.",
        picture="alpha",
    )
    init: Literal["pissa_niter_16", "pissa", "olora", "orthogonal", "gaussian"] = knob(
        "pissa_niter_16",
        "What the thin matrices hold before the first step. pissa_niter_16 is PiSSA computed fast and closely enough: "
        "try it first. pissa is exact and slow on large models.",
        label="Start",
        what="LoRA starts from chance: one thin matrix is random, the other all zeros. PiSSA starts from the strongest "
        "directions of the weight matrix itself (its largest singular values), OLoRA from directions of it that stand "
        "at right angles to each other (a QR decomposition). Both take that part out of the base while they train, so "
        "that nothing changes at the first step. Orthogonal and gaussian leave the base alone and only draw other "
        "random numbers; orthogonal wants an even rank.",
        picture="init",
    )

    def variant(self, situation: Situation) -> dict[str, Any]:
        from transformers.pytorch_utils import Conv1D

        if self.init == "orthogonal" and self.rank % 2:
            raise StudioError(
                f"You set the start to orthogonal and the rank to {self.rank}, but half of the rank goes to each of "
                f"the two matrices. Set the rank to {self.rank + 1}, or choose another start."
            )
        if self.init == "olora" and situation.model and any(isinstance(m, Conv1D) for m in situation.model.modules()):
            raise StudioError(
                "You set the start to olora, but this base model stores its weight matrices on their side, as GPT-2 "
                "does, which PEFT's OLoRA cannot take apart. Set the start to pissa_niter_16."
            )
        return {"init_lora_weights": self.init}

    def choose(self, model: Any) -> None:
        """Remember what was taken out of the base, to put it back at the end."""
        if self._takes_from_base:
            for layer in adapted(model):
                a, b = matrices(layer)
                layer.taken = (a.weight.detach().clone(), b.weight.detach().clone())

    def result(self, model: Any) -> Any:
        """The adapter for the unchanged base, which gets back what was taken: BA - B₀A₀ = [B | -B₀][A ; A₀].

        It has twice the rank, and twice the alpha, so that it is as loud as before. Held in 16 bits, the base that was
        trained with differed from the unchanged one by a rounding, and so does the result.
        """
        if not self._takes_from_base:
            return model
        import torch
        from torch.nn import Parameter
        from torch.nn.functional import pad

        for layer in adapted(model):
            a, b = matrices(layer)
            a0, b0 = layer.taken
            missing = 2 * (self.rank - a.weight.shape[0])  # where a side of the matrix is shorter than the rank
            a.weight = Parameter(pad(torch.cat([a.weight.detach(), a0]), (0, 0, 0, missing)))
            b.weight = Parameter(pad(torch.cat([b.weight.detach(), -b0], dim=1), (0, missing)))
            base = layer.get_base_layer().weight
            given_back = layer.scaling["default"] * b0 @ a0
            base.data += (given_back.T if layer.fan_in_fan_out else given_back).to(base.dtype)
            layer.r["default"], layer.lora_alpha["default"] = 2 * self.rank, 2 * self.alpha
        config = model.peft_config["default"]
        config.r, config.lora_alpha, config.init_lora_weights = 2 * self.rank, 2 * self.alpha, True
        return model

    @property
    def _takes_from_base(self) -> bool:
        return self.init not in ("orthogonal", "gaussian")
