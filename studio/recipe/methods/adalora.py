"""AdaLoRA: begins with more rank than it will keep, and takes it from the layers that need it least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.knob import knob
from studio.recipe.methods.low_rank import Lora, target_modules
from studio.recipe.methods.method import Situation

if TYPE_CHECKING:
    import peft
    import torch
    import transformers


class AdaLora(Lora):
    """AdaLoRA: each layer gets as much rank as it needs, found out while it trains.

    A layer's correction is P·Λ·Q, like a singular value decomposition. Singular values that matter least, over all
    layers, are set to 0 until the average rank is the one that was asked for.
    """

    title: ClassVar[str] = "AdaLoRA"
    source: ClassVar[str] = "Zhang et al. 2023, arXiv 2303.10512, section 3"
    when: ClassVar[str] = (
        "When the file must be small and you do not know which layers matter: it gives rank to those that need it. "
        "Wants some hundred steps at least, and takes more time a step than LoRA."
    )
    first: ClassVar[str] = "Rank 8 at the end, 1.5 times as much at the start, and three times LoRA's learning rate."
    good_at: ClassVar[str] = "small files, layers unequally important"
    rate: ClassVar[float] = 3.0
    works_sharded: ClassVar[bool] = False

    name: Literal["adalora"] = "adalora"  # type: ignore[assignment]
    rank: int = knob(
        8,
        "The average rank that is left at the end: some layers keep more, others less. Try 8.",
        label="Average rank at the end",
        bounds=(1, 128),
        step=1,
        unit="columns",
        what="The rank is how many independent directions the correction of a weight matrix can have. LoRA gives every "
        "matrix the same. AdaLoRA starts with more than you ask for, watches which directions matter, and drops the "
        "others, so that in the end the layers have this rank on average.",
        picture="adaptive-rank",
    )
    surplus: float = knob(
        1.5,
        "The rank at the start, as a multiple of the one at the end. Try 1.5; more gives more to choose from, and "
        "takes more memory.",
        label="Rank at the start",
        bounds=(1.1, 4.0),
        step=0.1,
        unit="times the rank at the end",
        what="AdaLoRA can only drop directions that it began with. This says how many more than you want to keep it "
        "begins with: 1.5 means that a third of them will be dropped.",
        picture="adaptive-rank",
    )
    warm_share: float = knob(
        0.1,
        "Share of the steps at the start in which nothing is dropped yet. Try 0.1.",
        label="Before dropping begins",
        bounds=(0.0, 0.4),
        step=0.01,
        unit="share of the steps",
        group="Schedule of the ranks",
        what="At first nobody can say which directions matter, because they have hardly learned. In this part of the "
        "run all of them learn. After it, directions are dropped, many at first and few towards the end.",
        picture="adaptive-rank",
    )
    final_share: float = knob(
        0.3,
        "Share of the steps at the end in which the ranks stay as they are. Try 0.3.",
        label="After dropping ended",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="share of the steps",
        group="Schedule of the ranks",
        what="When the last direction has been dropped, the others need some steps to make up for it. This is how much "
        "of the run is kept for that.",
        picture="adaptive-rank",
    )
    every: int = knob(
        1,
        "Directions are dropped once in so many steps. Try 1; 10 saves time in runs of many thousand steps.",
        label="Steps between drops",
        bounds=(1, 1000),
        step=1,
        unit="steps",
        group="Schedule of the ranks",
        what="To drop directions, all of them are ranked by how much they matter, which takes a little time. In long "
        "runs it need not be done in every step. A direction that was dropped can come back until the ranks are final.",
        picture="adaptive-rank",
    )
    orthogonality: float = knob(
        0.5,
        "How strongly the directions of a layer are held apart from each other. Try 0.5; 0 switches it off.",
        label="Orthogonality",
        bounds=(0.0, 2.0),
        step=0.05,
        group="Schedule of the ranks",
        what="Dropping a direction should not touch the others, so they must not overlap. In each step they are "
        "pulled towards right angles to each other; this says how strongly. The curve of the loss is without it, and "
        "can be compared with that of other methods.",
        picture="adaptive-rank",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import AdaLoraConfig

        return AdaLoraConfig(
            task_type=situation.task_type,
            target_r=self.rank,
            init_r=max(self.rank + 1, round(self.rank * self.surplus)),
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=target_modules(self.layers, situation),
            total_step=situation.steps,
            tinit=int(situation.steps * self.warm_share),
            tfinal=int(situation.steps * self.final_share),
            deltaT=self.every,
            orth_reg_weight=0.0,  # `Allocates` adds it to the gradient, where it does not spoil the loss that is shown
        )

    def callbacks(self) -> list[transformers.TrainerCallback]:
        from transformers import TrainerCallback

        weight = self.orthogonality

        class Allocates(TrainerCallback):  # type: ignore[misc]
            """Holds the directions apart before each step of the optimiser, and drops some after it."""

            def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                if weight:
                    (weight * overlap(kwargs["model"])).backward()  # type: ignore[no-untyped-call]

            def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                kwargs["model"].base_model.update_and_allocate(state.global_step + 1)

        return [Allocates()]

    def state(self, model: Any) -> dict[str, torch.Tensor]:
        """How much each weight has mattered so far, and which directions are left."""
        import torch

        allocator, pattern = model.base_model.rankallocator, model.peft_config["default"].rank_pattern or {}
        averages = {
            f"{which}:{name}": value for which in _AVERAGES for name, value in getattr(allocator, which).items()
        }
        return averages | {f"left:{name}": torch.tensor(left) for name, left in pattern.items()}

    def restore(self, model: Any, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        allocator, pattern = model.base_model.rankallocator, {}
        weights = dict(model.base_model.model.named_parameters())
        for key, value in state.items():
            which, _, name = key.partition(":")
            if which == "left":
                pattern[name] = value.tolist()
            else:
                getattr(allocator, which)[name] = value.to(weights[name].device)
        model.peft_config["default"].rank_pattern = pattern or None

    def result(self, model: Any) -> Any:
        """The model; where it was stopped while dropped directions had come back, all of them are kept."""
        config = model.peft_config["default"]
        weights = dict(model.base_model.model.named_parameters())
        pattern = config.rank_pattern or {}
        if any(weights[name].detach()[[not left for left in kept]].any() for name, kept in pattern.items()):
            config.rank_pattern = None
        return model


_AVERAGES = ("ipt", "exp_avg_ipt", "exp_avg_unc")


def overlap(model: Any) -> torch.Tensor:
    """How far P and Q of all layers are from having orthonormal columns and rows (equation 4), on average.

    As in PEFT: the mean of the norms of Q·Qᵀ - 1 and Pᵀ·P - 1, where the paper sums their squares.
    """
    import torch
    from peft.tuners.adalora.layer import AdaLoraLayer

    layers: list[Any] = [module for module in model.modules() if isinstance(module, AdaLoraLayer)]
    pairs = [(layer.lora_A["default"], layer.lora_B["default"]) for layer in layers]
    grams = [gram for q, p in pairs for gram in (q @ q.T, p.T @ p)]
    distances = [torch.linalg.norm(gram - torch.eye(len(gram), device=gram.device)) for gram in grams]
    return torch.stack(distances).mean()
