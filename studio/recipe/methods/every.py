"""The registry: a method is added by writing its class in a file beside this one and naming it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from studio.recipe.methods.low_rank import Lora, QLora
from studio.recipe.methods.method import TuningMethod

METHODS: tuple[type[TuningMethod], ...] = (Lora, QLora)

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
