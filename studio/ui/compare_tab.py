"""The Compare tab: one prompt to base and tuned model at once, both answers streaming side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import uuid4

import gradio as gr
from gradio.blocks import Block

from studio.answer.settings import Settings
from studio.answer.wire import SPEAKERS, Speaker
from studio.data.tokens.encode import prompt_messages
from studio.errors import StudioError
from studio.run.directory import Run, Status, find_run
from studio.ui.draft import Updates, Values
from studio.ui.form import Form
from studio.ui.studio import Studio
from studio.ui.words import note

Turns = list[dict[str, str]]  # one a question: {"prompt": ..., "base": ..., "tuned": ...}
TITLES = {"base": "Base", "tuned": "Tuned"}
ASKED = {
    "language-modeling": "Both get the same template, prompt, seed and sampling.",
    "direct-preference": "Both get the same template, prompt, seed and sampling.",
    "sequence-classification": "Your prompt is the text; the answer is its class, with how sure the model is of each.",
    "masked-language-modeling": "Write [MASK] where a word is to be guessed; the five likeliest are named for each.",
}
NOTHING_YET = "No run has a result yet. Press Train, wait until it has finished, and compare here."


@dataclass(frozen=True)
class CompareTab:
    """The tab's components. `turns` holds the conversation of both panes, `asker` who asks: a page in a browser."""

    choice: gr.Dropdown
    status: gr.HTML
    panes: dict[Speaker, gr.Chatbot]
    prompt: gr.Textbox
    reference: gr.HTML
    system: gr.Textbox
    settings: Form[Settings]
    turns: gr.State
    row: gr.State
    asker: gr.State
    send: gr.Button
    stop: gr.Button
    retry: gr.Button
    clear: gr.Button
    held_out: gr.Button

    @property
    def asked(self) -> set[Block]:
        """What a question is made of."""
        return {self.choice, self.prompt, self.system, self.turns, self.asker} | self.settings.components

    @property
    def told(self) -> list[Block]:
        """What an answer changes."""
        return [self.status, self.prompt, self.turns, *self.panes.values()]


def build(studio: Studio) -> CompareTab:
    """Draw the tab and connect it."""
    tab = _draw()
    answering: list[dict[str, Any]] = [
        event(partial(send, studio, tab), tab.asked, tab.told, concurrency_limit=4, show_progress="hidden")
        for event in (tab.send.click, tab.prompt.submit)
    ]
    answering.append(
        tab.retry.click(partial(retry, studio, tab), tab.asked, tab.told, concurrency_limit=4, show_progress="hidden")
    )
    tab.stop.click(partial(stop, studio), tab.asker, None, show_progress="hidden")
    tab.clear.click(partial(clear, studio, tab), {tab.asker}, tab.told, cancels=answering, show_progress="hidden")
    for pane in tab.panes.values():
        pane.clear(partial(clear, studio, tab), {tab.asker}, tab.told, cancels=answering, show_progress="hidden")
    tab.held_out.click(partial(next_row, studio, tab), {tab.choice, tab.row}, [tab.prompt, tab.reference, tab.row])
    tab.choice.change(partial(new_run, studio, tab), {tab.choice}, [*tab.told, tab.reference, tab.row])
    return tab


def _draw() -> CompareTab:
    with gr.Row():
        choice = gr.Dropdown(
            [],
            label="Tuned run",
            info="The tuned model answers on the right, its base on the left.",
            elem_id="compare-run",
        )
    status = gr.HTML(note("note", NOTHING_YET), elem_id="compare-status")
    with gr.Row(equal_height=True, elem_id="panes"):
        panes = {
            who: gr.Chatbot(
                label=TITLES[who],
                height=360,
                min_width=280,
                render_markdown=False,
                buttons=["copy"],
                placeholder="Answers appear here.",
                elem_id=f"pane-{who}",
            )
            for who in SPEAKERS
        }
    with gr.Row(equal_height=True):
        prompt = gr.Textbox(
            label="Prompt",
            info="Goes to both at once. Enter sends, Shift+Enter starts a new line.",
            lines=2,
            max_lines=8,
            scale=5,
            elem_id="prompt",
        )
        send_button = gr.Button("Send", variant="primary", scale=1, min_width=100, elem_id="send")
    with gr.Row():
        held_out = gr.Button("A held-out row", size="sm", min_width=60)
        stop_button = gr.Button("Stop", size="sm", min_width=50)
        retry_button = gr.Button("Retry", size="sm", min_width=50)
        clear_button = gr.Button("Clear", size="sm", min_width=50)
    reference = gr.HTML(elem_id="reference")
    with gr.Accordion("How they answer", open=False):
        system = gr.Textbox(
            label="System prompt",
            info="Said to both before your prompt, if the chat template knows it. Empty is as they were trained.",
            lines=2,
        )
        settings = Form(Settings, "settings")
    return CompareTab(
        choice, status, panes, prompt, reference, system, settings, gr.State([]), gr.State(-1), gr.State(new_asker),
        send_button, stop_button, retry_button, clear_button, held_out,
    )  # fmt: skip


def new_asker() -> str:
    """A name for one page in one browser."""
    return uuid4().hex


