"""New rows out of the ones there are, by templates or by the base model: looked through before any of them joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.answer.paraphrase import Paraphrased, Wish, paraphrased
from studio.data.augment import SLOT, TEMPLATES, Proposed, augmented, join, templates_of
from studio.data.example import Examples
from studio.data.table import preview
from studio.data.wording import counted
from studio.errors import StudioError
from studio.ui.data.section import Section
from studio.ui.data.work import Work
from studio.ui.draft import Updates, Values
from studio.ui.form import Form
from studio.ui.refusal import refusal
from studio.ui.studio import Studio
from studio.ui.words import note

ABOUT = (
    "<h3>New rows</h3><p>The same completions under prompts in other words make a model less fussy about how it is "
    "asked. Every new row is marked as made, is shown here first, and is never held out.</p>"
)
HEADERS = ["take", "nr", "new prompt", "completion", "how it was made"]
MOST = 2_000
AT_FIRST = 200
SHOWN_CHARACTERS = 300
NONE_YET = note("note", "No new rows yet. Make some; then take those that are good.")
GONE = note("note", "The rows have changed, so new ones are to be made again.")
NO_ROWS = "There are no rows to make new ones of. Choose a sample or bring your own first."


@dataclass(frozen=True)
class AugmentFields:
    """The section's components. `made` holds the rows that are looked through."""

    templates: gr.Textbox
    most: gr.Number
    make: gr.Button
    wish: Form[Wish]
    ask: gr.Button
    cancel: gr.Button
    said: gr.HTML
    review: gr.Group
    table: gr.Dataframe
    all: gr.Button
    none: gr.Button
    add: gr.Button
    made: gr.State

    @property
    def shown(self) -> list[Any]:
        return [self.said, self.review, self.table, self.made]


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section and connect it."""
    fields = _draw()
    making = fields.make.click(
        partial(make, studio, fields, data),
        {data, fields.templates, fields.most},
        [*fields.shown, fields.cancel],
        show_progress="hidden",
    )
    asking = fields.ask.click(
        partial(ask, studio, fields, data, model),
        {data, model, *fields.wish.components},
        [*fields.shown, fields.cancel],
        show_progress="hidden",
    )
    fields.cancel.click(
        lambda: (note("note", "Cancelled."), gr.update(visible=False)),
        None,
        [fields.said, fields.cancel],
        cancels=[making, asking],
        show_progress="hidden",
    )
    fields.all.click(partial(choose, True), fields.table, fields.table, show_progress="hidden")
    fields.none.click(partial(choose, False), fields.table, fields.table, show_progress="hidden")
    fields.add.click(partial(add, studio), [fields.made, fields.table, data], [data, *fields.shown])
    section = Section(fields.shown, lambda part, model: _empty(NONE_YET))
    data.change(forget, fields.made, fields.shown, show_progress="hidden")
    return section


def _draw() -> AugmentFields:
    gr.HTML(ABOUT)
    with gr.Accordion("By templates", open=True):
        templates = gr.Textbox(
            "\n".join(template.replace("\n", "\\n") for template in TEMPLATES),
            label="Templates",
            info=f"One a line; {SLOT} is where the prompt goes, \\n is a line end. Each row is asked through each.",
            lines=4,
            max_lines=10,
            elem_id="augment-templates",
        )
        most = gr.Number(
            AT_FIRST,
            label="New rows at most",
            info=f"They are meant to be looked through, so {MOST:,} at once and no more.",
            minimum=1,
            maximum=MOST,
            precision=0,
            elem_id="augment-most",
        )
        make_button = gr.Button("Make rows by the templates", size="sm", elem_id="augment-make")
    with gr.Accordion("In the base model's words", open=False):
        wish: Form[Wish] = Form(Wish, "wish")
        ask_button = gr.Button("Ask the base model", size="sm", elem_id="augment-ask")
    said = gr.HTML(NONE_YET, elem_id="augment-said")
    cancel = gr.Button("Cancel", size="sm", visible=False, elem_id="augment-cancel")
    review, table, buttons = _draw_review()
    return AugmentFields(
        templates, most, make_button, wish, ask_button, cancel, said, review, table, *buttons, gr.State(None)
    )


def _draw_review() -> tuple[gr.Group, gr.Dataframe, tuple[gr.Button, gr.Button, gr.Button]]:
    with gr.Group(visible=False) as review:
        table = gr.Dataframe(
            headers=HEADERS,
            datatype=["bool", "number", "str", "str", "str"],
            type="array",
            static_columns=[1, 2, 3, 4],
            wrap=True,
            max_height=420,
            column_widths=["9%", "8%", "35%", "28%", "20%"],
            elem_id="augment-rows",
        )
        with gr.Row():
            every = gr.Button("Take all", size="sm")
            none = gr.Button("Take none", size="sm")
            add_button = gr.Button("Add the rows that are taken", variant="primary", size="sm", elem_id="augment-add")
    return review, table, (every, none, add_button)


def make(studio: Studio, fields: AugmentFields, data: Block, values: Values) -> Iterator[Updates]:
    """New rows by the templates, to be looked through."""
    part, most = values[data], min(MOST, int(values[fields.most] or AT_FIRST))
    if not part.path:
        raise refusal(NO_ROWS, "No rows yet")

    def propose(*_: object) -> Proposed:
        prepared = studio.desk.prepare(part)
        return augmented(prepared.train, templates_of(values[fields.templates] or ""), prepared.held_out, most)

    yield from _proposed(fields, Work(propose), "Making rows…")


def ask(studio: Studio, fields: AugmentFields, data: Block, model: Block, values: Values) -> Iterator[Updates]:
    """New rows in the base model's words, to be looked through."""
    part, wish = values[data], fields.wish.read(values)
    if not part.path or (words := studio.chat_refusal()):
        raise refusal(NO_ROWS if not part.path else str(words), "Not asked")
    chat = studio.chat.open_base(values[model])

    def propose(tell: Any, stopped: Any) -> Paraphrased:
        prepared = studio.desk.prepare(part)
        return paraphrased(chat, prepared.train, wish, prepared.held_out, tell=tell, stopped=stopped)

    try:
        yield from _proposed(fields, Work(propose), "Asking the base model; its first answer takes longest…")
    finally:  # cancelled, or nobody is there any more: no answer is waited for
        chat.stop()


