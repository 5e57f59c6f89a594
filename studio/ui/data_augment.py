"""New rows out of the ones there are, by templates or by the base model: looked through before any of them joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.data.augment import SLOT, TEMPLATES, Proposed, augmented, join, templates_of
from studio.data.part import DataPart
from studio.data.table import preview
from studio.data.wording import counted
from studio.errors import StudioError
from studio.ui.draft import Updates, Values
from studio.ui.refusal import refusal
from studio.ui.section import Section
from studio.ui.studio import Studio
from studio.ui.words import note
from studio.ui.work import Work

ABOUT = (
    "<p>The same completions under prompts in other words make a model less fussy about how it is asked. Every new "
    "row is marked as made, is shown here first, and is never held out.</p>"
)
HEADERS = ["take", "nr", "new prompt", "completion", "how it was made"]
MOST = 2_000
AT_FIRST = 200
SHOWN_CHARACTERS = 300
NONE_YET = note("note", "No new rows yet. Make some; then take those that are good.")
GONE = note("note", "The rows have changed, so new ones are to be made again.")


@dataclass(frozen=True)
class AugmentFields:
    """The section's components. `made` holds the rows that are looked through."""

    templates: gr.Textbox
    most: gr.Number
    make: gr.Button
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
    fields.make.click(
        partial(make, studio, fields, data), {data, fields.templates, fields.most}, [*fields.shown, fields.cancel]
    )
    fields.all.click(partial(choose, True), fields.table, fields.table, show_progress="hidden")
    fields.none.click(partial(choose, False), fields.table, fields.table, show_progress="hidden")
    fields.add.click(partial(add, studio), [fields.made, fields.table, data], [data, *fields.shown])
    section = Section(fields.shown, lambda part, model: _empty(NONE_YET))
    data.change(forget, fields.made, fields.shown, show_progress="hidden")
    return section


def _draw() -> AugmentFields:
    gr.HTML(f"<h3>New rows</h3>{ABOUT}")
    templates = gr.Textbox(
        "\n".join(template.replace("\n", "\\n") for template in TEMPLATES),
        label="Templates",
        info=f"One a line; {SLOT} is where the prompt goes, \\n is a line end. Each row is asked again through each.",
        lines=4,
        max_lines=10,
        elem_id="augment-templates",
    )
    most = gr.Number(
        AT_FIRST,
        label="New rows at most",
        info=f"They are meant to be looked through: {MOST:,} at once and no more.",
        minimum=1,
        maximum=MOST,
        precision=0,
        elem_id="augment-most",
    )
    with gr.Row():
        make = gr.Button("Make rows by the templates", size="sm", elem_id="augment-make")
        ask = gr.Button("Ask the base model for other words", size="sm", elem_id="augment-ask")
        cancel = gr.Button("Cancel", size="sm", visible=False, elem_id="augment-cancel")
    said = gr.HTML(NONE_YET, elem_id="augment-said")
    with gr.Group(visible=False) as review:
        table = gr.Dataframe(
            headers=HEADERS,
            datatype=["bool", "number", "str", "str", "str"],
            type="array",
            static_columns=[1, 2, 3, 4],
            wrap=True,
            max_height=420,
            column_widths=["64px", "60px", "38%", "30%", "22%"],
            elem_id="augment-rows",
        )
        with gr.Row():
            every = gr.Button("Take all", size="sm")
            none = gr.Button("Take none", size="sm")
            add = gr.Button("Add the rows that are taken", variant="primary", size="sm", elem_id="augment-add")
    return AugmentFields(templates, most, make, ask, cancel, said, review, table, every, none, add, gr.State(None))


def make(studio: Studio, fields: AugmentFields, data: Block, values: Values) -> Iterator[Updates]:
    """New rows by the templates, to be looked through."""
    part, most = values[data], min(MOST, int(values[fields.most] or AT_FIRST))

    def propose(*_: object) -> Proposed:
        prepared = studio.desk.prepare(part)
        return augmented(prepared.train, templates_of(values[fields.templates] or ""), prepared.held_out, most)

    yield from _proposed(fields, part, Work(propose), "Making rows…")


def _proposed(fields: AugmentFields, part: DataPart, work: Work[Proposed], begun: str) -> Iterator[Updates]:
    """Tell of the work while it lasts, then show what came of it."""
    if not part.path:
        raise refusal("There are no rows to make new ones of. Choose a sample or bring your own first.", "No rows yet")
    with work:
        for said in work.progress():
            yield {fields.said: note("note", said or begun), fields.cancel: gr.update(visible=True)}
        try:
            proposed = work.result()
        except StudioError as error:
            yield {fields.said: note("error", *error.problems), fields.cancel: gr.update(visible=False)}
            return
    yield dict(zip(fields.shown, _review(proposed), strict=True)) | {fields.cancel: gr.update(visible=False)}


def _review(proposed: Proposed) -> list[Any]:
    """What there is to look through, in a table with every row taken."""
    words = [
        f"{counted(len(proposed.examples), 'new row')}, each marked as made. Look through them and add the good ones."
    ]
    if proposed.copies:
        words.append(f"{proposed.copies:,} asked what another row asks already, and were dropped.")
    if proposed.over:
        words.append(f"{proposed.over:,} more could be made; raise “New rows at most” for them.")
    if not len(proposed.examples):
        return _empty(note("warning", "No new row came of it.", *words[1:]))
    rows = [
        [
            True,
            each.row,
            preview(each.prompt, SHOWN_CHARACTERS),
            preview(each.completion, SHOWN_CHARACTERS),
            each.source,
        ]
        for each in proposed.examples
    ]
    return [note("note", *words), gr.update(visible=True), rows, proposed]


def _empty(words: str) -> list[Any]:
    return [words, gr.update(visible=False), [], None]


def choose(take: bool, rows: list[list[Any]]) -> list[list[Any]]:
    """Every row of the table taken, or none."""
    return [[take, *row[1:]] for row in rows]


def forget(proposed: Proposed | None) -> list[Any]:
    """Rows that were made of other rows are not looked through any more."""
    return [gr.skip()] * 4 if proposed is None else _empty(GONE)


def add(studio: Studio, proposed: Proposed | None, rows: list[list[Any]], part: DataPart) -> list[Any]:
    """The data part with the rows that were taken mixed in."""
    if proposed is None:
        raise refusal("There are no new rows to add. Make some first.", "Nothing to add")
    taken = [int(row[1]) - 1 for row in rows if row[0] in (True, "true") and 0 < int(row[1]) <= len(proposed.examples)]
    try:
        main = sum(not source for source in studio.desk.prepare(part).train.column("source").to_pylist())
        mix = join(studio.home.uploads, proposed.examples.take(taken), main)
    except StudioError as error:
        raise refusal(error, "Not added") from None
    return [
        part.model_copy(update={"mix": (*part.mix, mix)}),
        *_empty(
            note(
                "note",
                f"{counted(len(taken), 'new row')} joined. They are in “Split and mix”, to be weighed or removed.",
            )
        ),
    ]
