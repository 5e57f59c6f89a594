"""The page: header with Train, the tabs in the order of the work, and what ties them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from pydantic import ValidationError

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.recipe.methods.every import method_named
from studio.recipe.presets import DEFAULT, preset_named
from studio.recipe.rates import usual_rate
from studio.recipe.recipe import Recipe
from studio.run.directory import Run, Status
from studio.run.submit import submit
from studio.ui import model_tab, run_tab, take_tab
from studio.ui.compare import tab as compare_tab
from studio.ui.data import tab as data_tab
from studio.ui.data.samples import sample_of
from studio.ui.draft import Draft, Updates, Values, new_states
from studio.ui.evaluate import tab as evaluate_tab
from studio.ui.history import tab as history_tab
from studio.ui.recipe import tab as recipe_tab
from studio.ui.refusal import refusal
from studio.ui.results import result_choices
from studio.ui.run_acts import fingerprint
from studio.ui.search import tab as search_tab
from studio.ui.studio import Studio

TITLE = "Atelier"
UPLOADS_KEPT = (3600, 86_400)  # gradio looks each hour and drops its own copies of uploads after a day, in seconds
LOOK = 2.0  # seconds between looks at which runs there are

Seen = list[tuple[Run, Status]]  # every run and its status


@dataclass(frozen=True)
class Page:
    """The page's parts that the handlers below connect."""

    tabs: gr.Tabs
    train: gr.Button
    summary: gr.HTML
    selected: gr.State
    seen: gr.State
    kept: gr.BrowserState
    data: data_tab.DataTab
    model: model_tab.ModelTab
    recipe: recipe_tab.RecipeTab
    run: run_tab.RunTab
    evaluate: evaluate_tab.EvaluateTab
    compare: compare_tab.CompareTab
    take: take_tab.TakeTab

    @property
    def draft(self) -> Draft:
        return self.recipe.draft


def build(studio: Studio) -> gr.Blocks:
    """The whole page as gradio blocks. It opens ready to train, with the default preset."""
    start = preset_named(DEFAULT).recipe
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=UPLOADS_KEPT) as blocks:
        page = _draw(studio, start)
        _connect(studio, page)
        blocks.load(
            partial(open_page, studio, page),
            {page.draft.data, page.draft.model, page.kept},
            [page.draft.data, *_run_parts(page), *page.data.outputs],
            show_progress="hidden",
        )
        blocks.load(partial(refresh, studio, page), page.recipe.inputs, _recipe_parts(page), show_progress="hidden")
        _hide_quietly(blocks, page.train)
    return blocks


def _hide_quietly(blocks: gr.Blocks, one: Component) -> None:
    """Let each event whose progress is hidden show it on `one` component, and not on all that it fills.

    At every event the browser tells all components that could show progress how that stands, and walks the whole
    page to find each: with hundreds of them half of the time in which the page opens went there.
    """
    for event in blocks.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = [one]


def _draw(studio: Studio, start: Recipe) -> Page:
    data, model = new_states(start)
    selected, seen = gr.State(None), gr.State("")
    kept = gr.BrowserState("", storage_key="atelier-data", secret="atelier")
    with gr.Row(elem_id="header", equal_height=True):
        gr.HTML("<h1>Atelier</h1><p>a fine-tuning studio</p>", elem_id="brand", min_width=120)
        summary = gr.HTML(elem_id="summary", min_width=200)
        train = gr.Button("Train", variant="primary", elem_id="train", scale=0, min_width=110)
    with gr.Tabs(elem_id="tabs") as tabs:
        data_room = gr.Tab("Data", id="Data")
        with gr.Tab("Model", id="Model") as model_room:
            model_part = model_tab.build(studio, model, model_room)
        with gr.Tab("Recipe", id="Recipe") as recipe_room:
            recipe_part = recipe_tab.build(studio, start, data, model, recipe_room)
        with gr.Tab("Search", id="Search") as search_room:
            search_tab.build(studio, recipe_part.draft, start, search_room)
        with gr.Tab("Run", id="Run"):
            run_part = run_tab.build(studio, recipe_part.draft, selected, tabs)
        with gr.Tab("History", id="History"):
            history_tab.build(studio, recipe_part.draft, selected, tabs)
        with gr.Tab("Evaluate", id="Evaluate"):
            evaluate_part = evaluate_tab.build(studio, recipe_part.draft)
        with gr.Tab("Compare", id="Compare"):
            compare_part = compare_tab.build(studio, recipe_part.draft, tabs)
        with gr.Tab("Take away", id="Take away"):
            take_part = take_tab.build(studio)
        with data_room:  # filled last: it looks at the longest row that the recipe allows
            data_part = data_tab.build(studio, data, model, recipe_part.draft.training.fields["max_length"])
    return Page(
        tabs,
        train,
        summary,
        selected,
        seen,
        kept,
        data_part,
        model_part,
        recipe_part,
        run_part,
        evaluate_part,
        compare_part,
        take_part,
    )