def _proposed(fields: AugmentFields, work: Work[Any], begun: str) -> Iterator[Updates]:
    """Tell of the work while it lasts, then show what came of it."""
    with work:
        for said in work.progress():
            yield {fields.said: note("note", said or begun), fields.cancel: gr.update(visible=True)}
        try:
            proposed = work.result()
        except StudioError as error:
            yield {fields.said: note("error", *error.problems), fields.cancel: gr.update(visible=False)}
            return
    shown = _review(proposed.examples, _dropped(proposed))
    yield dict(zip(fields.shown, shown, strict=True)) | {fields.cancel: gr.update(visible=False)}


def _dropped(proposed: Proposed | Paraphrased) -> list[str]:
    """What was made and is not shown, in words."""
    if isinstance(proposed, Paraphrased):
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in proposed.dropped.items())
        return [f"Dropped: {reasons}."] if reasons else []
    words = []
    if proposed.copies:
        words.append(f"{proposed.copies:,} asked what another row asks already, and were dropped.")
    if proposed.over:
        words.append(f"{proposed.over:,} more could be made; raise “New rows at most” for them.")
    return words


def _review(examples: Examples, dropped: list[str]) -> list[Any]:
    """What there is to look through, in a table with every row taken."""
    if not len(examples):
        return _empty(note("warning", "No new row came of it.", *dropped))
    rows = [
        [
            True,
            each.row,
            preview(each.prompt, SHOWN_CHARACTERS),
            preview(each.completion, SHOWN_CHARACTERS),
            each.source,
        ]
        for each in examples
    ]
    words = f"{counted(len(examples), 'new row')}, each marked as made. Look through them and add the good ones."
    return [note("note", words, *dropped), gr.update(visible=True), rows, examples]


def _empty(words: str) -> list[Any]:
    return [words, gr.update(visible=False), [], None]


def choose(take: bool, rows: list[list[Any]]) -> list[list[Any]]:
    """Every row of the table taken, or none."""
    return [[take, *row[1:]] for row in rows]


def forget(made: Examples | None) -> list[Any]:
    """Rows that were made of other rows are not looked through any more."""
    return [gr.skip()] * 4 if made is None else _empty(GONE)


def add(studio: Studio, made: Examples | None, rows: list[list[Any]], part: Any) -> list[Any]:
    """The data part with the rows that were taken mixed in."""
    if made is None:
        raise refusal("There are no new rows to add. Make some first.", "Nothing to add")
    taken = [int(row[1]) - 1 for row in rows if row[0] in (True, "true") and 0 < int(row[1]) <= len(made)]
    try:
        main = sum(not source for source in studio.desk.prepare(part).train.column("source").to_pylist())
        mix = join(studio.home.uploads, made.take(taken), main)
    except StudioError as error:
        raise refusal(error, "Not added") from None
    words = f"{counted(len(taken), 'new row')} joined. They are in “Split and mix”, to be weighed or removed."
    return [part.model_copy(update={"mix": (*part.mix, mix)}), *_empty(note("note", words))]
