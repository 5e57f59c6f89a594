"""Tuning the base itself: all of its weights, or a part of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.errors import StudioError
from studio.knob import knob
from studio.recipe.methods.method import Family, TuningMethod

if TYPE_CHECKING:
    import torch


class Full(TuningMethod):
    """Full fine-tuning: every weight of the base moves."""

    title: ClassVar[str] = "Full fine-tuning"
    family: ClassVar[Family] = "Whole weights"
    source: ClassVar[str] = "Howard and Ruder 2018, arXiv 1801.06146, section 3"
    when: ClassVar[str] = (
        "For much new material, continued pretraining, or a small base. Learns the most and forgets the most, takes "
        "about 16 bytes of memory for each weight, and leaves a whole model."
    )
    first: ClassVar[str] = "A tenth of LoRA's learning rate, and one to three epochs."
    good_at: ClassVar[str] = "much new material, small bases"
    keeps: ClassVar[Literal["adapter", "model"]] = "model"
    trains_base: ClassVar[bool] = True
    rate: ClassVar[float] = 0.1

    name: Literal["full"] = "full"  # type: ignore[assignment]

    def choose(self, model: Any) -> None:
        for weight in model.parameters():
            weight.requires_grad_(True)


class Freeze(TuningMethod):
    """Freezing: the base stays as it is but for one part, such as its head, its last layers or its norms.

    The head alone is feature extraction. A model that classifies has a new head, which always moves.
    """

    title: ClassVar[str] = "Freezing (tune a part)"
    family: ClassVar[Family] = "Whole weights"
    source: ClassVar[str] = (
        "Howard and Ruder 2018, arXiv 1801.06146, section 3.3; norms: Zhao et al. 2023, arXiv 2312.11420"
    )
    when: ClassVar[str] = (
        "For classification with few rows (the head alone), or when full fine-tuning forgets too much (the last "
        "layers). Takes less memory than full fine-tuning, and also leaves a whole model."
    )
    first: ClassVar[str] = "The last two layers; the head alone when you classify."
    good_at: ClassVar[str] = "classifiers, forgetting little"
    keeps: ClassVar[Literal["adapter", "model"]] = "model"
    trains_base: ClassVar[bool] = True
    rate: ClassVar[float] = 0.3

    name: Literal["freeze"] = "freeze"  # type: ignore[assignment]
    part: Literal["head", "last-layers", "norms", "biases", "embeddings"] = knob(
        "last-layers",
        "What may still move; all else is frozen. Try the last layers to write, the head to classify.",
        label="Part that moves",
        what="A model is a stack of layers between two tables: the embeddings turn tokens into numbers, the head turns "
        "numbers into the answer. Frozen parts keep what they know and cost no memory for training. In many models the "
        "head and the embeddings are one and the same table (tied): choosing one then moves both. The norms are the "
        "few numbers that set the volume between layers; the biases are the numbers that are added after a "
        "multiplication, and many newer models have none.",
        picture="freeze",
    )
    last_layers: int = knob(
        2,
        "How many layers move, counted from the end; used when the last layers are to move. Try 2; more for new "
        "material, fewer to forget less.",
        label="Last layers",
        bounds=(1, 200),
        step=1,
        unit="layers",
        what="A text passes the layers one after another. The first ones deal with words and grammar, the last ones "
        "with what is to be said next, so most tasks are learned in the last ones. With more layers than the model "
        "has, all of them move.",
        picture="layers",
    )

    def choose(self, model: Any) -> None:
        """Raises StudioError where the model has no such part."""
        moving = list(self._moving(model))
        if not moving:
            raise StudioError(
                f"You set the part that moves to {self.part}, but this base model has none, so nothing would be "
                "learned. Set it to last-layers."
            )
        for weight in model.parameters():
            weight.requires_grad_(False)
        for weight in [*moving, *_new_head(model)]:
            weight.requires_grad_(True)

    def _moving(self, model: Any) -> Iterator[torch.nn.Parameter]:
        if self.part == "head":
            yield from _head(model)
        elif self.part == "last-layers":
            yield from _end(model, self.last_layers)
        elif self.part == "norms":
            for module in model.modules():
                if "norm" in type(module).__name__.lower():
                    yield from module.parameters(recurse=False)
        elif self.part == "biases":
            yield from (weight for name, weight in model.named_parameters() if name.endswith("bias"))
        else:
            yield from model.get_input_embeddings().parameters()


def _head(model: Any) -> list[torch.nn.Parameter]:
    """All that comes after the backbone. A head that is tied to the embeddings is the embeddings."""
    output = model.get_output_embeddings()
    outside = [
        weight
        for name, child in model.named_children()
        if name != model.base_model_prefix
        for weight in child.parameters()
    ]
    return outside + ([] if output is None else list(output.parameters()))


def _new_head(model: Any) -> list[torch.nn.Parameter]:
    """The head of a model that answers with classes instead of tokens: it starts from random numbers."""
    return _head(model) if model.get_output_embeddings() is None else []


def _end(model: Any, layers: int) -> Iterator[torch.nn.Parameter]:
    """The last layers of the backbone, and what follows them in it (a last norm, a pooler)."""
    backbone = model.base_model
    stack = _layers(backbone)
    for layer in stack[-layers:]:
        yield from layer.parameters()
    before = {id(weight) for layer in stack for weight in layer.parameters()}
    for name, module in backbone.named_modules():
        if "embed" in name or hasattr(module, "num_embeddings"):
            before |= {id(weight) for weight in module.parameters()}
    yield from (weight for weight in backbone.parameters() if id(weight) not in before)


def _layers(backbone: Any) -> Any:
    """The stack of layers: the list of modules that holds most of the weights. Raises StudioError for none."""
    from torch.nn import ModuleList

    lists = [module for module in backbone.modules() if isinstance(module, ModuleList)]
    if not lists:
        raise StudioError("This base model is not built of layers. Set the part that moves to head or embeddings.")
    return max(lists, key=lambda each: sum(weight.numel() for weight in each.parameters()))
