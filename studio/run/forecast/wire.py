"""What the page and the child that forecasts say to each other. No torch here, both sides import it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import Cost, Forecast, KnownRows
from studio.run.study.wire import Doing, Failed
from studio.run.wire import Line

__all__ = ["REPLY", "REQUEST", "Compare", "Compared", "Doing", "Estimate", "Estimated", "Failed", "Reply", "Request"]


class Estimate(Line):
    """Forecast a recipe. `rows` is None where nothing is known of them."""

    kind: Literal["estimate"] = "estimate"
    recipe: Recipe
    rows: KnownRows | None = None


class Compare(Line):
    """What the method that the recipe names would cost on its base, for its task, with all else as it begins."""

    kind: Literal["compare"] = "compare"
    recipe: Recipe


class Estimated(Line):
    """The forecast."""

    kind: Literal["estimated"] = "estimated"
    forecast: Forecast


class Compared(Line):
    """The method's cost."""

    kind: Literal["compared"] = "compared"
    cost: Cost


Request = Estimate | Compare
Reply = Doing | Estimated | Compared | Failed
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