def compare_choices(runs: Sequence[tuple[Run, str]]) -> list[tuple[str, str]]:
    """The runs that left a result: (label, name)."""
    ready = {Status.FINISHED, Status.STOPPED}
    return [
        (f"{run.name} · {_base_of(run)} · {status}", run.name)
        for run, status in runs
        if status in ready and run.result is not None
    ]


def _base_of(run: Run) -> str:
    try:
        return run.recipe.model.id
    except StudioError:
        return "its recipe is damaged"


def new_run(studio: Studio, tab: CompareTab, values: Values) -> Updates:
    """Empty panes, and the first held-out prompt ready to be sent."""
    name = values[tab.choice]
    if not name:
        return {tab.row: -1}  # what was said stays: a page that opens late must not wipe an error away
    first = next_row(studio, tab, {tab.choice: name, tab.row: -1})
    studio.chat.warm()
    try:
        status = _fairness(find_run(studio.home, name))
    except StudioError as error:
        status = note("error", *error.problems)
    return _shown(tab, []) | first | {tab.status: status}


def next_row(studio: Studio, tab: CompareTab, values: Values) -> Updates:
    """The next held-out row as the prompt, with its completion as the reference."""
    name = values[tab.choice]
    pairs = find_run(studio.home, name).examples("held_out") if name else []
    if not pairs:
        return {tab.reference: note("note", "This run has no held-out rows. Type a prompt of your own."), tab.row: -1}
    number = (values[tab.row] + 1) % len(pairs)
    pair = pairs[number]
    reference = note("note", f"Held-out row {pair.row}, which neither has seen. Reference answer: {pair.completion}")
    return {tab.prompt: pair.prompt, tab.reference: reference, tab.row: number}


def send(studio: Studio, tab: CompareTab, values: Values) -> Iterator[Updates]:
    """Ask both; yields the panes as the answers grow. The prompt stays where the question could not be asked."""
    turns: Turns = [*values[tab.turns], {"prompt": values[tab.prompt] or ""}]
    yield from _answer(studio, tab, values, turns)


def retry(studio: Studio, tab: CompareTab, values: Values) -> Iterator[Updates]:
    """Ask the last question again; with chance in the choice of words, by another seed."""
    turns: Turns = values[tab.turns]
    if not turns:
        yield {tab.status: note("warning", "There is nothing to retry yet. Send a prompt first.")}
        return
    seed = tab.settings.fields["seed"]
    again = {**values, seed: int(values[seed] or 0) + len(turns[-1])}
    yield from _answer(studio, tab, again, [*turns[:-1], {"prompt": turns[-1]["prompt"]}])


def stop(studio: Studio, asker: str) -> None:
    """End the answers in progress at the next token."""
    studio.chat.stop(asker)


def clear(studio: Studio, tab: CompareTab, values: Values) -> Updates:
    """Stop, and forget the conversation."""
    studio.chat.stop(values[tab.asker])
    return _shown(tab, []) | {tab.prompt: "", tab.status: ""}


def _answer(studio: Studio, tab: CompareTab, values: Values, turns: Turns) -> Iterator[Updates]:
    notes: list[str] = []
    before = values[tab.turns]
    try:
        run = _ready(studio, values[tab.choice])
        conversations = {who: conversation_of(turns, who, values[tab.system] or "") for who in SPEAKERS}
        chat = studio.chat.open(run, values[tab.asker])
        yield _shown(tab, turns) | {tab.status: note("note", "Asking both …"), tab.prompt: ""}
        for texts in chat.stream(conversations, settings=tab.settings.read(values), notify=notes.append):
            turns = [*turns[:-1], turns[-1] | texts]
            yield _shown(tab, turns) | {tab.status: note("note", *(notes[-1:] or ["Answering …"]))}
        yield {tab.turns: turns, tab.status: _fairness(run, notes)}
    except StudioError as error:
        yield _shown(tab, before) | {tab.status: note("error", *error.problems), tab.prompt: turns[-1]["prompt"]}


def _ready(studio: Studio, name: str | None) -> Run:
    if not name:
        raise StudioError(NOTHING_YET)
    if refusal := studio.chat_refusal():
        raise StudioError(refusal)
    return find_run(studio.home, name)


def conversation_of(turns: Turns, who: str, system: str) -> list[dict[str, str]]:
    """The conversation as `who` has led it: both hear the same questions, each its own answers."""
    messages = prompt_messages(turns[0]["prompt"], system.strip())
    for answered, asked in pairwise(turns):
        messages += [{"role": "assistant", "content": answered.get(who, "")}, *prompt_messages(asked["prompt"])]
    return messages


def _shown(tab: CompareTab, turns: Turns) -> Updates:
    updates: Updates = {tab.turns: turns}
    for who, pane in tab.panes.items():
        history = []
        for turn in turns:
            history.append({"role": "user", "content": turn["prompt"]})
            if who in turn:
                history.append({"role": "assistant", "content": turn[who]})
        updates[pane] = history
    return updates


def _fairness(run: Run, notes: list[str] | None = None) -> str:
    recipe = run.recipe
    fair = f"{run.name}: {recipe.model.id}, {recipe.method.title}. {ASKED[recipe.task.name]}"
    return note("note", fair, *(line for line in notes or [] if "..." not in line and "…" not in line))
