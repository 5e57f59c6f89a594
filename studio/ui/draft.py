"""The recipe as it stands on the page: which components hold it, and how to read and show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.recipe.read import changed, recipe_of
from studio.recipe.recipe import LaunchPart, LooksPart, Recipe, TrainingPart
from studio.ui.form import Form
from studio.ui.refusal import refusal

Values = Mapping[Block, Any]
Updates = dict[Block, Any]


@dataclass(frozen=True)
class Choice:
    """A part of the recipe that is one of several kinds: what says which, and a form for each, of which one is seen."""

    chosen: Any  # a gradio component whose value is the kind's name
    forms: Mapping[str, Form[Any]]
    groups: Mapping[str, Block]

    @property
    def components(self) -> set[Block]:
        """What `values` needs as input."""
        return {self.chosen}.union(*(form.components for form in self.forms.values()))

    @property
    def outputs(self) -> set[Block]:
        """What `show` updates."""
        return self.components | set(self.groups.values())

    def values(self, values: Values) -> dict[str, Any]:
        """The chosen kind's name and options."""
        name = values[self.chosen]
        return {"name": name} | (self.forms[name].values(values) if name in self.forms else {})

    def show(self, part: Any) -> Updates:
        """Updates that make the page show `part`, one of the kinds with its options."""
        seen = {group: gr.update(visible=name == part.name) for name, group in self.groups.items()}
        return {self.chosen: gr.update(value=part.name), **seen, **self.forms[part.name].show(part)}


@dataclass(frozen=True)
class Draft:
    """The components that together hold the recipe of the next run.

    Data and model are chosen in steps, so their state is kept; the rest is read from its fields. `shown` is the name of
    the method whose fields were filled last: a method just picked takes over what it has in common with it.
    """

    data: gr.State
    model: gr.State
    task: Choice
    method: Choice
    shown: gr.State
    training: Form[TrainingPart]
    looks: Form[LooksPart]
    launch: Form[LaunchPart]

    @property
    def components(self) -> set[Block]:
        """Everything that `recipe` needs as input, and `shown`."""
        return {self.data, self.model, self.shown, *self._settings()}

    @property
    def fields(self) -> set[Block]:
        """What `show_settings` updates: all that a person turns, and which of the forms are seen."""
        return {self.shown, *self._settings(), *self.task.outputs, *self.method.outputs}

    @property
    def outputs(self) -> list[Block]:
        """Everything that `show_settings` and `show_choices` update."""
        return [*self.fields, self.data, self.model]

    @property
    def changes(self) -> list[Any]:
        """The events that tell of a change to any of the components."""
        components: list[Any] = list(self.components)
        return [component.change for component in components]

    def recipe(self, values: Values) -> Recipe:
        """The recipe that the page shows. Raises StudioError with everything that is out of bounds."""
        return recipe_of(
            {
                "model": {"id": values[self.model]},
                "data": values[self.data].model_dump(),
                "task": self.task.values(values),
                "method": self.method.values(values),
                "training": self.training.values(values),
                "looks": self.looks.values(values),
                "launch": self.launch.values(values),
            }
        )

    def show_settings(self, recipe: Recipe) -> Updates:
        """Updates that make the page show the task, the method, the training, the looks and the launch of `recipe`."""
        return {
            self.shown: recipe.method.name,
            **self.task.show(recipe.task),
            **self.method.show(recipe.method),
            **self.training.show(recipe.training),
            **self.looks.show(recipe.looks),
            **self.launch.show(recipe.launch),
        }

    def show_choices(self, recipe: Recipe) -> Updates:
        """Updates that make the page show the data and the model that `recipe` names; what it leaves out stays."""
        updates: Updates = {self.data: recipe.data} if recipe.data.path else {}
        return updates | ({self.model: recipe.model.id} if "model" in recipe.model_fields_set else {})

    def _settings(self) -> set[Block]:
        forms = (self.training, self.looks, self.launch)
        return self.task.components | self.method.components | set().union(*(form.components for form in forms))


def new_states(recipe: Recipe) -> tuple[gr.State, gr.State]:
    """The states of data and model, as `recipe` has them."""
    return gr.State(DataPart.model_validate(recipe.data)), gr.State(recipe.model.id)


def altered(part: DataPart, options: Mapping[str, Any]) -> Any:
    """The data part with some options changed, named by dotted keys such as `mapped.shape`: a value for its state.

    Where nothing differs the state is left alone, so that showing a part never prepares it again. Raises the page's
    refusal for values that are out of bounds.
    """
    try:
        new = changed(Recipe(data=part), {f"data.{key}": value for key, value in options.items()}).data
    except StudioError as error:
        raise refusal(error, "Not changed") from None
    return gr.skip() if new == part else new
