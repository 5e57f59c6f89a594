"""The Recipe tab: method and sliders, presets, and the same recipe as YAML."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.errors import StudioError
from studio.recipe.methods.every import METHODS, method_named, name_of
from studio.recipe.presets import DEFAULT, preset_named, presets
from studio.recipe.read import LARGEST_RECIPE_BYTES, changed, read_recipe
from studio.recipe.recipe import Recipe, TrainingPart
from studio.ui.draft import Draft, Updates, Values
from studio.ui.form import Form
from studio.ui.refusal import refusal
from studio.ui.words import note

SAVE_YAML = """(text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/yaml"}));
  link.download = "recipe.yaml";
  link.click();
  URL.revokeObjectURL(link.href);
}"""


@dataclass(frozen=True)
class RecipeTab:
    """The tab's components that are filled from the recipe."""

    draft: Draft
    preset: gr.Dropdown
    upload: gr.UploadButton
    problems: gr.HTML
    yaml: gr.Code


def build(start: Recipe, data: gr.State, model: gr.State) -> RecipeTab:
    """Draw the tab, with the fields showing `start`, and connect it."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            preset = gr.Dropdown(
                [(f"{preset.title}: {preset.about}", preset.name) for preset in presets()],
                value=DEFAULT,
                label="Preset",
                info="A recipe to start from. It sets everything below; your data and your model stay.",
                elem_id="preset",
            )
            draft = _draw_fields(start, data, model)
        with gr.Column(scale=2, min_width=300):
            problems = gr.HTML(elem_id="recipe-problems")
            yaml = gr.Code(start.to_yaml(), language="yaml", label="This recipe as YAML", interactive=False)
            with gr.Row():
                gr.Button("Download recipe.yaml", size="sm").click(None, yaml, None, js=SAVE_YAML)
                upload = gr.UploadButton("Upload a recipe", file_types=[".yaml", ".yml"], size="sm")
    tab = RecipeTab(draft, preset, upload, problems, yaml)
    _connect(tab)
    return tab


def _draw_fields(start: Recipe, data: gr.State, model: gr.State) -> Draft:
    names = [(method.title, name_of(method)) for method in METHODS]
    method = gr.Radio(names, value=start.method.name, label="Method", info=_advice(start.method.name), elem_id="method")
    forms: dict[str, Form[Any]] = {}
    with gr.Row(equal_height=False):
        with gr.Column(min_width=280):
            for kind in METHODS:
                name = name_of(kind)
                shown = name == start.method.name
                with gr.Group(visible=shown, elem_id=f"{name}-options") as group:
                    forms[name] = Form(kind, name, start.method if shown else None)
                method.change(lambda value, name=name: gr.update(visible=value == name), method, group)
        with gr.Column(min_width=280):
            training = Form(TrainingPart, "training", start.training)
    return Draft(data, model, method, gr.State(start.method.name), forms, training)


def _connect(tab: RecipeTab) -> None:
    draft = tab.draft
    tab.preset.input(partial(apply_preset, tab), {tab.preset}, list(draft.fields))
    tab.upload.upload(partial(apply_upload, tab), {tab.upload}, list(draft.components))
    draft.method.input(partial(switch_method, draft), draft.components, list(draft.fields))
    draft.method.change(lambda name: gr.update(info=_advice(name)), draft.method, draft.method, show_progress="hidden")


def apply_preset(tab: RecipeTab, values: Values) -> Updates:
    """Show the settings of the chosen preset."""
    return tab.draft.show_settings(preset_named(values[tab.preset]).recipe)


def apply_upload(tab: RecipeTab, values: Values) -> Updates:
    """Show an uploaded recipe: its settings, and its model and data where it names any."""
    path = Path(values[tab.upload])
    try:
        if path.stat().st_size > LARGEST_RECIPE_BYTES:
            raise StudioError("This file is over 1 MB; a recipe is about 1 kB of YAML. Choose a recipe file.")
        recipe = read_recipe(path.read_bytes().decode("utf-8", "replace"))
    except StudioError as error:
        raise refusal(error, "Not a recipe") from None
    return tab.draft.show_settings(recipe) | tab.draft.show_choices(recipe)


def switch_method(draft: Draft, values: Values) -> Updates:
    """Carry what the methods have in common from the fields of the one to the fields of the other."""
    new = values[draft.method]
    shared = draft.methods[values[draft.shown]].values(values)
    fields = method_named(new).model_fields
    kept = {f"method.{key}": value for key, value in shared.items() if key in fields}
    return draft.show_settings(changed(Recipe(training=draft.training.read(values)), {"method.name": new, **kept}))


def show(draft: Draft, found: list[Any], recipe: Recipe | StudioError) -> tuple[str, str | Block]:
    """The recipe as YAML and what is wrong with it, as HTML."""
    if isinstance(recipe, StudioError):
        return note("error", *recipe.problems), gr.skip()
    messages = "".join(note(problem.severity, problem.message) for problem in found)
    return messages or note("note", "Nothing stands in the way of this recipe. Press Train."), recipe.to_yaml()


def _advice(name: str) -> str:
    method = method_named(name)
    return f"{method.when} ({method.source})"