def _connect(studio: Studio, page: Page) -> None:
    draft = page.draft
    draft.data.change(DataPart.model_dump_json, draft.data, page.kept, show_progress="hidden")
    gr.on(
        [*draft.changes, page.data.ready.change, page.recipe.opened.change],
        partial(refresh, studio, page),
        page.recipe.inputs,
        _recipe_parts(page),
        show_progress="hidden",
        trigger_mode="always_last",
    )
    page.model.choice.input(
        partial(advise_rate, page),
        {page.model.choice, draft.method.chosen},
        draft.training.fields["learning_rate"],
        show_progress="hidden",
    )
    page.train.click(
        partial(train, studio, page),
        draft.components,
        [page.tabs, *_run_parts(page)],
        trigger_mode="once",
        concurrency_limit=1,
    )
    timer = gr.Timer(LOOK)
    timer.tick(partial(look, studio), page.seen, page.seen, show_progress="hidden")
    gr.on(
        [page.seen.change, page.selected.change],
        partial(show_runs, studio, page),
        {page.selected, *_in_hand(page)},
        _choosers(page),
        show_progress="hidden",
    )


def _run_parts(page: Page) -> list[Block]:
    return [page.selected, page.seen, *_choosers(page)]


def _choosers(page: Page) -> list[Block]:
    return [page.run.choice, page.run.acts, *_in_hand(page)]


def _recipe_parts(page: Page) -> list[Block]:
    return [*page.recipe.outputs, page.summary]


def open_page(studio: Studio, page: Page, values: Values) -> Updates:
    """What a fresh or reloaded page shows: the data as this browser last had it, and the newest run with its curve."""
    runs = _seen(studio)
    newest = runs[0][0].name if runs else None
    part = _kept_part(values[page.kept]) or values[page.draft.data]
    shown = dict(zip(page.data.outputs, page.data.show(part, values[page.draft.model]), strict=True))
    return {page.draft.data: part} | shown | _runs_shown(studio, page, runs, newest) | {page.selected: newest}


def _kept_part(text: str | None) -> DataPart | None:
    """The data part that a browser kept, where it still says something."""
    try:
        part = DataPart.model_validate_json(text or "")
    except ValidationError:  # none yet, or one of another version of the studio
        return None
    return part if part.path else None


def refresh(studio: Studio, page: Page, values: Values) -> Updates:
    """All that follows from the recipe, after any change."""
    return recipe_tab.show(studio, page.recipe, values) | {page.summary: _summary(values, page.draft)}


def advise_rate(page: Page, values: Values) -> Updates:
    """The learning rate that is usual for the model just picked and the method."""
    model, method = str(values[page.model.choice] or "").strip(), values[page.draft.method.chosen]
    field = page.draft.training.fields["learning_rate"]
    rate = usual_rate(model, method) if method in page.draft.method.forms else None
    if rate is None:
        return {field: gr.skip()}
    gr.Info(f"Learning rate set to {rate:g}: where to start with {method_named(method).title} on this base.")
    return {field: rate}


def train(studio: Studio, page: Page, values: Values) -> Updates:
    """Put a run into the queue and show it. What stands in the way is said, all at once, and nothing is lost."""
    try:
        recipe = page.draft.recipe(values)
        if recipe.data.path:
            studio.desk.prepare(recipe.data)  # a large file is read by the child, not by the page
        run = submit(studio.home, recipe)
    except StudioError as error:
        raise refusal(error, "Not started") from None
    studio.queue.poke()
    runs = _seen(studio)
    return _runs_shown(studio, page, runs, run.name) | {
        page.selected: run.name,
        page.tabs: gr.Tabs(selected="Run"),
    }


def look(studio: Studio, before: str) -> Any:
    """Which runs there are and how they stand, as one text that changes when they do."""
    now = fingerprint(studio.home, _seen(studio))
    return gr.skip() if now == before else now


def show_runs(studio: Studio, page: Page, values: Values) -> Updates:
    """The run choosers of all tabs, after a run began, ended or was selected."""
    chosen = [values[each] for each in _in_hand(page)]
    updates = _runs_shown(studio, page, _seen(studio), values[page.selected], chosen)
    del updates[page.seen]
    return updates


def _runs_shown(
    studio: Studio, page: Page, runs: Seen, selected: str | None, chosen: Sequence[str | None] = (None, None, None)
) -> Updates:
    ready = result_choices(runs)
    names = [name for _, name in ready]
    latest = selected if selected in names else next(iter(names), None)
    in_hand = [name if name in names else latest for name in chosen]
    if selected in names:
        in_hand = [selected] * len(in_hand)
    evaluated, compared, taken = in_hand
    return {
        page.seen: fingerprint(studio.home, runs),
        page.run.choice: gr.update(choices=run_tab.run_choices(runs), value=selected),
        page.run.acts: run_tab.shown(studio, runs, selected),
        page.evaluate.room: evaluated or "",
        page.compare.room: compared or "",
        page.take.choice: gr.update(choices=ready, value=taken),
    }


def _in_hand(page: Page) -> tuple[Component, Component, Component]:
    """The components that hold the run which a tab works with."""
    return page.evaluate.room, page.compare.room, page.take.choice


def _seen(studio: Studio) -> Seen:
    return studio.seen()


def _summary(values: Values, draft: Draft) -> str:
    part = values[draft.data]
    data = sample_of(part) or part.path.rpartition("/")[2] or "no data yet"
    name = values[draft.method.chosen]
    method = method_named(name).title if name in draft.method.forms else name
    parts = (values[draft.model], data, method)
    chips = " ".join(f"<span>{escape(str(text))}</span>" for text in parts)
    return f'<p aria-label="The next run">{chips}</p>'
