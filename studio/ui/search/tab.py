"""The Search tab: what to turn, the searches and their runs, and the way of the best one back into the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block
from pydantic import ValidationError

from studio.errors import StudioError
from studio.recipe.problems import problems
from studio.recipe.recipe import Recipe
from studio.run.search.plan import Dimension, SearchPlan, dimension_of, searchable, usual_dimension, written
from studio.run.search.search import Search, SearchStatus, begin_search, find_search, list_searches
from studio.ui.draft import Draft, Updates, Values
from studio.ui.form import Form
from studio.ui.refusal import refusal
from studio.ui.search.overview import EMPTY, best_of, overview
from studio.ui.studio import Studio
from studio.ui.words import note

LOOK = 2.0  # seconds between looks at a search
AT_FIRST = ("training.learning_rate", "method.rank", "")


@dataclass(frozen=True)
class SearchTab:
    """The tab's components."""

    options: tuple[gr.Dropdown, ...]
    values: tuple[gr.Textbox, ...]
    plan: Form[SearchPlan]
    choice: gr.Dropdown
    stop: gr.Button
    use: gr.Button
    shown: gr.HTML
    seen: gr.State

    @property
    def asked(self) -> set[Block]:
        """What says which search is wanted."""
        return {*self.options, *self.values} | self.plan.components


