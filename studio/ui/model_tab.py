"""The Model tab: which base model is tuned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from studio.errors import StudioError
from studio.recipe.models import BaseModelCard, Located, catalogue, facts, locate
from studio.run.directory import Status
from studio.run.history.notes import read_notes
from studio.run.merge import OF_RUN, base_named
from studio.ui.refusal import refusal
from studio.ui.studio import Studio
from studio.ui.words import figures, note

HUB = "https://huggingface.co/"


@dataclass(frozen=True)
class ModelTab:
    """The tab's components that other tabs listen to."""

    choice: gr.Dropdown
    card: gr.HTML


def build(studio: Studio, model: gr.State, room: gr.Tab) -> ModelTab:
    """Draw the tab in its `room` and connect it to the state that holds the base model's id."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            choice = gr.Dropdown(
                _of_catalogue(),
                value=model.value,
                allow_custom_value=True,
                label="Base model",
                info="Pick one, or type an id of the Hugging Face Hub (owner/name) or the path of a model's folder. "
                "The results of your runs are at the end of the list, to tune on from. "
                "Start small: a small model that is tuned well beats a large one that does not fit.",
                elem_id="base-model",
            )
        with gr.Column(scale=3, min_width=320):
            card = gr.HTML(describe(model.value), elem_id="model-card")
    choice.change(partial(named, studio), choice, model)
    room.select(lambda: gr.update(choices=[*_of_catalogue(), *_of_runs(studio)]), None, choice, show_progress="hidden")
    model.change(lambda value: (value, describe(value)), model, [choice, card], show_progress="hidden")
    return ModelTab(choice, card)


def named(studio: Studio, value: str | None) -> str:
    """The base model's id. "run:NAME" is the result of a run: made a whole model first, where it is an adapter."""
    try:
        return base_named(studio.home, str(value or "").strip())
    except StudioError as error:
        raise refusal(error, "Not taken as a base") from None


def _of_catalogue() -> list[tuple[str, str]]:
    return [(_line(card), card.id) for card in catalogue()]


def _of_runs(studio: Studio) -> list[tuple[str, str]]:
    done = [run for run in studio.runs() if run.result and run.status() in {Status.FINISHED, Status.STOPPED}]
    return [(f"Result of {read_notes(run).name or run.name}", f"{OF_RUN}{run.name}") for run in done]


def describe(model_id: str) -> str:
    """What is known of a base model, or why it cannot be used, as HTML."""
    try:
        located = locate(model_id)
        return _known(located)
    except StudioError as error:
        return note("error", *error.problems)


def _known(located: Located) -> str:
    parts = [_of_card(located.card, counted=not located.folder)] if located.card else []
    if located.folder:
        known = facts(located.folder)
        parts.append(
            figures(
                [
                    ("Weights", f"{known.parameters:,}"),
                    ("Architecture", known.architecture or "?"),
                    ("Context", f"{known.context:,} tokens" if known.context else "unknown"),
                    ("Chat template", "its own" if known.has_chat_template else "none: a plain one is used"),
                ]
            )
        )
    elif located.card and located.card.gated:
        parts.append(
            note(
                "warning",
                "Its makers want their licence accepted first: open its page on the Hub, accept, and start the studio "
                "with your access token in HF_TOKEN.",
            )
        )
    else:
        parts.append(
            note("note", "It is fetched from the Hugging Face Hub when a run first needs it, safetensors only.")
        )
    return "".join(parts)


def _of_card(card: BaseModelCard, counted: bool) -> str:
    """What the catalogue says; weights and context only where they are not counted in the model's own files."""
    address = "" if card.id == "starter" else f"<p><code>{escape(HUB + card.id)}</code></p>"
    rows = [("Weights", card.size), ("Context", f"{card.context:,} tokens")] if counted else []
    rows += [
        ("Licence", card.licence),
        ("Answers as an assistant", _answers(card)),
    ]
    return f"<h3>{escape(card.name)}</h3><p>{escape(card.good_for)}</p>{address}{figures(rows)}"


def _answers(card: BaseModelCard) -> str:
    if card.kind == "encoder":
        return "no, it reads: for classification and masked language modeling"
    return "yes" if card.instruct else "no, it continues text"


def _line(card: BaseModelCard) -> str:
    return f"{card.name} · {card.size}" + (" · gated" if card.gated else "")
