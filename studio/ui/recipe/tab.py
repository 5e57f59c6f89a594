"""The Recipe tab: on the left what is chosen, on the right what follows from it, below it how the methods compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.errors import StudioError
from studio.home import ASSETS
from studio.recipe.launch import LaunchPart
from studio.recipe.looks import LooksPart
from studio.recipe.methods.every import METHODS, method_named, name_of
from studio.recipe.presets import DEFAULT, preset_named, presets
from studio.recipe.rates import usual_rate
from studio.recipe.read import LARGEST_RECIPE_BYTES, changed, read_recipe, recipe_of
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import TASKS
from studio.recipe.training import TrainingPart
from studio.run.forecast.forecasts import ForecastState
from studio.ui import what
from studio.ui.data.glimpse import known_rows
from studio.ui.data.press import pressed
from studio.ui.draft import Choice, Draft, Updates, Values
from studio.ui.form import Form
from studio.ui.recipe import forecast, picker, schedule, texts
from studio.ui.recipe.advice import advice_html, moved
from studio.ui.recipe.card import PENDING, card_html
from studio.ui.recipe.comparison import WAITING, comparison_html
from studio.ui.recipe.found import found
from studio.ui.refusal import refusal
from studio.ui.studio import Studio
from studio.ui.words import note

LOOK = 1.5  # seconds between looks at counts that are being worked out


@dataclass(frozen=True)
class Drawn:
    """What was shown last: of which recipe (None: of none), and which texts, by the component's id."""

    recipe: Recipe | None = None
    texts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecipeTab:
    """The tab's components that are filled from the recipe.

    `opened` is whether anybody has looked at the tab yet: until then nothing is forecast. `drawn` holds what was shown
    last, so that looking again while counts are waited for reads no field and leaves alone what has not changed.
    """

    opened: gr.State
    drawn: gr.State
    draft: Draft
    preset: gr.Dropdown
    card: gr.HTML
    advice: gr.HTML
    forecast: forecast.Panel
    schedule: gr.HTML
    texts: texts.Texts
    comparison: gr.HTML
    timer: gr.Timer

    @property
    def inputs(self) -> set[Block]:
        """What `show` looks at."""
        return {self.opened, *self.draft.components}

    @property
    def outputs(self) -> list[Block]:
        """Everything that `show` fills."""
        return [
            self.advice,
            self.card,
            *self.forecast.outputs,
            self.schedule,
            *self.texts.outputs,
            self.comparison,
            self.timer,
            self.drawn,
        ]


def build(studio: Studio, start: Recipe, data: gr.State, model: gr.State, room: gr.Tab) -> RecipeTab:
    """Draw the tab in its `room`, with the fields showing `start`, and connect it."""
    with gr.Row(equal_height=False, elem_id="recipe-room"):
        with gr.Column(scale=3, min_width=320):
            preset = gr.Dropdown(
                [(f"{preset.title}: {preset.about}", preset.name) for preset in presets()],
                value=DEFAULT,
                label="Preset",
                info="A recipe to start from. It sets everything on this page; your data and your model stay.",
                elem_id="preset",
            )
            task = _draw_tasks(start)
            method, card = _draw_methods(start)
            gr.HTML('<h3 class="step">How long, how fast, how careful?</h3>', apply_default_css=False)
            with gr.Column(elem_classes="knobs"):
                training = Form(TrainingPart, "training", start.training)
            looks = _draw_looks(start)
            launch = _draw_launch(start, len(studio.hardware.gpus))
            forms = (*task.forms.values(), *method.forms.values(), training, looks, launch)
            what.build({field: knob for form in forms for field, knob in form.asked.items()})
        with gr.Column(scale=2, min_width=300, elem_id="recipe-side"):
            advised = gr.HTML(
                elem_id="recipe-problems",
                js_on_load="\n".join((ASSETS / name).read_text("utf-8") for name in ("press.js", "reveal.js")),
                apply_default_css=False,
            )
            with gr.Accordion("The forecast", open=True, elem_id="recipe-forecast"):
                panel = forecast.build()
            with gr.Accordion("The schedule", open=True, elem_id="recipe-schedule"):
                drawn = schedule.build()
            with gr.Accordion("The recipe as text", open=True, elem_id="recipe-as-text"):
                as_text = texts.build(start)
    with gr.Accordion("How the methods compare", open=True, elem_id="recipe-comparison"):
        compared = gr.HTML(
            WAITING,
            elem_id="comparison",
            js_on_load=(ASSETS / "comparison.js").read_text("utf-8"),
            apply_default_css=False,
        )
    timer = gr.Timer(LOOK, active=False)
    draft = Draft(data, model, task, method, gr.State(start.method.name), training, looks, launch)
    tab = RecipeTab(
        gr.State(False), gr.State(Drawn()), draft, preset, card, advised, panel, drawn, as_text, compared, timer
    )
    _connect(studio, tab)
    room.select(lambda: True, None, tab.opened, show_progress="hidden")
    return tab


