"""How much of what was learned is heard: 0 is the base, 1 the result as trained, and all between and a little beyond.

What a result adds to the base is multiplied by the strength, exactly as if its weights had been moved less far:
W₀ + s·(W - W₀), as Wortsman et al. 2022 do for whole models (WiSE-FT, arXiv 2109.01903, section 3). It is done to the
adapter's own numbers in memory, so that nothing is loaded again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError

if TYPE_CHECKING:
    from torch import Tensor

    from studio.recipe.recipe import Recipe

NO_PROMPTS = "a soft prompt stands before the text like words, and there are no half words"
NO_ROTATIONS = "it turns the weights instead of adding to them, and a part of that is no result of this kind any more"
UNDEFINED = {
    "prompt-tuning": NO_PROMPTS,
    "p-tuning": NO_PROMPTS,
    "prefix-tuning": NO_PROMPTS,
    "oft": NO_ROTATIONS,
    "boft": NO_ROTATIONS,
}


def dial_of(recipe: Recipe) -> str:
    """Why what such a recipe's runs learned cannot be turned up and down; empty where it can. Imports no torch."""
    return UNDEFINED.get(recipe.method.name, "")


class Dial:
    """Turns one thing that was learned up and down, in place. At 1 its numbers are those of the result, bit by bit.

    What was learned is copied when it is first turned.
    """

    def __init__(self, model: Any, adapter: str, keep_heads: bool = False) -> None:
        """
        Args:
            model: the model that the adapter is on.
            adapter: its name there.
            keep_heads: modules that were trained whole stay as they are: heads that the base does not have.
        """
        self._learned: Callable[[], list[Learned]] = lambda: list(_of_adapter(model, adapter, keep_heads))
        self._parts: list[Learned] = []
        self.strength = 1.0

    @classmethod
    def of_whole(cls, tuned: Any, base: Any, keep: tuple[str, ...] = ()) -> Dial:
        """Of a whole model over the model that it was tuned from; modules in `keep` stay as they are."""
        dial = cls(None, "")
        dial._learned = lambda: list(_of_whole(tuned, base, keep))
        return dial

    def turn(self, strength: float) -> None:
        """Let so much be heard.

        Raises:
            StudioError: there is no such thing as a part of it.
        """
        import torch

        if strength == self.strength:
            return
        self._parts = self._parts or self._learned()
        with torch.no_grad():
            for part in self._parts:
                part.set(strength)
        self.strength = strength


@dataclass(frozen=True)
class Learned:
    """A tensor that says what was learned, what it was as trained, and what it is where nothing was learned."""

    tensor: Tensor
    trained: Tensor
    rest: Tensor | float = 0.0

    @classmethod
    def of(cls, tensor: Tensor, rest: Tensor | float = 0.0) -> Learned:
        """As it is now."""
        return cls(tensor, tensor.detach().clone(), rest)

    def set(self, strength: float) -> None:
        """rest + strength · (trained - rest), computed in float32; bit by bit what was trained where it is 1."""
        if strength == 1:
            self.tensor.copy_(self.trained)
            return
        rest: Any = self.rest if isinstance(self.rest, float) else self.rest.detach().float()
        self.tensor.copy_(rest + strength * (self.trained.float() - rest))


@dataclass(frozen=True)
class Directed(Learned):
    """The magnitudes of a DoRA layer (`tensor`) with its matrix B: two that say together what was learned.

    A DoRA layer is W' = g·(W₀ + c·BA), where g = m / ‖W₀ + c·BA‖, row by row (arXiv 2402.09353, equation 5). The layer
    with B' = s·(g/g')·B and m' = g'·‖W₀ + c·B'A‖, where g' = 1 + s·(g - 1), is W₀ + s·(W' - W₀).
    """

    layer: Any = None
    adapter: str = ""
    trained_b: Any = None

    def set(self, strength: float) -> None:
        """Raises StudioError where a row would have to change its sign."""
        b = self.layer.lora_B[self.adapter].weight
        b.copy_(self.trained_b)
        if strength == 1:
            self.tensor.copy_(self.trained)
            return
        gain = self.trained.float() / self._norms()
        turned = 1 + strength * (gain - 1)
        if not bool((turned > 0).all()):
            self.tensor.copy_(self.trained)
            raise StudioError(
                f"At a strength of {strength:g} this DoRA adapter would turn some weights round. Choose a smaller one."
            )
        b.copy_(strength * (gain / turned)[:, None] * self.trained_b.float())
        self.tensor.copy_(turned * self._norms())

    def _norms(self) -> Any:
        from peft.utils.integrations import dequantize_module_weight

        a, b = self.layer.lora_A[self.adapter].weight, self.layer.lora_B[self.adapter].weight
        magnitudes = self.layer.lora_magnitude_vector[self.adapter]
        weight = dequantize_module_weight(self.layer.get_base_layer())
        return magnitudes.get_weight_norm(weight, (b @ a).to(weight.dtype), self.layer.scaling[self.adapter]).float()


