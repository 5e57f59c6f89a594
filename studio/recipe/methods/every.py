"""The registry: a method is added by writing its class in a file beside this one and naming it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from studio.recipe.methods.adalora import AdaLora
from studio.recipe.methods.delta_lora import DeltaLora
from studio.recipe.methods.lora_optimisers import LoraFa, LoraPlus
from studio.recipe.methods.low_rank import Dora, Lora, QLora, RsLora
from studio.recipe.methods.method import TuningMethod
from studio.recipe.methods.pissa import Pissa
from studio.recipe.methods.small_adapters import IA3, Boft, Oft, Peanut, TrainableTokens
from studio.recipe.methods.soft_prompts import PrefixTuning, PromptTuning, PTuning
from studio.recipe.methods.vera import Vera
from studio.recipe.methods.whole import Freeze, Full

METHODS: tuple[type[TuningMethod], ...] = (
    *(Lora, RsLora, Dora, Pissa, QLora, LoraPlus, LoraFa, Vera, AdaLora),
    *(Full, Freeze, DeltaLora),
    *(PromptTuning, PTuning, PrefixTuning),
    *(IA3, Oft, Boft, TrainableTokens, Peanut),
)

if TYPE_CHECKING:
    Method = TuningMethod
else:
    Method = Annotated[Union[METHODS], Field(discriminator="name")]  # noqa: UP007 (a tuple cannot be written with |)


def method_named(name: str) -> type[TuningMethod]:
    """The method class whose `name` field is `name`. Raises KeyError for one that does not exist."""
    return {name_of(method): method for method in METHODS}[name]


def name_of(method: type[TuningMethod]) -> str:
    """What a recipe calls the method."""
    return str(method.model_fields["name"].default)
