"""A section of the Data tab: a piece of the room that draws itself and knows how to show a data part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

from studio.data.part import DataPart


@dataclass(frozen=True)
class Section:
    """What the page needs of a section to fill it when it opens.

    A module of a section has `build(studio, data, model) -> Section`: it draws the section where it is called and
    connects it to the states of the recipe's data part and of the chosen model, whose changes it follows by itself.

    outputs: the components that `show` fills, in its order.
    show: the values of `outputs` for a data part and a model's name. It raises nothing: what cannot be shown is said
        in words. It is called for every data part, the empty one included.
    """

    outputs: list[Component]
    show: Callable[[DataPart, str], list[Any]]