def _draw_tasks(start: Recipe) -> Choice:
    titles = [(task.title, str(task.model_fields["name"].default)) for task in TASKS]
    chosen = gr.Radio(titles, value=start.task.name, label="What should it learn to do?", elem_id="task")
    about = gr.HTML(_about_task(start.task.name), elem_id="task-about", apply_default_css=False)
    chosen.change(_about_task, chosen, about, show_progress="hidden")
    forms, groups = _draw_forms({name: task for (_, name), task in zip(titles, TASKS, strict=True)}, start.task)
    chosen.change(
        lambda name: [gr.update(visible=each == name) for each in groups],
        chosen,
        list(groups.values()),
        show_progress="hidden",
    )
    return Choice(chosen, forms, groups)


def _draw_methods(start: Recipe) -> tuple[Choice, gr.HTML]:
    chosen = picker.build(start.method.name)
    card = gr.HTML(card_html(type(start.method), None), elem_id="method-card", apply_default_css=False)
    forms, groups = _draw_forms({name_of(method): method for method in METHODS}, start.method)
    return Choice(chosen, forms, groups), card


def _draw_looks(start: Recipe) -> Form[LooksPart]:
    """What is asked of the model while it learns, folded away: the usual is good."""
    with (
        gr.Accordion("While it learns: film strip and forgetting needle", open=False, elem_id="looks"),
        gr.Column(elem_classes="knobs"),
    ):
        return Form(LooksPart, "looks", start.looks)


def _draw_launch(start: Recipe, gpus: int) -> Form[LaunchPart]:
    """Its fields where there are several GPUs; elsewhere a recipe is for one process, and a text says how to do it on
    other machines."""
    if gpus < 2:
        return Form(LaunchPart, "launch", start.launch, leave_out=tuple(LaunchPart.model_fields))
    gr.HTML(f'<h3 class="step">On how many of the {gpus} GPUs?</h3>', apply_default_css=False)
    with gr.Column(elem_classes="knobs"):
        return Form(LaunchPart, "launch", start.launch)


def _draw_forms(kinds: dict[str, type[Any]], start: Any) -> tuple[dict[str, Form[Any]], dict[str, gr.Column]]:
    """A form for each kind, in a group that is seen while it is chosen."""
    forms, groups = {}, {}
    for name, kind in kinds.items():
        shown = name == start.name
        with gr.Column(visible=shown, elem_id=f"{name}-options", elem_classes="knobs") as groups[name]:
            forms[name] = Form(kind, name, start if shown else None)
    return forms, groups


def _about_task(name: str) -> str:
    task = next(task for task in TASKS if task.model_fields["name"].default == name)
    return f'<p class="data-quiet">{task.when} <span class="advice-source">{task.source}</span></p>'


def _connect(studio: Studio, tab: RecipeTab) -> None:
    draft, fields = tab.draft, list(tab.draft.fields)
    texts.connect(studio, draft, tab.texts)
    forecast.connect(studio, draft, tab.forecast)
    tab.preset.input(partial(apply_preset, tab), {tab.preset}, fields)
    tab.texts.upload.upload(partial(apply_upload, tab), {tab.texts.upload}, draft.outputs, show_progress="hidden")
    draft.method.chosen.input(partial(switch_method, draft), draft.components, fields, show_progress="hidden")

    def on_advice(values: Values, event: gr.EventData) -> Updates:
        return moved(draft, values, pressed(event)[0])

    tab.advice.click(on_advice, draft.components, draft.outputs, show_progress="hidden")
    tab.timer.tick(
        partial(look, studio, tab), {tab.opened, tab.drawn}, tab.outputs, show_progress="hidden", trigger_mode="once"
    )


def apply_preset(tab: RecipeTab, values: Values) -> Updates:
    """Show the settings of the chosen preset."""
    return tab.draft.show_settings(preset_named(values[tab.preset]).recipe)