def _of_adapter(model: Any, adapter: str, keep_heads: bool) -> Iterator[Learned]:
    """All that an adapter learned. Raises StudioError where a part of it is none."""
    from peft.tuners.adalora.layer import AdaLoraLayer
    from peft.tuners.ia3.layer import IA3Layer
    from peft.tuners.lora import LoraLayer
    from peft.tuners.peanut.layer import PeanutLayer
    from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.tuners.vera.layer import VeraLayer
    from peft.utils.other import ModulesToSaveWrapper

    config = model.peft_config[adapter]
    if config.is_prompt_learning:
        raise _undefined(NO_PROMPTS)
    for module in model.modules():
        if isinstance(module, ModulesToSaveWrapper):
            if not keep_heads and adapter in module.modules_to_save:
                yield from _towards(module.modules_to_save[adapter], module.original_module)
        elif not isinstance(module, BaseTunerLayer):
            continue
        elif isinstance(module, AdaLoraLayer):
            yield from _named(module.lora_E, adapter)
        elif isinstance(module, LoraLayer):
            yield from _of_lora(module, adapter)
        elif isinstance(module, VeraLayer):
            yield from _named(module.vera_lambda_b, adapter)
        elif isinstance(module, IA3Layer):
            yield from _named(module.ia3_l, adapter, 1.0)
        elif isinstance(module, PeanutLayer):
            yield from _named(module.peanut_B, adapter)
        elif isinstance(module, TrainableTokensLayer):
            if module.tied_adapter is None and adapter in module.trainable_tokens_delta:
                yield from _named(module.trainable_tokens_delta, adapter, module.trainable_tokens_original[adapter])
        else:
            raise _undefined(NO_ROTATIONS)


def _of_lora(layer: Any, adapter: str) -> Iterator[Learned]:
    if adapter not in layer.lora_variant:
        yield from _named(layer.lora_B, adapter)
        yield from _named(layer.lora_embedding_B, adapter)
    elif adapter in layer.lora_magnitude_vector and adapter in layer.lora_B:
        magnitude, b = layer.lora_magnitude_vector[adapter].weight, layer.lora_B[adapter].weight
        yield Directed(magnitude, magnitude.detach().clone(), 0.0, layer, adapter, b.detach().clone())
    else:
        raise _undefined("this kind of LoRA does more than add to the weights")


def _named(found: Any, adapter: str, rest: Any = 0.0) -> Iterator[Learned]:
    """The tensor of that name, or those of the module of that name."""
    if adapter in found:
        each = found[adapter]
        for tensor in each.parameters() if hasattr(each, "parameters") else [each]:
            yield Learned.of(tensor, rest)


def _towards(trained: Any, original: Any) -> Iterator[Learned]:
    rests = dict(original.named_parameters())
    yield from (Learned.of(tensor, rests[name]) for name, tensor in trained.named_parameters())


def _of_whole(tuned: Any, base: Any, keep: tuple[str, ...]) -> Iterator[Learned]:
    rests = dict(base.named_parameters())
    for name, tensor in tuned.named_parameters():
        if name.rpartition(".")[0] in keep:
            continue
        if name not in rests or rests[name].shape != tensor.shape:
            raise _undefined("the model has other weights than its base")
        yield Learned.of(tensor, rests[name])


def _undefined(reason: str) -> StudioError:
    return StudioError(f"The strength of this result cannot be set: {reason}. Set the strength to 1.")