def build(studio: Studio, draft: Draft, start: Recipe, room: gr.Tab) -> SearchTab:
    """Draw the tab inside `room` and connect it to the recipe of the next run."""
    gr.Markdown(
        "Not sure which settings are best? Let the studio try several. Each try is a run like any other, with the "
        "recipe as it stands and a few settings changed; the one with the lowest held-out loss wins."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            options, values = _draw_dimensions(start)
            plan = Form(SearchPlan, "search")
            begin = gr.Button("Begin the search", variant="primary", elem_id="begin-search")
        with gr.Column(scale=3, min_width=320):
            choice = gr.Dropdown(
                [], label="Search", info="Every search of this studio, newest first.", elem_id="search-choice"
            )
            shown = gr.HTML(note("note", EMPTY), elem_id="search-overview")
            with gr.Row():
                use = gr.Button("Put the best settings into the recipe", interactive=False, elem_id="search-use")
                stop = gr.Button("Stop the search", interactive=False, elem_id="search-stop")
    tab = SearchTab(options, values, plan, choice, stop, use, shown, gr.State(""))
    _connect(studio, draft, tab, begin, room)
    return tab


def _draw_dimensions(start: Recipe) -> tuple[tuple[gr.Dropdown, ...], tuple[gr.Textbox, ...]]:
    choices = _choices(start)
    options, values = [], []
    for place, first in enumerate(AT_FIRST):
        with gr.Row():
            name = ("First", "Second", "Third")[place]
            options.append(
                gr.Dropdown(
                    [("nothing", ""), *choices],
                    value=first,
                    label=f"{name} setting to turn",
                    info="What the runs differ in." if place == 0 else None,
                    elem_id=f"search-option-{place + 1}",
                    min_width=150,
                )
            )
            values.append(
                gr.Textbox(
                    written(usual_dimension(start, first)) if first else "",
                    label="Values to try",
                    info="1e-4..1e-2 is a range; 4, 8, 16 are choices." if place == 0 else None,
                    elem_id=f"search-values-{place + 1}",
                    min_width=150,
                )
            )
    return tuple(options), tuple(values)


def _choices(recipe: Recipe) -> list[tuple[str, str]]:
    return [(knob.label, option) for option, knob in searchable(recipe).items()]


def _connect(studio: Studio, draft: Draft, tab: SearchTab, begin: gr.Button, room: gr.Tab) -> None:
    for option, value in zip(tab.options, tab.values, strict=True):
        option.input(partial(usual_values, draft, option), draft.components | {option}, value, show_progress="hidden")
    room.select(
        partial(offer, draft, tab), draft.components | set(tab.options), list(tab.options), show_progress="hidden"
    )
    shown: list[Block] = [tab.choice, tab.shown, tab.stop, tab.use, tab.seen]
    begin.click(
        partial(start_search, studio, draft, tab), draft.components | tab.asked, shown, trigger_mode="once",
        concurrency_limit=1,
    )  # fmt: skip
    room.select(partial(look, studio, tab), {tab.choice, tab.seen}, shown, show_progress="hidden")
    tab.choice.input(partial(look, studio, tab), {tab.choice}, shown, show_progress="hidden")
    gr.Timer(LOOK).tick(partial(look, studio, tab), {tab.choice, tab.seen}, shown, show_progress="hidden")
    tab.stop.click(partial(stop_search, studio), tab.choice, tab.stop)
    tab.use.click(partial(use_best, studio, draft, tab), {tab.choice}, draft.outputs)


def usual_values(draft: Draft, option: gr.Dropdown, values: Values) -> str:
    """What is usually tried of the setting just picked, around where it stands in the recipe."""
    if not values[option]:
        return ""
    try:
        return written(usual_dimension(draft.recipe(values), values[option]))
    except StudioError:
        return ""


def offer(draft: Draft, tab: SearchTab, values: Values) -> Updates:
    """The settings that the recipe as it stands has."""
    try:
        choices = _choices(draft.recipe(values))
    except StudioError:
        return {tab.options[0]: gr.skip()}
    known = {"", *(option for _, option in choices)}
    return {
        each: gr.update(choices=[("nothing", ""), *choices], value=values[each] if values[each] in known else "")
        for each in tab.options
    }


def start_search(studio: Studio, draft: Draft, tab: SearchTab, values: Values) -> Updates:
    """Begin the search that the fields ask for. All that stands in the way is said at once."""
    try:
        recipe = draft.recipe(values)
        plan = _plan(tab, recipe, values)
        _refuse_what_cannot_be(studio, recipe)
        search = begin_search(studio.home, recipe, plan)
    except (StudioError, ValidationError) as error:
        problem = error if isinstance(error, StudioError) else StudioError(str(error))
        raise refusal(problem, "Not started") from None
    return _shown(studio, tab, search, "")


def _plan(tab: SearchTab, recipe: Recipe, values: Values) -> SearchPlan:
    over: list[Dimension] = []
    wrong: list[str] = []
    for option, text in zip(tab.options, tab.values, strict=True):
        if values[option]:
            try:
                over.append(dimension_of(recipe, values[option], values[text] or ""))
            except StudioError as error:
                wrong += error.problems
    if wrong:
        raise StudioError(*wrong)
    return tab.plan.read(values).model_copy(update={"over": tuple(over)})


def _refuse_what_cannot_be(studio: Studio, recipe: Recipe) -> None:
    prepared = studio.desk.prepare(recipe.data) if recipe.data.path else None
    found = [each.message for each in problems(recipe, prepared, studio.hardware) if each.severity == "error"]
    if found:
        raise StudioError(*found)


def look(studio: Studio, tab: SearchTab, values: Values) -> Any:
    """The chosen search as it stands; the newest where none is chosen. Nothing is sent where nothing changed."""
    searches = list_searches(studio.home)
    chosen = next((each for each in searches if each.name == values[tab.choice]), searches[-1] if searches else None)
    if chosen is None:
        return dict.fromkeys((tab.choice, tab.shown, tab.stop, tab.use, tab.seen), gr.skip())
    return _shown(studio, tab, chosen, values.get(tab.seen, ""))


def _shown(studio: Studio, tab: SearchTab, search: Search, before: str) -> Updates:
    try:
        trials = search.trials(studio.home)
        status = search.status(trials)
        now = f"{search.name} {status} {len(list_searches(studio.home))} " + " ".join(
            f"{trial.status}{len(trial.losses)}" for trial in trials
        )
        if now == before:
            return dict.fromkeys((tab.choice, tab.shown, tab.stop, tab.use, tab.seen), gr.skip())
        html = overview(search, trials, searchable(search.recipe))
    except StudioError as error:
        return {tab.shown: note("error", *error.problems), tab.choice: _chooser(studio, search)}
    return {
        tab.choice: _chooser(studio, search),
        tab.shown: html,
        tab.stop: gr.update(interactive=status is SearchStatus.SEARCHING),
        tab.use: gr.update(interactive=best_of(trials) is not None),
        tab.seen: now,
    }


def _chooser(studio: Studio, chosen: Search) -> Any:
    return gr.update(choices=[search.name for search in list_searches(studio.home)[::-1]], value=chosen.name)


def stop_search(studio: Studio, name: str | None) -> Any:
    """Begin no more runs, and end the one under way."""
    if name:
        find_search(studio.home, name).ask_to_stop()
        gr.Info("The run under way ends at its next step, and no other is begun.")
    return gr.update(interactive=False)


def use_best(studio: Studio, draft: Draft, tab: SearchTab, values: Values) -> Updates:
    """Show the recipe of the best run on the page."""
    try:
        search = find_search(studio.home, values[tab.choice] or "")
        best = best_of(search.trials(studio.home))
        if best is None:
            raise StudioError("No run of this search has a held-out loss yet. Wait for the first one.")
        recipe = best.run.recipe
    except StudioError as error:
        raise refusal(error, "Not used") from None
    gr.Info("The recipe now has the best settings. Press Train to train with them, or change them further.")
    return draft.show_settings(recipe) | draft.show_choices(recipe)