def apply_upload(tab: RecipeTab, values: Values) -> Updates:
    """Show an uploaded recipe: its settings, and its model and data where it names any."""
    path = Path(values[tab.texts.upload])
    try:
        if path.stat().st_size > LARGEST_RECIPE_BYTES:
            raise StudioError("This file is over 1 MB; a recipe is about 1 kB of YAML. Choose a recipe file.")
        recipe = read_recipe(path.read_bytes().decode("utf-8", "replace"))
    except StudioError as error:
        raise refusal(error, "Not a recipe") from None
    return tab.draft.show_settings(recipe) | tab.draft.show_choices(recipe)


def switch_method(draft: Draft, values: Values) -> Updates:
    """The form of the method just picked, with what was altered in the other's form, and the rate that it wants."""
    old, new = values[draft.shown], draft.method.values(values)["name"]
    if new not in draft.method.forms:
        return {draft.shown: gr.skip()}
    try:
        before = recipe_of({"method": {"name": old, **draft.method.forms[old].values(values)}})
        method = changed(before, {"method.name": new}).method
    except StudioError:  # a number out of bounds in the old form is no matter of the new one
        method = recipe_of({"method": {"name": new}}).method
    return draft.method.show(method) | {draft.shown: new} | switch_rate(draft, values, old, new)


def switch_rate(draft: Draft, values: Values, old: str, new: str) -> Updates:
    """The rate that the new method wants, where it wants another one than the old. It is said when it moves."""
    field, model = draft.training.fields["learning_rate"], values[draft.model]
    before, after, now = usual_rate(model, old), usual_rate(model, new), values[field]
    if after is None or after in (before, now):
        return {field: gr.skip()}
    title = method_named(new).title
    was = f"from {now:g} " if isinstance(now, int | float) else ""
    whose = "(yours or a preset's) " if was and now != before else ""
    gr.Info(f"Learning rate moved {was}{whose}to {after:g}: where to start with {title} on this base.")
    return {field: after}


def show(studio: Studio, tab: RecipeTab, values: Values) -> Updates:
    """Everything that follows from the recipe; where it is none, what is wrong with it, and the rest as it was.

    The counts may come later: the timer then looks again.
    """
    try:
        return _follows(studio, tab, tab.draft.recipe(values), bool(values.get(tab.opened)))
    except StudioError as error:
        return _nothing_follows(tab, error)


def look(studio: Studio, tab: RecipeTab, values: Values) -> Updates:
    """What has changed while counts were waited for. The rest is not drawn again: somebody may be about to press it."""
    before: Drawn = values[tab.drawn]
    if before.recipe is None:
        return {tab.timer: gr.Timer(active=False)}
    try:
        updates = _follows(studio, tab, before.recipe, bool(values[tab.opened]))
    except StudioError as error:
        return _nothing_follows(tab, error)
    texts = before.texts
    same = {each: gr.skip() for each, text in updates.items() if isinstance(text, str) and texts.get(each._id) == text}
    return updates | same


def _nothing_follows(tab: RecipeTab, error: StudioError) -> Updates:
    skipped: Updates = {component: gr.skip() for component in tab.outputs}
    stopped = {tab.timer: gr.Timer(active=False), tab.drawn: Drawn()}
    return skipped | {tab.advice: note("error", *error.problems)} | stopped


def _follows(studio: Studio, tab: RecipeTab, recipe: Recipe, opened: bool) -> Updates:
    state = studio.forecasts.at(recipe) if opened else ForecastState()
    costs = studio.forecasts.costs(recipe) if opened else None
    every = found(studio, recipe, state.forecast)
    pending = f"not known: {state.error}" if state.error else PENDING
    waiting = opened and (costs is None or not (state.forecast or state.error))
    written: Updates = dict(zip(tab.texts.outputs, tab.texts.show(recipe), strict=True))
    updates = written | {
        tab.advice: advice_html(every, recipe),
        tab.schedule: schedule.show(recipe, *_rows_and_tokens(studio, recipe)),
        tab.card: card_html(type(recipe.method), state.forecast, pending),
        **forecast.show(studio, tab.forecast, recipe, state, opened),
        tab.comparison: comparison_html(costs, recipe.method.name),
        tab.timer: gr.Timer(active=waiting),
    }
    texts = {each._id: text for each, text in updates.items() if isinstance(text, str)}
    return updates | {tab.drawn: Drawn(recipe, texts)}


def _rows_and_tokens(studio: Studio, recipe: Recipe) -> tuple[int, int]:
    """How many rows are trained on, and how many tokens of them are seen; 0: not yet known."""
    known = known_rows(studio, recipe.data)
    study = studio.desk.studied(recipe.data, recipe.model.id, recipe.training.max_length)
    return (len(known.train) if known else 0), study.seen_tokens if study else 0
